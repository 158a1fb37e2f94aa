"""How much a tree of processes holds, read from outside: the watcher where there is no control group.

It looks again every few milliseconds, so a tree can pass its limit by what it takes in between; it cannot stay there.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROCESSES_MAX = 4096
DESCRIPTORS_MAX = 65536
DEPTH_MAX = 200
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
BLOCK_BYTES = 512


@dataclass(frozen=True, slots=True)
class Weight:
    """Bytes and number of files."""

    held_bytes: int
    files: int


def processes_below(root: int) -> tuple[int, ...]:
    """Return the living descendants of ``root``, at most `PROCESSES_MAX`; orphans stay below the box's own init."""
    found: list[int] = []
    waiting = [root]
    while waiting and len(found) < PROCESSES_MAX:
        children = children_of(waiting.pop())
        found += children
        waiting += children
    return tuple(found)


def children_of(parent: int) -> list[int]:
    """Return the processes that ``parent``'s threads have started and not yet waited for."""
    children: list[int] = []
    with suppress(OSError), os.scandir(f"/proc/{parent}/task") as tasks:
        for task in tasks:
            with suppress(OSError):
                children += map(int, Path(task.path, "children").read_text().split())
    return children


def memory_of(processes: Iterable[int], *, limit_bytes: int) -> int:
    """Return the bytes of memory the processes hold together, files in memory that they keep open included.

    The cheap count has shared pages several times, so it is only trusted below ``limit_bytes``; from there on each
    process's proportional share is read.
    """
    processes = tuple(processes)
    unnamed = sum(size for _, size in _unnamed_files(processes, in_memory=True))
    resident = sum(map(_resident_bytes, processes))
    if resident + unnamed <= limit_bytes:
        return resident + unnamed
    return sum(map(_proportional_bytes, processes)) + unnamed


def _resident_bytes(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE_BYTES
    except (OSError, IndexError):
        return 0


def _proportional_bytes(process: int) -> int:
    try:
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return _resident_bytes(process)


def unlinked_bytes(processes: Iterable[int]) -> int:
    """Return the disk space of files that have no name any more but are kept open."""
    return sum(size for _, size in _unnamed_files(processes, in_memory=False))


def _unnamed_files(processes: Iterable[int], *, in_memory: bool) -> Iterator[tuple[tuple[int, int], int]]:
    """Yield each nameless regular file once, as its identity and its size."""
    seen: set[tuple[int, int]] = set()
    looked_at = 0
    for process in processes:
        for entry in _descriptors(process):
            looked_at += 1
            if looked_at > DESCRIPTORS_MAX:
                return
            with suppress(OSError):
                status = os.stat(entry)  # noqa: PTH116 - a string is an order of magnitude faster here
                identity = (status.st_dev, status.st_ino)
                if stat.S_ISREG(status.st_mode) and status.st_nlink == 0 and identity not in seen:
                    seen.add(identity)
                    if os.readlink(entry).startswith("/memfd:") == in_memory:  # noqa: PTH115 - same
                        yield identity, status.st_blocks * BLOCK_BYTES


def _descriptors(process: int) -> list[str]:
    try:
        with os.scandir(f"/proc/{process}/fd") as entries:
            return [entry.path for entry in entries]
    except OSError:
        return []


def disk_below(tops: Iterable[Path], *, files_max: int) -> Weight:
    """Return what the trees under ``tops`` hold on disk; counting stops one above ``files_max``.

    A tree that cannot be counted (nested deeper than `DEPTH_MAX`, or with a directory that its owner may not list)
    counts as one above ``files_max`` too: hiding from the count must not be worth while.
    """
    held_bytes = files = 0
    waiting = [(str(top), 0) for top in tops]
    while waiting and files <= files_max:
        directory, depth = waiting.pop()
        try:
            with os.scandir(directory) as entries:
                for entry in entries:
                    files += 1
                    if files > files_max:
                        break
                    with suppress(FileNotFoundError):
                        held_bytes += entry.stat(follow_symlinks=False).st_blocks * BLOCK_BYTES
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append((entry.path, depth + 1))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            files = files_max + 1
        if depth > DEPTH_MAX:
            files = files_max + 1
    return Weight(held_bytes, files)
