"""Tells whether code in a program is a sanitizer's runtime that was linked into it, by comparing it with the archives.

A runtime linked statically has no file of its own. Its functions are known all the same: they are those of the
system's ``libclang_rt`` archives, byte for byte but for what the linker filled in.
"""

from __future__ import annotations

import bisect
import glob
import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from observe_elf import Elf, read_elf
from observe_memory import Mapping, Memory

ARCHIVES = tuple(
    f"/usr/lib/llvm-*/lib/clang/*/lib/*/libclang_rt.{name}*x86_64*.a"
    for name in ("asan", "ubsan", "tsan", "msan", "fuzzer")
)
ARCHIVE_BYTES_MAX = 64 << 20
FUNCTION_BYTES_MAX = 1 << 16
MARKS = ("__asan_init", "__ubsan_handle_add_overflow", "__tsan_init", "__msan_init")
"""A program with none of them has no runtime linked in."""

_RUNTIME = re.compile(
    r"_ZNK?(?:6__asan|7__ubsan|11__sanitizer|6__lsan|6__tsan|6__msan|14__interception|6fuzzer)"
    r"|_{2,3}(?:asan|ubsan|tsan|msan|sanitizer|interceptor|interception)_|_Z(?:nw|na|dl|da)[a-zA-Z]|main\Z"
)
"""Names, as the linker spells them, that belong to a runtime."""
_RELAXED = {9: (3, 4), 41: (3, 4), 42: (3, 4), 22: (3, 4), 19: (4, 12), 20: (4, 12)}
"""Relocation type (x86-64 psABI, 4.4) -> bytes before and after its place that a linker may rewrite; else 0 and 8."""


class StaticRuntime:
    """The runtime functions of one program file, each compared with the archives when it is asked about."""

    def __init__(self, program: str) -> None:
        self.program = program
        self._elf = read_elf(program)
        names = {name for name, _, _ in self._elf.symbols()}
        self.is_there = any(mark in names for mark in MARKS)
        self._functions: list[tuple[int, int, str]] = []
        if self.is_there:
            found = {(v, size, name) for name, v, size in self._elf.code_symbols() if _RUNTIME.match(name)}
            self._functions = sorted(found)
        self._genuine: dict[int, bool] = {}
        self._installed: dict[str, list[_Function]] | None = None

    def owns(self, memory: Memory, mapping: Mapping, pc: int) -> bool:
        """Tell whether a place in a process is in a runtime's function of this program."""
        return mapping.file() == self.program and self.is_genuine(
            pc if self._elf.is_fixed else pc - memory.base(mapping)
        )

    def is_genuine(self, address: int) -> bool:
        """Tell whether the code at an address, as the program file names it, is a runtime's function as installed."""
        at = bisect.bisect_right(self._functions, (address, 1 << 62, ""))
        for value, size, name in reversed(self._functions[max(0, at - 8) : at]):
            if value <= address < value + size:
                if value not in self._genuine:
                    self._genuine[value] = self._compare(value, size, name)
                return self._genuine[value]
        return False

    def _compare(self, value: int, size: int, name: str) -> bool:
        if self._installed is None:
            self._installed = _index({name for _, _, name in self._functions})
        seen = self._elf.content(value, min(size, FUNCTION_BYTES_MAX))
        return any(_same(seen, function) for function in self._installed.get(name, []) if function.size == size)


class _Function(NamedTuple):
    """A function in a member of an archive."""

    elf: Elf
    section: int
    place: int
    size: int


def _index(wanted: set[str]) -> dict[str, list[_Function]]:
    """Return where the archives have each wanted function."""
    found: dict[str, list[_Function]] = {}
    for archive in sorted(path for pattern in ARCHIVES for path in glob.glob(pattern)):
        for member in _members(archive):
            try:
                elf = Elf(member)
            except (ValueError, struct.error):
                continue
            for name, section, place, size in elf.functions(wanted):
                found.setdefault(name, []).append(_Function(elf, section, place, size))
    return found


def _same(seen: bytes, function: _Function) -> bool:
    """Tell whether code is that of an archive, but for the places that a linker fills in."""
    left, right = bytearray(seen), bytearray(function.elf.section_content(function.section))
    right = right[function.place : function.place + function.size]
    for at, kind in function.elf.relocations(function.section):
        before, after = _RELAXED.get(kind, (0, 8 if kind == 1 else 4))
        start, end = max(0, at - function.place - before), min(len(left), at - function.place + after)
        if start < end:
            left[start:end] = right[start:end] = bytes(end - start)
    return bool(left) and left == right


def _members(archive: str) -> Iterator[bytes]:
    """Yield the members of a System V archive."""
    with open(archive, "rb") as stream:
        content = stream.read(ARCHIVE_BYTES_MAX)
    at = 8
    while at + 60 <= len(content) and content[at + 58 : at + 60] == b"`\n":
        size = int(content[at + 48 : at + 58])
        yield content[at + 60 : at + 60 + size]
        at += 60 + size + size % 2
