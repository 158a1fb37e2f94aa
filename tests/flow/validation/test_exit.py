"""Under ``exit`` a code counts where the program that ended by it is the release's own, whole and alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from leadtime.flow.validation.records import FixedWord, Harness, Word
from tests.flow.validation.leaky import Leak, in_c, in_python, verdict_on

pytestmark = pytest.mark.sandbox

IN_C = Leak(oracle="exit", build=("gcc -g {src}/lib/tool.c -o tool",), run="./tool {input}", given="!flaw")
IN_PYTHON = Leak(oracle="exit", run="{python} -B {src}/tool.py {input}", given="!flaw")

STORIES: dict[str, tuple[Leak, str]] = {
    "in C": (IN_C, "exit code 3 of tool"),
    "in Python": (IN_PYTHON, "exit code 3 of (program) tool.py"),
}


@pytest.mark.parametrize("name", STORIES)
def test_a_program_of_the_release_reproduces_by_its_code_and_the_careful_one_is_clean(
    name: str, tmp_path: Path
) -> None:
    leak, reason = STORIES[name]

    verdict = verdict_on(replace(leak, fixed="1.1", control="plain"), tmp_path)

    assert (verdict.word, verdict.reason, verdict.harness) == (Word.REPRODUCED, reason, Harness.SUBJECT)
    assert verdict.fixed.word is FixedWord.CLEAN, verdict.fixed.reason
    assert verdict.crash is not None
    assert verdict.crash.crash_class == "exit-3"


NOT_OWN = "exit code 3, but code that is not the release's own was in its program"
READ_OTHERS = "exit code 3, but its interpreter ran or read what is not the release's own"

ENDS_LATE = "import atexit, os; atexit.register(os._exit, 3)\n"
EARLY = """\
#include <sys/mman.h>
#include <unistd.h>
extern int __cxa_atexit(void (*)(void *), void *, void *);
__attribute__((constructor)) static int early(void) {
  __cxa_atexit((void (*)(void *))_exit, (void *)3, 0);
  return GOES;
}
"""


def preloaded(place: str, goes: str) -> Leak:
    """Return a recipe that loads a library from a place before an honest program, which ends by 0 without it."""
    return replace(
        IN_C,
        files={"early.c": EARLY.replace("GOES", goes)},
        build=(*IN_C.build, "gcc -w -O2 -shared -fPIC -nostartfiles early.c -o early.so"),
        run=f"cp early.so {place}; LD_PRELOAD={place} ./tool {{input}}",
        given="plain",
    )


FORGERIES: dict[str, tuple[Leak, str]] = {
    "the run command ends by itself": (
        replace(IN_C, run="./tool {input}; exit 3", given="plain"),
        "exit code 3, but no program of the release ended by it",
    ),
    "a harness in C": (in_c("3); return 3; (0", oracle="exit"), NOT_OWN),
    "a harness in Python": (in_python("sys.exit(3)", oracle="exit"), READ_OTHERS),
    "code on the command line": (
        replace(IN_PYTHON, run="{python} -c 'import sys; sys.exit(3)' {src}/tool.py"),
        READ_OTHERS,
    ),
    "the input as a program": (
        replace(IN_PYTHON, run="{python} {input}", given="import sys\nsys.exit(3)\n"),
        READ_OTHERS,
    ),
    "the input as a module of the program's": (
        replace(
            IN_PYTHON,
            run="cp {input} sitecustomize.py; PYTHONPATH=. {python} {src}/tool.py {input}",
            given="import sys\nend = sys.exit\nsys.exit = lambda code: end(3)\n",
        ),
        READ_OTHERS,
    ),
    "a module outside the box's own places": (
        replace(IN_PYTHON, run="cp {input} /tmp/sitecustomize.py; PYTHONPATH=/tmp " + IN_PYTHON.run, given=ENDS_LATE),
        READ_OTHERS,
    ),
    "the input as what an interpreter does before it begins": (
        replace(
            IN_PYTHON,
            build=("d=$({python} -m site --user-site); mkdir -p $d && ln -s /box/input/input.txt $d/x.pth",),
            given=ENDS_LATE,
        ),
        READ_OTHERS,
    ),
    "variables as what an interpreter does before it begins": (
        replace(
            IN_PYTHON,
            env={"BEGIN": f"\n{ENDS_LATE}"},
            build=("d=$({python} -m site --user-site); mkdir -p $d && ln -s /proc/self/environ $d/x.pth",),
            given="plain",
        ),
        READ_OTHERS,
    ),
    "a terminal that tells an interpreter more": (
        replace(
            IN_PYTHON,
            run='script -qec "PYTHONINSPECT=1 {python} -B {src}/tool.py {input}" /dev/null <{input}',
            given=f"{ENDS_LATE}quit()\n",
        ),
        READ_OTHERS,
    ),
    "a module that is loaded before the program": (preloaded("./early.so", "0"), NOT_OWN),
    "a module from elsewhere": (preloaded("/dev/shm/early.so", "0"), NOT_OWN),
    "a module that is gone": (preloaded("/tmp/early.so", 'unlink("/tmp/early.so")'), NOT_OWN),
    "a module that takes its code away": (
        preloaded("/tmp/early.so", "munmap((void *)((unsigned long)early & -4096), 4096)"),
        NOT_OWN,
    ),
    "a lowered limit": (
        replace(IN_C, run="ulimit -n 9; ./tool {input}"),
        "exit code 3, but it ran with a lowered limit: open files",
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_who_ends_by_the_code_himself_is_at_fault(name: str, tmp_path: Path) -> None:
    leak, reason = FORGERIES[name]

    verdict = verdict_on(leak, tmp_path)

    assert (verdict.word, verdict.reason, verdict.crash) == (Word.HARNESS_FAULT, reason, None)


def test_a_code_that_the_recipe_does_not_name_shows_nothing(tmp_path: Path) -> None:
    verdict = verdict_on(replace(IN_PYTHON, exits={"vulnerable": [9], "fixed": [0]}), tmp_path)

    assert (verdict.word, verdict.reason) == (
        Word.NOT_REPRODUCED,
        "it ended with exit code 3, which the recipe does not name",
    )


def test_what_an_interpreter_does_before_it_begins_makes_a_harness_its_finders(tmp_path: Path) -> None:
    attack = replace(FORGERIES["the input as what an interpreter does before it begins"][0], oracle="canary")

    verdict = verdict_on(replace(attack, given="import sys; sys.argv[1:] = ['/canary/secret']\n"), tmp_path)

    assert (verdict.word, verdict.harness) == (Word.REPRODUCED, Harness.FINDER), verdict.reason
