"""The little of an ELF file (System V gABI 4.1) that the observer reads: where named symbols lie."""

from __future__ import annotations

import struct
from collections.abc import Iterator

SYMBOLS_MAX = 400_000
TABLE_BYTES_MAX = 64 << 20
SHT_SYMTAB, SHT_DYNSYM = 2, 11
ET_EXEC = 2


def is_fixed(path: str) -> bool:
    """Tell whether a file is a program that always lies at the addresses it names; raises OSError."""
    with open(path, "rb") as stream:
        header = stream.read(18)
    return header[:4] == b"\x7fELF" and header[16:18] == ET_EXEC.to_bytes(2, "little")


class Elf:
    """One ELF file, 64 bit and little endian; any other, or a broken one, raises ValueError."""

    def __init__(self, path: str) -> None:
        with open(path, "rb") as stream:
            header = stream.read(64)
            if len(header) < 64 or header[:6] != b"\x7fELF\x02\x01":
                raise ValueError("not a 64-bit little-endian ELF file")
            self.kind = struct.unpack_from("<H", header, 16)[0]
            at, size, count = struct.unpack_from("<Q10xHH", header, 40)
            if size != 64:
                raise ValueError("section headers of an unknown size")
            stream.seek(at)
            raw = stream.read(size * count)
            if len(raw) != size * count:
                raise ValueError("a section table beyond the end of the file")
            self._sections = [struct.unpack_from("<IIQQQQIIQQ", raw, n * size) for n in range(count)]
            self._tables = [
                self._read(stream, n) for n, s in enumerate(self._sections) if s[1] in (SHT_SYMTAB, SHT_DYNSYM)
            ]

    def _read(self, stream: object, number: int) -> tuple[bytes, bytes]:
        table = self._sections[number]
        if table[6] >= len(self._sections):
            raise ValueError("a symbol table without names")
        return self._section(stream, table), self._section(stream, self._sections[table[6]])

    @staticmethod
    def _section(stream: object, section: tuple[int, ...]) -> bytes:
        stream.seek(section[4])  # type: ignore[attr-defined]
        return bytes(stream.read(min(section[5], TABLE_BYTES_MAX)))  # type: ignore[attr-defined]

    def symbols(self) -> Iterator[tuple[str, int, int]]:
        """Yield each defined symbol as (name, value, size)."""
        for table, names in self._tables:
            for at in range(0, min(len(table), SYMBOLS_MAX * 24) - 23, 24):
                name, _, _, section, value, size = struct.unpack_from("<IBBHQQ", table, at)
                if section and name < len(names):
                    yield names[name : names.find(b"\0", name)].decode("latin-1"), value, size

    def find(self, wanted: str) -> int | None:
        """Return the value of the first symbol of that name."""
        return next((value for name, value, _ in self.symbols() if name == wanted), None)
