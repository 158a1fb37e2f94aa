"""A control group for one run, of version 1 or 2: memory, number of processes and processor time.

The kernel counts there what nobody can hide: unmapped shared memory, page tables, processes that fork faster than
anybody reads /proc. Where this process may not make one, `open_cage` says so by returning None.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from leadtime.sandbox.records import MEBIBYTE_BYTES, Limits

VERSION_1_CONTROLLERS = ("memory", "pids", "cpu")
PERIOD_US = 100_000
REMOVAL_ATTEMPTS_MAX = 200
REMOVAL_PAUSE_S = 0.005
PREFIX = "leadtime-"
LEFT_BEHIND_MAX = 1000
MOUNTS_FILE = Path("/proc/self/mounts")
MEMBERSHIP_FILE = Path("/proc/self/cgroup")


@dataclass(frozen=True, slots=True)
class Cage:
    """One run's control group: the directories to join, and where its out-of-memory kills are counted."""

    directories: tuple[Path, ...]
    kills_counted_in: Path

    def entrances(self) -> list[str]:
        """Return the files into which a process writes 0 to join."""
        return [str(directory / "cgroup.procs") for directory in self.directories]

    def memory_kills(self) -> int:
        """Return how many processes the kernel has killed for want of memory."""
        for line in self.kills_counted_in.read_text().splitlines():
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
        return 0

    def remove(self) -> None:
        """Remove the group; its last processes may still be on their way out."""
        for directory in self.directories:
            for _ in range(REMOVAL_ATTEMPTS_MAX):
                try:
                    directory.rmdir()
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(REMOVAL_PAUSE_S)
                else:
                    break


def open_cage(name: str, limits: Limits, *, extra_mib: int = 0, extra_pids: int = 0) -> Cage | None:
    """Make a control group with ``limits`` and room for the box's own processes, or None where it may not be.

    ``name`` must be new among the runs of this machine, and begin with this process's id.
    """
    limits = replace(limits, pids_max=limits.pids_max + extra_pids)
    memory_bytes = (limits.memory_mib + extra_mib) * MEBIBYTE_BYTES
    for make in (_open_version_2, _open_version_1):
        try:
            cage = make(PREFIX + name, limits, memory_bytes)
        except OSError:
            continue
        if cage is not None:
            return cage
    return None


def _open_version_2(name: str, limits: Limits, memory_bytes: int) -> Cage | None:
    for parent in _version_2_parents():
        if not _hands_down(parent):
            continue
        directory = parent / name
        try:
            directory.mkdir()
        except OSError:
            continue
        try:
            (directory / "memory.max").write_text(str(memory_bytes))
            _try_write(directory / "memory.swap.max", "0")
            _try_write(directory / "memory.oom.group", "1")
            (directory / "pids.max").write_text(str(limits.pids_max))
            if limits.cpu_cores is not None:
                _try_write(directory / "cpu.max", f"{int(limits.cpu_cores * PERIOD_US)} {PERIOD_US}")
        except OSError:
            directory.rmdir()
            continue
        _sweep(parent)
        return Cage((directory,), directory / "memory.events")
    return None


def _hands_down(parent: Path) -> bool:
    """Say whether children of ``parent`` can be limited; switch that on where it is allowed."""
    switch = parent / "cgroup.subtree_control"
    try:
        if {"memory", "pids"} <= set(switch.read_text().split()):
            return True
        if not {"memory", "pids"} <= set((parent / "cgroup.controllers").read_text().split()):
            return False
        switch.write_text("+memory +pids")
        _try_write(switch, "+cpu")
    except OSError:
        return False
    return True


def _version_2_parents() -> Iterator[Path]:
    """Yield this process's group and the groups around it, innermost first."""
    for kind, mount, _ in _mounts():
        if kind == "cgroup2":
            own = _own_path(mount, _memberships().get("", "/"))
            yield own
            yield from (parent for parent in own.parents if parent.is_relative_to(mount))


def _open_version_1(name: str, limits: Limits, memory_bytes: int) -> Cage | None:
    mounts = {
        controller: mount
        for kind, mount, options in _mounts()
        if kind == "cgroup"
        for controller in options
        if controller in VERSION_1_CONTROLLERS
    }
    if not {"memory", "pids"} <= mounts.keys():
        return None
    memberships = _memberships()
    made: dict[str, Path] = {}
    try:
        for controller, mount in mounts.items():
            if controller == "cpu" and limits.cpu_cores is None:
                continue
            directory = _own_path(mount, memberships.get(controller, "/")) / name
            directory.mkdir(exist_ok=directory in made.values())
            made[controller] = directory
        (made["memory"] / "memory.limit_in_bytes").write_text(str(memory_bytes))
        _try_write(made["memory"] / "memory.memsw.limit_in_bytes", str(memory_bytes))
        (made["pids"] / "pids.max").write_text(str(limits.pids_max))
        if "cpu" in made and limits.cpu_cores is not None:
            _try_write(made["cpu"] / "cpu.cfs_period_us", str(PERIOD_US))
            _try_write(made["cpu"] / "cpu.cfs_quota_us", str(int(limits.cpu_cores * PERIOD_US)))
    except OSError:
        for directory in made.values():
            with contextlib.suppress(OSError):
                directory.rmdir()
        raise
    directories = tuple(dict.fromkeys(made.values()))
    for directory in directories:
        _sweep(directory.parent)
    return Cage(directories, made["memory"] / "memory.oom_control")


def _sweep(parent: Path) -> None:
    """Remove the empty groups of processes that were killed before they could do it."""
    for left in itertools.islice(parent.glob(PREFIX + "*"), LEFT_BEHIND_MAX):
        maker = left.name.removeprefix(PREFIX).partition("-")[0]
        if not Path("/proc", maker).exists():
            with contextlib.suppress(OSError):
                left.rmdir()


def _try_write(file: Path, value: str) -> None:
    """Write a limit that some kernels do not have; the ones that matter are written without this."""
    with contextlib.suppress(OSError):
        file.write_text(value)


def _own_path(mount: Path, membership: str) -> Path:
    # Inside a container the membership may name a path of the machine outside, which is not there.
    own = mount / membership.lstrip("/")
    return own if own.is_dir() and os.access(own, os.W_OK) else mount


def _mounts() -> Iterator[tuple[str, Path, frozenset[str]]]:
    for line in MOUNTS_FILE.read_text().splitlines():
        _, place, kind, options, *_ = line.split(" ")
        if kind in {"cgroup", "cgroup2"}:
            yield kind, Path(place), frozenset(options.split(","))


def _memberships() -> dict[str, str]:
    """Return controller -> path; version 2 is under the empty name."""
    found: dict[str, str] = {}
    for line in MEMBERSHIP_FILE.read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        found |= dict.fromkeys(controllers.split(","), path)
    return found
