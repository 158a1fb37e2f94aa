"""One run after another in a box that stands: what a run tries to leave for the next, each really tried."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest

from leadtime.foundation.errors import Malformed
from leadtime.sandbox import Ending, Limits, Mount, Outcome, Program, Repeats, Watch, launch
from leadtime.sandbox.guest import guest_files

pytestmark = pytest.mark.sandbox

LIMITS = Limits(wall_s=20.0, memory_mib=512, pids_max=64, disk_mib=80, scratch_mib=16)
TARGETS = {"work": "/box/work", "canary": "/canary"}

LOOK = dedent("""
    import glob, os, re, socket, stat, sys
    def inside(top):
        for at, below, files in os.walk(top):
            for name in sorted(below + files):
                yield os.path.join(at, name)
    for top in ("/box/work", "/canary", "/tmp", "/dev/shm", "/dev/pts", "/observer"):
        print(top, oct(os.stat(top).st_mode), *inside(top))
    print("processes", *sorted(glob.glob("/proc/[0-9]*")))
    print("descriptors", *sorted(os.listdir("/proc/self/fd")))
    print("sockets", open("/proc/net/unix").read().count("\\n"), open("/proc/net/tcp").read().count("\\n"))
    print("locks", [line.split()[1:4] for line in open("/proc/locks") if f" {os.getpid()} " in line])
    for line in open("/proc/self/mountinfo"):
        number, parent, device, root, rest = line.split(" ", 4)
        print("mount", re.sub("/tmp[^/]+/", "/RUN/", root), rest.split(" - ")[0], rest.split(" - ")[1].split()[0])
    print("changed", os.stat("/dev/pts").st_mtime_ns > os.stat("/proc/self").st_ctime_ns)
    print("number", os.getpid(), os.getppid(), os.getsid(0))
    sys.stdout.flush()
""")
"""Prints all that a program can see of the box it is in, but for numbers that the kernel gives out."""

LEAVE = dedent("""
    import fcntl, pty, signal, threading, time
    for top in ("/box/work", "/canary", "/tmp", "/dev/shm"):
        os.makedirs(top + "/left/deep")
        os.symlink("/observer/runs", top + "/link")
        os.mkfifo(top + "/pipe")
        open(top + "/left/file", "w").write("I was here")
        os.chmod(top, 0o777)
    ends = pty.openpty()
    abstract = socket.socket(socket.AF_UNIX)
    abstract.bind("\\0left")
    abstract.listen()
    loopback = socket.create_server(("127.0.0.1", 4444))
    lock = open("/box/work/left/file")
    fcntl.flock(lock, fcntl.LOCK_EX)
    if os.fork() == 0:
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        if os.fork() == 0:
            for descriptor in (0, 1, 2):
                os.close(descriptor)
            time.sleep(3600)
        os._exit(0)
    os.wait()
""")


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    path = tmp_path / "runs"
    path.mkdir()
    return path


def program(command: str, *, limits: Limits = LIMITS) -> Program:
    return Program(command, limits, watch=Watch.REPORTS)


def new_place(runs: Path) -> Path:
    place = Path(tempfile.mkdtemp(dir=runs))
    for name in TARGETS:
        (place / name).mkdir()
    (place / "work" / "given").write_text("as it was built")
    return place


def outcomes(program: Program, runs: Path, times: int) -> Iterator[Outcome]:
    with Repeats(program, runs, TARGETS) as repeats:
        for _ in range(times):
            yield repeats.run(new_place(runs))


def python(source: str, tmp_path: Path) -> Program:
    file = tmp_path / "try.py"
    file.write_text(source)
    shown = (Mount(file, "/box/try.py"),)
    return Program("exec python3 -I -S /box/try.py", LIMITS, shown, watch=Watch.REPORTS)


def test_a_run_finds_nothing_that_another_left(runs: Path, tmp_path: Path) -> None:
    first, second = outcomes(python(LOOK + LEAVE, tmp_path), runs, 2)
    assert (first.stderr, second.stderr) == (b"", b"")
    assert b"/box/work 0o40755 /box/work/given\n" in second.stdout
    assert second.stdout == first.stdout
    assert [outcome.ending for outcome in (first, second)] == [Ending.EXITED] * 2
    assert all((place / "work" / "left" / "file").is_file() for place in runs.iterdir())


def test_a_run_cannot_tell_which_it_is(runs: Path, tmp_path: Path) -> None:
    looking = python(LOOK, tmp_path)
    alone = next(outcomes(looking, runs, 1))
    assert alone.ending is Ending.EXITED
    assert [outcome.stdout for outcome in outcomes(looking, runs, 3)] == [alone.stdout] * 3


CRASH = """
    #include <stdlib.h>
    int main(void) { volatile char *at = calloc(1, 8); return at[9]; }
