from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from leadtime.foundation.errors import Malformed
from leadtime.sandbox import Limits, Mount, Program

HERE = Path("/here")
LIMITS = Limits(wall_s=1.0, memory_mib=1)


@pytest.mark.parametrize("target", ["relative", "/", "/a/../b", "/a//b", "/a/", ""])
def test_a_mount_that_could_land_elsewhere_is_refused(target: str) -> None:
    with pytest.raises(Malformed, match="normalised absolute path"):
        Mount(HERE, target)


@pytest.mark.parametrize(
    "name",
    ["wall_s", "memory_mib", "pids_max", "output_bytes_max", "disk_mib", "files_max", "scratch_mib", "cpu_cores"],
)
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_a_limit_of_nothing_is_refused(name: str, value: float) -> None:
    settings: dict[str, Any] = {"wall_s": 1.0, "memory_mib": 1, name: value}
    with pytest.raises(Malformed, match="above zero") as refused:
        Limits(**settings)
    assert refused.value.where == name


@pytest.mark.parametrize("command", ["a\0b", "x" * 100_001])
def test_a_command_that_cannot_be_passed_is_refused(command: str) -> None:
    with pytest.raises(Malformed, match="100000 bytes"):
        Program(command, LIMITS)


def test_the_longest_command_is_taken() -> None:
    assert len(Program("x" * 100_000, LIMITS).command) == 100_000


@pytest.mark.parametrize(
    "env", [{"": "x"}, {"A=B": "x"}, {"A": "x\0"}, {"A": "x" * 100_001}, {f"V{i}": "" for i in range(1001)}]
)
def test_an_environment_that_cannot_be_set_is_refused(env: dict[str, str]) -> None:
    with pytest.raises(Malformed) as refused:
        Program("true", LIMITS, env=env)
    assert refused.value.where == "env"


def test_a_mount_inside_a_writable_one_is_refused() -> None:
    with pytest.raises(Malformed, match="inside a writable one") as refused:
        Program("true", LIMITS, (Mount(HERE, "/box/work", writable=True), Mount(HERE, "/box/work/input")))
    assert refused.value.where == "/box/work/input"


def test_mounts_beside_and_around_are_taken() -> None:
    mounts = (Mount(HERE, "/box"), Mount(HERE, "/box/work", writable=True), Mount(HERE, "/box/workshop"))
    assert Program("true", LIMITS, mounts).mounts == mounts


@pytest.mark.parametrize(
    "mount", [Mount(HERE, "/box/x"), Mount(HERE, "/observer/x", writable=True), Mount(HERE, "/observers")]
)
def test_an_observers_mount_that_the_program_could_see_or_change_is_refused(mount: Mount) -> None:
    with pytest.raises(Malformed, match="read-only and below /observer"):
        Program("true", LIMITS, observer_mounts=(mount,))


def test_too_many_mounts_are_refused() -> None:
    with pytest.raises(Malformed, match="at most 64 mounts"):
        Program("true", LIMITS, tuple(Mount(HERE, f"/box/{number}") for number in range(65)))
