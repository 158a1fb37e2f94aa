"""What an honest program gets."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from leadtime.foundation.errors import Malformed, Unavailable
from leadtime.sandbox import Ending, Limits, Mount, Outcome, Program, Watch, run, walls
from leadtime.sandbox import filters as filters_module
from leadtime.sandbox.filters import compile_filter
from leadtime.sandbox.walls import REGISTERS_ADVICE, debug_registers, why_not_lent

pytestmark = pytest.mark.sandbox

LIMITS = Limits(wall_s=30.0, memory_mib=1024)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    path = tmp_path / "work"
    path.mkdir()
    return path


@pytest.fixture
def box(work: Path) -> Callable[..., Outcome]:
    def box(command: str, *mounts: Mount, watch: Watch = Watch.NOTHING, env: dict[str, str] | None = None) -> Outcome:
        mounts = (Mount(work, "/box/work", writable=True), *mounts)
        return run(Program(command, LIMITS, mounts, env or {}, watch))

    return box


@pytest.mark.parametrize("watch", [Watch.NOTHING, Watch.REPORTS, Watch.STACKS_AT_LIMIT])
def test_it_is_told_apart_what_a_program_says_and_how_it_ends(box: Callable[..., Outcome], watch: Watch) -> None:
    outcome = box("echo out; echo err >&2; exit 7", watch=watch)
    assert (outcome.ending, outcome.exit_code, outcome.signal) == (Ending.EXITED, 7, None)
    assert (outcome.stdout, outcome.stderr) == (b"out\n", b"err\n")
    assert (outcome.stdout_total_bytes, outcome.stderr_total_bytes) == (4, 4)
    assert (outcome.sightings == b"") == (watch is Watch.NOTHING)


@pytest.mark.parametrize("watch", [Watch.NOTHING, Watch.REPORTS])
def test_every_run_finds_the_same_place(box: Callable[..., Outcome], watch: Watch) -> None:
    outcome = box("pwd; id -un; hostname; umask; env | sort", watch=watch, env={"MINE": "x y", "EMPTY": ""})
    assert outcome.stdout.decode().splitlines() == [
        *("/box/work", "box", "box", "0022"),
        *("EMPTY=", "HOME=/box/work", "LANG=C.UTF-8", "MINE=x y", "PATH=/usr/local/bin:/usr/bin:/bin"),
        *("PWD=/box/work", "TMPDIR=/tmp", "TZ=UTC", "USER=box"),
    ]


def test_a_loader_setting_of_the_program_reaches_the_program_only(box: Callable[..., Outcome]) -> None:
    for watch in (Watch.NOTHING, Watch.REPORTS):
        outcome = box("echo $LD_PRELOAD", watch=watch, env={"LD_PRELOAD": "/none.so", "PYTHONHOME": "/none"})
        assert outcome.stdout == b"/none.so\n"
        assert outcome.ending is Ending.EXITED


def test_what_it_writes_stays_and_can_be_read_by_the_next_run(box: Callable[..., Outcome], work: Path) -> None:
    (work / "mine").write_text("from outside")
    assert box("cat mine; echo inside >theirs; echo changed >mine").stdout == b"from outside"
    assert (work / "theirs").read_text() == "inside\n"
    assert box("cat theirs mine").stdout == b"inside\nchanged\n"


def test_read_only_mounts_of_files_and_directories(box: Callable[..., Outcome], tmp_path: Path) -> None:
    (tmp_path / "shown").mkdir()
    (tmp_path / "shown/file").write_text("one")
    (tmp_path / "single").write_text("two")
    outcome = box(
        "cat /box/shown/file /box/single; touch /box/shown/x; echo x >/box/single",
        *(Mount(tmp_path / "shown", "/box/shown"), Mount(tmp_path / "single", "/box/single")),
    )
    assert outcome.stdout == b"onetwo"
    assert (outcome.stderr.count(b"Read-only file system"), (tmp_path / "single").read_text()) == (2, "two")


def test_the_observers_mounts_are_the_observers(work: Path, tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("tool")
    tool = Mount(tmp_path / "tool", "/observer/tool")
    program = Program("ls -A /observer; cat /observer/tool", LIMITS, watch=Watch.REPORTS, observer_mounts=(tool,))
    outcome = run(program)
    assert (outcome.stdout, outcome.exit_code) == (b"", 1)


def test_a_private_home_above_a_mount_keeps_its_mode(box: Callable[..., Outcome], tmp_path: Path) -> None:
    (tmp_path / "home/shown").mkdir(parents=True)
    (tmp_path / "home/shown/file").write_text("content")
    (tmp_path / "home").chmod(0o700)
    assert box("cat /box/shown/file", Mount(tmp_path / "home/shown", "/box/shown")).stdout == b"content"
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700


def test_a_source_that_is_not_there_is_refused(box: Callable[..., Outcome], tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="source is not there"):
        box("true", Mount(tmp_path / "missing", "/box/missing"))


def test_a_command_may_hold_bytes_that_are_not_utf_8(box: Callable[..., Outcome]) -> None:
    for watch in (Watch.NOTHING, Watch.REPORTS):
        outcome = box("printf %s '\udcff\N{SNOWMAN}' \"$A\"", watch=watch, env={"A": "\udcfe"})
        assert outcome.stdout == b"\xff\xe2\x98\x83\xfe"


@pytest.mark.parametrize(
    "build",
    [
        "echo 'int main(void){return 0;}' >x.c && gcc -g -fsanitize=address,undefined x.c -o x && ./x",
        "echo '#include <string>\nint main(){return std::string(\"\").size();}' >x.cc && g++ -O1 x.cc -o x && ./x",
        "/usr/bin/python3 -c 'import ssl, sqlite3, ctypes, json'",
        "gdb -nx -batch -ex 'print 1' >/dev/null",
    ],
    ids=["gcc", "g++", "python", "gdb"],
)
def test_the_tools_of_a_build_work(box: Callable[..., Outcome], build: str) -> None:
    outcome = box(build, env={"ASAN_OPTIONS": "detect_leaks=0"})
    assert (outcome.ending, outcome.exit_code) == (Ending.EXITED, 0), outcome.stderr


def test_without_a_filter_nothing_runs(box: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filters_module, "LIBRARY", "no_such_binding")
    compile_filter.cache_clear()
    try:
        with pytest.raises(Unavailable, match="libseccomp"):
            box("touch ran")
        failing = {wall.name: wall.how_to_get for wall in walls() if not wall.stands and wall.needed}
        assert failing["system-call filter"] == "apt install libseccomp2"
    finally:
        compile_filter.cache_clear()


def test_every_needed_wall_stands_here() -> None:
    assert [wall.name for wall in walls() if wall.needed and not wall.stands] == []


def test_the_processor_is_really_made_to_trap() -> None:
    assert why_not_lent() == ""
    wall = debug_registers()
    assert (wall.name, wall.stands, wall.needed, wall.detail) == (
        *("debug registers (oracle exception)", True, False, "lent, and they trap"),
    )


def test_a_machine_without_debug_registers_says_what_that_costs() -> None:
    wall = debug_registers(lambda: "they are taken, and never trap")
    assert (wall.stands, wall.needed, wall.detail) == (False, False, "they are taken, and never trap")
    assert wall.how_to_get == REGISTERS_ADVICE
    assert "a recipe with the oracle exception is inconclusive" in REGISTERS_ADVICE


def test_no_descriptor_of_ours_is_left(box: Callable[..., Outcome]) -> None:
    box("true")
    before = sorted(path.name for path in Path("/proc/self/fd").iterdir())
    for watch in (Watch.NOTHING, Watch.REPORTS):
        box("true", watch=watch)
    assert sorted(path.name for path in Path("/proc/self/fd").iterdir()) == before


def test_importing_the_sandbox_starts_nothing_and_needs_no_library() -> None:
    code = "import sys, leadtime.sandbox; sys.exit('pyseccomp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
