"""A hostile program in a box: what the tests of the sandbox's walls share."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from leadtime.sandbox import Ending, Limits, Mount, Outcome, Program, Watch, run

LIMITS = Limits(wall_s=20.0, memory_mib=512, pids_max=64, disk_mib=80, scratch_mib=16)
SOURCE = Path(__file__).with_name("hostile.c")
CONTROL_GROUP = "control group"


@pytest.fixture(scope="session")
def program_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``hostile.c``, compiled in the sandbox itself."""
    work = tmp_path_factory.mktemp("hostile")
    shutil.copy(SOURCE, work)
    built = run(Program("gcc -Wall -Werror -o hostile hostile.c", LIMITS, (Mount(work, "/box/work", writable=True),)))
    assert (built.ending, built.stderr) == (Ending.EXITED, b"")
    return work / "hostile"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    path = tmp_path / "work"
    path.mkdir()
    return path


@pytest.fixture
def attempt(program_file: Path, work: Path) -> Callable[..., Outcome]:
    """Run a shell line with ``work`` as the work directory and the compiled program beside it."""

    def attempt(
        command: str, *, watch: Watch = Watch.NOTHING, limits: Limits = LIMITS, held_by: str = CONTROL_GROUP
    ) -> Outcome:
        mounts = (Mount(work, "/box/work", writable=True), Mount(program_file, "/box/hostile"))
        return run(Program(command, limits, mounts, watch=watch), control_groups=held_by == CONTROL_GROUP)

    return attempt
