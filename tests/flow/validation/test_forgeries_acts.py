"""Harnesses that do it themselves, or have it done where the subject seems to stand: each ends as a harness fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadtime.flow.validation.records import Word
from tests.flow.validation.leaky import C_HARNESS, Leak, in_c, in_python, verdict_on

pytestmark = pytest.mark.sandbox

HARNESS_DID = "its faulting frame {} is the harness's, not the subject's"
UNPROVEN = "could not be shown to be built from the release unchanged"
CTYPES = "it was done through ctypes, by which anything can be called from anywhere"
NOT_BY_NAME = "it does not call by name what did it"

VISITOR = """\
#include <stdlib.h>
static int visit(const char *name) { return system(name); }
"""
HANDLER = """\
#include <fcntl.h>
#include <signal.h>
static void handle(int number, siginfo_t *about, void *place) { open("/canary/secret", O_RDONLY); }
static int visit(const char *name) {
  struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &action, 0);
  return raise(SIGUSR1);
}
"""
CONNECTING_HANDLER = """\
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
static int visit(const char *name) {
  struct sigaction action = {.sa_flags = SA_SIGINFO};
  void *kernel = (void *)connect;
  memcpy(&action.sa_sigaction, &kernel, sizeof kernel);
  dup2(socket(AF_INET, SOCK_STREAM, 0), SIGINT);
  sigaction(SIGINT, &action, 0);
  return kill(getpid(), SIGINT);
}
"""
OTHER_PROCESS = """\
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static int visit(const char *name) { if (fork() == 0) { execl("/bin/true", "true", (char *)0); } return wait(0); }
"""
THREAD = """\
#include <fcntl.h>
#include <pthread.h>
static void *read_it(void *place) { open("/canary/secret", O_RDONLY); return 0; }
static int visit(const char *name) {
  pthread_t other;
  pthread_create(&other, 0, read_it, 0);
  return pthread_join(other, 0);
}
"""


def visiting(visitor: str, *, options: str = "-O0") -> Leak:
    """Return a recipe whose harness has the subject call a function of the harness's own."""
    harness = visitor + C_HARNESS.replace("CALL", 'leaky_walk("true", visit)')
    return Leak(
        files={"visit.c": harness},
        build=(
            f"gcc -g {options} -I{{src}}/lib -c visit.c -o visit.o",
            "gcc -g -O0 -I{src}/lib visit.o {src}/lib/leaky.c -o target",
        ),
        run="./target {input}",
        given="plain",
    )


FORGERIES: dict[str, tuple[Leak, str]] = {
    "reads the secret itself": (
        in_c('fopen("/canary/secret", "r") != 0'),
        f"secret-read, but {HARNESS_DID.format('main harness.c:8')}",
    ),
    "calls back and goes on without a frame": (
        visiting(VISITOR, options="-O2"),
        f"process-start in leaky_walk lib/leaky.c:46, but {NOT_BY_NAME}",
    ),
    "hands over a function of the C library's": (
        visiting("#include <stdlib.h>\nstatic int (*visit)(const char *) = system;\n"),
        f"process-start in leaky_walk lib/leaky.c:46, but {NOT_BY_NAME}",
    ),
    "reads in a signal's handler": (visiting(HANDLER), f"secret-read, but {HARNESS_DID.format('handle visit.c:3')}"),
    "connects as a signal's handler": (
        visiting(CONNECTING_HANDLER, options="-O2"),
        f"connection, but {HARNESS_DID.format('visit visit.c:11')}",
    ),
    "starts in a process that the subject seems to have made": (
        visiting(OTHER_PROCESS),
        f"process-start, but {HARNESS_DID.format('visit visit.c:4')}",
    ),
    "reads in a thread": (visiting(THREAD), f"secret-read, but {HARNESS_DID.format('read_it visit.c:3')}"),
    "starts in Python": (
        in_python("import os\nos.system('true')"),
        f"process-start, but {HARNESS_DID.format('<module> harness.py:7')}",
    ),
    "is called back in Python": (
        in_python("leaky.walk(text, lambda name: open('/canary/new', 'w'))"),
        f"file-write, but {HARNESS_DID.format('<lambda> harness.py:6')}",
    ),
    "patches a name of the subject's": (
        in_python("import subprocess\nleaky.len = lambda them: subprocess.call('true')\nleaky.walk(text, str)"),
        f"process-start, but {HARNESS_DID.format('<lambda> harness.py:7')}",
    ),
    "patches the subject's code": (
        in_python(
            "import os\nleaky.walk.__code__ = (lambda name, visit: os.system('true')).__code__.replace("
            "co_filename=leaky.walk.__code__.co_filename, co_name='walk')\nleaky.os = os\nleaky.walk(text, 1)"
        ),
        f"process-start, but its faulting frame <lambda> src/leaky/__init__.py:7 {UNPROVEN}",
    ),
    "calls by address from the subject's frame": (
        in_python("import ctypes\nleaky.walk(b'true', ctypes.CDLL(None).system)"),
        f"process-start in walk leaky/__init__.py:35, but {CTYPES}",
    ),
    "does it on the harmless input, too": (
        in_python("leaky.run('|true')", control="plain"),
        "the control input is not clean: process-start in run leaky/__init__.py:25",
    ),
    "does it itself on the harmless input": (
        in_python("import os\nos.system('true') if text == 'tame' else leaky.run(text)", "|true", control="tame"),
        f"the control input is not clean: process-start, but {HARNESS_DID.format('<module> harness.py:7')}",
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_who_does_it_himself_is_at_fault(name: str, tmp_path: Path) -> None:
    leak, reason = FORGERIES[name]

    verdict = verdict_on(leak, tmp_path)

    assert (verdict.word, verdict.reason, verdict.crash) == (Word.HARNESS_FAULT, reason, None)
