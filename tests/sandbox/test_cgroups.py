"""Control groups of both versions, on trees of plain files that look like the kernel's, and once on the real ones."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from leadtime.sandbox import Limits, cgroups
from leadtime.sandbox.cgroups import Cage, open_cage

LIMITS = Limits(wall_s=1.0, memory_mib=100, pids_max=10, cpu_cores=0.5)
NAME = f"{os.getpid()}-x"
Machine = Callable[[str, str], None]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Make this process see these mounts and be in these groups."""

    def machine(mounts: str, membership: str) -> None:
        (tmp_path / "mounts").write_text(mounts.format(top=tmp_path))
        (tmp_path / "membership").write_text(membership)
        monkeypatch.setattr(cgroups, "MOUNTS_FILE", tmp_path / "mounts")
        monkeypatch.setattr(cgroups, "MEMBERSHIP_FILE", tmp_path / "membership")

    return machine


def version_2(directory: Path, *, given: str, handed_down: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "cgroup.controllers").write_text(given)
    (directory / "cgroup.subtree_control").write_text(handed_down)
    return directory


def settings(directory: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in directory.iterdir() if file.is_file()}


def test_version_2_writes_each_limit(machine: Machine, tmp_path: Path) -> None:
    parent = version_2(tmp_path / "v2/own", given="cpu memory pids", handed_down="cpu memory pids")
    machine("none {top}/v2 cgroup2 rw 0 0\n", "0::/own\n")
    cage = open_cage(NAME, LIMITS, extra_mib=28, extra_pids=3)
    directory = parent / f"leadtime-{NAME}"
    assert cage == Cage((directory,), directory / "memory.events")
    assert settings(directory) == {
        "memory.max": str(128 << 20),
        "memory.swap.max": "0",
        "memory.oom.group": "1",
        "pids.max": "13",
        "cpu.max": "50000 100000",
    }


def test_version_2_asks_for_what_its_parent_does_not_hand_down_yet(machine: Machine, tmp_path: Path) -> None:
    parent = version_2(tmp_path / "v2", given="cpu memory pids", handed_down="")
    machine("none {top}/v2 cgroup2 rw 0 0\n", "0::/\n")
    assert open_cage(NAME, LIMITS) is not None
    assert (parent / "cgroup.subtree_control").read_text() == "+cpu", "the kernel adds up what a file only keeps last"


def test_version_2_goes_outwards_to_a_group_that_hands_limits_down(machine: Machine, tmp_path: Path) -> None:
    outer = version_2(tmp_path / "v2", given="memory pids", handed_down="memory pids")
    version_2(tmp_path / "v2/session", given="", handed_down="")
    machine("none {top}/v2 cgroup2 rw 0 0\n", "0::/session\n")
    cage = open_cage(NAME, LIMITS)
    assert cage is not None
    assert cage.directories == (outer / f"leadtime-{NAME}",)


def test_version_1_joins_a_group_a_controller(machine: Machine, tmp_path: Path) -> None:
    for controller in ("memory/own", "pids", "cpu"):
        (tmp_path / controller).mkdir(parents=True)
    mounts = "".join(f"cgroup {{top}}/{name} cgroup rw,relatime,{name} 0 0\n" for name in ("memory", "pids", "cpu"))
    machine(mounts, "3:memory:/own\n2:pids:/elsewhere\n1:cpu:/\n")
    cage = open_cage(NAME, LIMITS)
    memory, pids, cpu = (tmp_path / place / f"leadtime-{NAME}" for place in ("memory/own", "pids", "cpu"))
    assert cage == Cage((memory, pids, cpu), memory / "memory.oom_control")
    assert cage.entrances() == [f"{memory}/cgroup.procs", f"{pids}/cgroup.procs", f"{cpu}/cgroup.procs"]
    assert settings(memory) == {
        "memory.limit_in_bytes": str(100 << 20),
        "memory.memsw.limit_in_bytes": str(100 << 20),
    }
    assert settings(pids) == {"pids.max": "10"}
    assert settings(cpu) == {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "50000"}


def test_version_1_controllers_mounted_together_make_one_group(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    machine("cgroup {top}/all cgroup rw,memory,pids,cpu 0 0\n", "3:memory,pids,cpu:/\n")
    cage = open_cage(NAME, LIMITS)
    assert cage is not None
    assert cage.directories == (tmp_path / "all" / f"leadtime-{NAME}",)


@pytest.mark.parametrize(
    ("mounts", "membership"),
    [
        ("", "0::/\n"),
        ("cgroup {top}/memory cgroup rw,memory 0 0\n", "1:memory:/\n"),
        ("none {top}/missing cgroup2 rw 0 0\n", "0::/\n"),
    ],
)
def test_where_no_group_can_be_made_there_is_none(machine: Machine, mounts: str, membership: str) -> None:
    machine(mounts, membership)
    assert open_cage(NAME, LIMITS) is None


def test_kills_are_counted(tmp_path: Path) -> None:
    counter = tmp_path / "memory.events"
    counter.write_text("low 0\noom 7\noom_kill 3\noom_group_kill 1\n")
    assert Cage((), counter).memory_kills() == 3
    counter.write_text("oom_kill_disable 0\nunder_oom 0\n")
    assert Cage((), counter).memory_kills() == 0


def test_groups_left_by_dead_processes_are_swept_and_others_stay(machine: Machine, tmp_path: Path) -> None:
    parent = version_2(tmp_path / "v2", given="memory pids", handed_down="memory pids")
    machine("none {top}/v2 cgroup2 rw 0 0\n", "0::/\n")
    dead, living, other = (parent / name for name in ("leadtime-999999999-a", f"leadtime-{os.getpid()}-b", "other-1-c"))
    for directory in (dead, living, other):
        directory.mkdir()
    open_cage(NAME, LIMITS)
    assert [directory.exists() for directory in (dead, living, other)] == [False, True, True]


def test_a_real_group_leaves_nothing_behind() -> None:
    cage = open_cage(NAME, LIMITS)
    if cage is None:
        pytest.skip("this machine has no control group that we may write")
    assert all(directory.is_dir() for directory in cage.directories)
    assert cage.memory_kills() == 0
    cage.remove()
    cage.remove()
    assert not any(directory.exists() for directory in cage.directories)
