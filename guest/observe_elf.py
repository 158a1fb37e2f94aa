"""The little of an ELF file (System V gABI 4.1) that the observer reads: where symbols lie, and code as written."""

from __future__ import annotations

import struct
from collections.abc import Iterator

SYMBOLS_MAX = 400_000
FILE_BYTES_MAX = 1 << 30
SHT_SYMTAB, SHT_RELA, SHT_DYNSYM = 2, 4, 11
STT_FUNC = 2
ET_EXEC = 2
SHF_EXECINSTR = 4


def is_fixed(path: str) -> bool:
    """Tell whether a file is a program that always lies at the addresses it names; raises OSError."""
    with open(path, "rb") as stream:
        header = stream.read(18)
    return header[:4] == b"\x7fELF" and header[16:18] == ET_EXEC.to_bytes(2, "little")


def read_elf(path: str) -> Elf:
    """Return the ELF file at ``path``; raises OSError, ValueError or struct.error."""
    with open(path, "rb") as stream:
        return Elf(stream.read(FILE_BYTES_MAX))


class Elf:
    """One ELF file, 64 bit and little endian; any other, or a broken one, raises ValueError or struct.error."""

    def __init__(self, content: bytes) -> None:
        if len(content) < 64 or content[:6] != b"\x7fELF\x02\x01":
            raise ValueError("not a 64-bit little-endian ELF file")
        self._content = content
        self.is_fixed = struct.unpack_from("<H", content, 16)[0] == ET_EXEC
        at, size, count = struct.unpack_from("<Q10xHH", content, 40)
        if size != 64:
            raise ValueError("section headers of an unknown size")
        self._sections = [struct.unpack_from("<IIQQQQIIQQ", content, at + n * size) for n in range(count)]

    def section_content(self, number: int) -> bytes:
        """Return what a section holds."""
        _, kind, _, _, offset, size, *_ = self._sections[number]
        return b"" if kind == 8 else self._content[offset : offset + size]

    def _entries(self) -> Iterator[tuple[str, int, int, int, int]]:
        for number, section in enumerate(self._sections):
            if section[1] not in (SHT_SYMTAB, SHT_DYNSYM) or section[6] >= len(self._sections):
                continue
            table, names = self.section_content(number), self.section_content(section[6])
            for at in range(0, min(len(table), SYMBOLS_MAX * 24) - 23, 24):
                name, about, _, home, value, size = struct.unpack_from("<IBBHQQ", table, at)
                if home and name < len(names):
                    yield names[name : names.find(b"\0", name)].decode("latin-1"), about & 15, home, value, size

    def symbols(self) -> Iterator[tuple[str, int, int]]:
        """Yield each defined symbol as (name, value, size)."""
        return ((name, value, size) for name, _, _, value, size in self._entries())

    def code_symbols(self) -> Iterator[tuple[str, int, int]]:
        """Yield each function that has a size as (name, value, size)."""
        return ((name, v, size) for name, kind, _, v, size in self._entries() if size and kind == STT_FUNC)

    def functions(self, wanted: set[str]) -> Iterator[tuple[str, int, int, int]]:
        """Yield each wanted function of an object file as (name, section, place in it, size)."""
        for name, kind, home, value, size in self._entries():
            if name in wanted and kind == STT_FUNC and home < len(self._sections):
                yield name, home, value, size

    def relocations(self, section: int) -> Iterator[tuple[int, int]]:
        """Yield (place, type) of what a linker fills into a section of an object file."""
        for number, header in enumerate(self._sections):
            if header[1] == SHT_RELA and header[7] == section:
                table = self.section_content(number)
                for at in range(0, len(table) - 23, 24):
                    place, about = struct.unpack_from("<QQ", table, at)
                    yield place, about & 0xFFFFFFFF

    def find(self, wanted: str) -> int | None:
        """Return the value of the first symbol of that name."""
        return next((value for name, value, _ in self.symbols() if name == wanted), None)

    def content(self, address: int, size: int) -> bytes:
        """Return code at an address as the file names it; empty where there is none."""
        for _, _, flags, start, offset, length, *_ in self._sections:
            if flags & SHF_EXECINSTR and start <= address and address + size <= start + length:
                return self._content[offset + address - start : offset + address - start + size]
        return b""
