"""Look at a running tree every few milliseconds and say when it has taken more than it may."""

from __future__ import annotations

import time
from pathlib import Path

from leadtime.sandbox.cgroups import Cage
from leadtime.sandbox.records import MEBIBYTE_BYTES, Ending, Limits
from leadtime.sandbox.weigh import disk_below, memory_of, processes_below, unlinked_bytes

LOOK_S_MIN = 0.01
DISK_LOOK_S_MIN = 0.1
DISK_LOOK_SHARE = 20
"""Counting files may take one part in this many of the time, so that a large tree does not slow its own build."""


class Watcher:
    """The limits that nothing in the kernel holds for this run."""

    def __init__(self, limits: Limits, writable: tuple[Path, ...], cage: Cage | None, *, extra_mib: int) -> None:
        self._limits = limits
        self._writable = writable
        self._cage = cage
        self._memory_bytes_max = (limits.memory_mib + extra_mib) * MEBIBYTE_BYTES
        self._next_look_s = 0.0
        self._next_disk_look_s = 0.0

    def look(self, root: int) -> Ending | None:
        """Return the limit that the tree below process ``root`` has passed, if any; cheap to ask too often."""
        now_s = time.monotonic()
        if now_s < self._next_look_s:
            return None
        self._next_look_s = now_s + LOOK_S_MIN
        if self._memory_is_spent(root):
            return Ending.OUT_OF_MEMORY
        if now_s >= self._next_disk_look_s:
            spent = self._disk_is_spent(processes_below(root))
            ended_s = time.monotonic()
            self._next_disk_look_s = ended_s + max(DISK_LOOK_S_MIN, (ended_s - now_s) * DISK_LOOK_SHARE)
            return Ending.DISK_FULL if spent else None
        return None

    def look_back(self) -> Ending | None:
        """Return the limit that a tree which is gone had passed without being caught: what it left tells."""
        if self._cage is not None and self._cage.memory_kills() > 0:
            return Ending.OUT_OF_MEMORY
        return Ending.DISK_FULL if self._disk_is_spent(()) else None

    def _memory_is_spent(self, root: int) -> bool:
        if self._cage is not None:
            return self._cage.memory_kills() > 0
        processes = processes_below(root)
        return memory_of(processes, limit_bytes=self._memory_bytes_max) > self._memory_bytes_max

    def _disk_is_spent(self, processes: tuple[int, ...]) -> bool:
        limits = self._limits
        weight = disk_below(self._writable, files_max=limits.files_max)
        held_bytes = weight.held_bytes + unlinked_bytes(processes)
        return weight.files > limits.files_max or held_bytes > limits.disk_mib * MEBIBYTE_BYTES