"""
INHERITED = "env | sort; grep -E '^(Sig|Shd|Umask|Seccomp)' /proc/self/status; cat /proc/self/limits; ls /proc/self/fd"


def test_a_run_cannot_tell_that_its_stack_is_read_otherwise(runs: Path, tmp_path: Path) -> None:
    """The first stack by a debugger of its own, the others by copies of one that has loaded libraries before."""
    crash = tmp_path / "crash"
    compiled = ["gcc", "-g", "-fsanitize=address", "-x", "c", "-", "-o", str(crash)]
    subprocess.run(compiled, input=CRASH.encode(), check=True)
    options = {"ASAN_OPTIONS": "symbolize=0:detect_leaks=0:exitcode=7"}
    shown = (Mount(crash, "/box/crash"),)
    crashing = Program(f"{INHERITED}; exec /box/crash", LIMITS, shown, env=options, watch=Watch.REPORTS)
    told = list(outcomes(crashing, runs, 3))
    assert [outcome.exit_code for outcome in told] == [7] * 3
    assert [outcome.stdout for outcome in told] == [told[0].stdout] * 3
    first, *others = [names_on_the_stack(outcome) for outcome in told]
    assert "main" in first
    assert others == [first] * 2


def names_on_the_stack(outcome: Outcome) -> list[str]:
    (report,) = json.loads(outcome.sightings)["reports"]
    return [frame["function"] for frame in report["frames"]]


BROKEN_OBSERVER = dedent("""
    import ctypes, os, signal, socket, subprocess
    def said(what):
        try:
            what()
        except Exception as failure:
            return type(failure).__name__
        return "done"
    def watch(init_pid, mode, wall_s, *, payload_pid, open_gate):
        others = sorted(p for p in os.listdir("/proc") if p.isdigit() and int(p) not in (1, os.getpid(), os.getppid()))
        names = {open(f"/proc/{p}/comm").read().strip() for p in others}
        libc = ctypes.CDLL(None, use_errno=True)
        attached = libc.ptrace(16, os.getppid(), 0, 0)
        open("/tmp/left", "a").write("x")
        found = {
            "others": sorted(names),
            "attached": attached,
            "memory": said(lambda: open(f"/proc/{os.getppid()}/mem", "rb")),
            "left": len(open("/tmp/left").read()),
            "unmounted": libc.umount2(b"/tmp", 2),
            "pipes": sum(os.path.realpath(f"/proc/self/fd/{n}").count("pipe:") for n in os.listdir("/proc/self/fd")),
            "files": [at for n in range(64) if os.path.isfile(at := os.path.realpath(f"/proc/self/fd/{n}"))],
            "parent": open(f"/proc/{os.getppid()}/comm").read().strip(),
            "reports": ["one, so that its stack is read"],
        }
        for _ in range(3):
            if os.fork() == 0:
                os.setsid()
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                while True:
                    signal.pause()
        open_gate()
        os.waitpid(-1, 0)
        return found
""")


def test_a_broken_observer_is_gone_before_the_next_run(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = {**guest_files(), "guest/observe.py": BROKEN_OBSERVER.encode()}
    kept = {name: content for name, content in broken.items() if not name.startswith("guest/__pycache__/observe.")}
    monkeypatch.setattr(launch, "guest_files", lambda: kept)
    told = [json.loads(outcome.sightings) for outcome in outcomes(program("true"), runs, 3)]
    assert [found.pop("parent") for found in told] == ["python3", "gdb", "gdb"]
    assert (
        told
        == [
            {
                "others": ["bwrap", "sh"],
                "attached": -1,
                "memory": "PermissionError",
                "left": 1,
                "unmounted": -1,
                "pipes": 4,
                "files": [],
                "reports": ["one, so that its stack is read"],
            }
        ]
        * 3
    )


def test_after_a_limit_the_next_run_has_a_box_of_its_own(runs: Path) -> None:
    held = len(list(Path("/proc/self/fd").iterdir()))
    flood = program("if mkdir /tmp/x; then yes; fi", limits=replace(LIMITS, output_bytes_max=100_000))
    assert [outcome.ending for outcome in outcomes(flood, runs, 2)] == [Ending.OUTPUT_FLOOD] * 2
    assert len(list(Path("/proc/self/fd").iterdir())) == held


def test_a_limit_of_one_run_is_not_anothers(runs: Path) -> None:
    """A count of files that is over the limit for two runs together, but not for one."""
    filling = program("for n in $(seq 40); do echo > $n; done", limits=replace(LIMITS, files_max=60))
    assert [outcome.ending for outcome in outcomes(filling, runs, 2)] == [Ending.EXITED] * 2


@pytest.mark.parametrize("what", ["nobody watches", "writable mount"])
def test_what_is_repeated_is_watched_and_writes_nowhere_else(runs: Path, what: str) -> None:
    whole = program("true")
    if what == "nobody watches":
        whole = replace(whole, watch=Watch.NOTHING)
    else:
        whole = replace(whole, mounts=(Mount(runs, "/box/other", writable=True),))
    with pytest.raises(Malformed) as refused:
        Repeats(whole, runs, TARGETS)
    assert str(refused.value) == "mounts: a repeated program is watched, and its own mounts are read-only"
