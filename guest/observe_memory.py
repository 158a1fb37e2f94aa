"""What a stopped process holds: its mappings, its memory, and whether its code is still that of the file."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

_LINE = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) ([0-9a-f]+):([0-9a-f]+) (\d+) *(.*)")
MAPPINGS_MAX = 20_000
COMPARE_BYTES = 1 << 20
PLACES = ("", "/box/work", "/box/src", "/box/site", "/box")
"""Where a path may begin: the kernel shows a path of another mount namespace from that mount's own root."""


class Mapping(NamedTuple):
    """One line of /proc/PID/maps; ``path`` is empty for anonymous memory."""

    start: int
    end: int
    rights: str
    offset: int
    device: int
    inode: int
    path: str

    @property
    def is_code(self) -> bool:
        """Tell whether it can be executed."""
        return "x" in self.rights

    def file(self) -> str:
        """Return the path by which *we* can open this very file (same device and inode), or an empty text."""
        if not self.inode:
            return ""
        for place in PLACES:
            try:
                found = os.stat(place + self.path)
            except (OSError, ValueError):
                continue
            if (found.st_ino, found.st_dev) == (self.inode, self.device):
                return os.path.realpath(place + self.path)
        return ""


class Memory:
    """A stopped process's memory and mappings, read through /proc; reads that fail give nothing."""

    def __init__(self, pid: int, *, mapped: bool = True) -> None:
        self._memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
        self.mappings = _mappings(pid) if mapped else []

    def close(self) -> None:
        """Let go of the process."""
        os.close(self._memory)

    def read(self, address: int, size: int) -> bytes:
        """Return ``size`` bytes at ``address``, or fewer (none) where the memory ends."""
        try:
            return os.pread(self._memory, size, address)
        except (OSError, OverflowError, ValueError):
            return b""

    def word(self, address: int) -> int:
        """Return the 8-byte word at ``address``; zero where there is none."""
        return int.from_bytes(self.read(address, 8), "little")

    def mapping(self, address: int) -> Mapping | None:
        """Return the mapping that holds ``address``."""
        return next((found for found in self.mappings if found.start <= address < found.end), None)

    def base(self, mapping: Mapping) -> int:
        """Return where the file of ``mapping`` begins in memory: its mapping of offset zero."""
        same = [m for m in self.mappings if (m.device, m.inode) == (mapping.device, mapping.inode)]
        firsts = [m.start for m in same if m.offset == 0 and m.start <= mapping.start]
        return max(firsts, default=0)

    def is_as_on_disk(self, mapping: Mapping, file: str) -> bool:
        """Tell whether this code is, byte for byte, what the file holds: nobody patched it in memory."""
        with open(file, "rb") as stream:
            stream.seek(mapping.offset)
            for start in range(mapping.start, mapping.end, COMPARE_BYTES):
                size = min(COMPARE_BYTES, mapping.end - start)
                there = stream.read(size).ljust(size, b"\0")
                if self.read(start, size) != there:
                    return False
        return True


class Past(Memory):
    """A process's memory as it is now, but for a piece of it as it was; closed with the present one."""

    def __init__(self, now: Memory, start: int, saved: bytes) -> None:
        self._memory = now._memory  # noqa: SLF001 - the same memory, opened once
        self.mappings = now.mappings
        self._start = start
        self._saved = saved

    def read(self, address: int, size: int) -> bytes:
        """Return ``size`` bytes at ``address`` as they were, or fewer where the memory ends."""
        end = self._start + len(self._saved)
        if address >= end or address + size <= self._start:
            return super().read(address, size)
        before = super().read(address, self._start - address) if address < self._start else b""
        after = super().read(end, address + size - end) if address + size > end else b""
        # Where the stack did not reach then, there may be nothing now.
        before = before.ljust(max(0, self._start - address), b"\0")
        return before + self._saved[max(0, address - self._start) : address + size - self._start] + after


def _mappings(pid: int) -> list[Mapping]:
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="surrogateescape") as stream:
        lines = [line.rstrip("\n") for line, _ in zip(stream, range(MAPPINGS_MAX), strict=False)]
    return [_mapping(found) for found in map(_LINE.fullmatch, lines) if found]


def _mapping(found: re.Match[str]) -> Mapping:
    start, end, rights, offset, major, minor, inode, path = found.groups()
    device = os.makedev(int(major, 16), int(minor, 16))
    return Mapping(int(start, 16), int(end, 16), rights, int(offset, 16), device, int(inode), path)
