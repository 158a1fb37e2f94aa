"""Spells the constants of Python code so that two of them are the same where, and only where, their spellings are.

Once as they lie in a stopped process's memory (`MemoryValues`), once as objects of our own (`spell`).
"""

from __future__ import annotations

import hashlib
import itertools
import struct
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from observe_memory import Memory

DEPTH_MAX = 20
ITEMS_MAX = 100_000
TEXT_CHARS_MAX = 1 << 20
DIGITS_MAX = 1 << 12
KIND_BITS, COMPACT_BIT, ASCII_BIT = 2, 5, 6
"""In PyASCIIObject.state: two bits of interning, three of kind, then compact and ascii (3.11 to 3.13)."""
INTERNED_BYTE_VERSION = 0x030E
DIGIT_BITS = 30
SET_ENTRY_BYTES = 16
UNREADABLE = "?"
"""What equals no spelling of a constant."""


def digest(parts: object) -> str:
    """Return a digest of spellings."""
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()


def spell(value: object, depth: int = 0) -> str:
    """Return the spelling of a constant that a compiler of ours made."""
    if isinstance(value, (tuple, frozenset)) and depth < DEPTH_MAX:
        return _several(type(value).__name__, [spell(item, depth + 1) for item in value])
    speller = _SPELLERS.get(type(value))
    return speller(value) if speller is not None else UNREADABLE


_SPELLERS: dict[type, Callable[[Any], str]] = {
    types.CodeType: lambda code: f"code {code.co_qualname!r} {code.co_firstlineno}",
    type(None): lambda _: "NoneType",
    type(Ellipsis): lambda _: "ellipsis",
    bool: lambda value: f"bool {int(value):x}",
    int: lambda value: f"int {value:x}",
    float: lambda value: f"float {struct.pack('<d', value).hex()}",
    complex: lambda value: f"complex {struct.pack('<2d', value.real, value.imag).hex()}",
    str: lambda value: f"str {value!r}",
    bytes: lambda value: f"bytes {value.hex()}",
}


def _several(kind: str, items: list[str]) -> str:
    return f"{kind} {items if kind == 'tuple' else sorted(items)}"


class MemoryValues:
    """Constants as they lie in a process's memory, by the measured ``layout``."""

    def __init__(self, memory: Memory, layout: dict[str, int]) -> None:
        self._memory = memory
        self._at = layout
        self._left = ITEMS_MAX
        self._types: dict[int, str] = {}
        self._readers: dict[str, Callable[[int], str]] = {
            "NoneType": lambda _: "NoneType",
            "ellipsis": lambda _: "ellipsis",
            "bool": lambda address: f"bool {self._number(address)}",
            "int": lambda address: f"int {self._number(address)}",
            "float": lambda address: f"float {self._memory.read(address + self._at['float_value'], 8).hex()}",
            "complex": lambda address: f"complex {self._memory.read(address + self._at['complex_value'], 16).hex()}",
            "str": lambda address: f"str {self.text(address, TEXT_CHARS_MAX)!r}",
            "bytes": lambda address: f"bytes {self.content(address, TEXT_CHARS_MAX).hex()}",
            "code": self._code,
        }

    def spell(self, address: int, depth: int = 0) -> str:
        """Return the spelling of the constant at an address."""
        self._left -= 1
        kind = self._type_of(address)
        if self._left < 0 or depth > DEPTH_MAX:
            return UNREADABLE
        if kind in ("tuple", "frozenset"):
            places = self._tuple(address) if kind == "tuple" else self._set(address)
            return _several(kind, [self.spell(place, depth + 1) for place in places])
        read = self._readers.get(kind)
        return read(address) if read else UNREADABLE

    def content(self, address: int, bytes_max: int) -> bytes:
        """Return what a bytes object holds, up to a bound."""
        size = self._memory.word(address + self._at["size"])
        return self._memory.read(address + self._at["bytes_start"], min(size, bytes_max))

    def text(self, address: int, chars_max: int) -> str:
        """Return what a text object holds, up to a bound."""
        at = self._at
        state = int.from_bytes(self._memory.read(address + at["text_state"], 4), "little")
        length = min(self._memory.word(address + at["text_length"]), chars_max)
        kind = state >> KIND_BITS & 7
        if not state >> COMPACT_BIT & 1 or kind not in (1, 2, 4) or at["version"] >= INTERNED_BYTE_VERSION:
            return UNREADABLE
        start = at["ascii_start"] if state >> ASCII_BIT & 1 else at["text_start"]
        raw = self._memory.read(address + start, length * kind)
        encoding = {1: "latin-1", 2: "utf-16-le", 4: "utf-32-le"}[kind]
        return raw.decode(encoding, "surrogatepass" if kind > 1 else "strict")

    def _type_of(self, address: int) -> str:
        kind = self._memory.word(address + self._at["type"])
        if kind not in self._types:
            name = self._memory.word(kind + self._at["type_name"])
            raw = self._memory.read(name, 16) or self._memory.read(name, -name % 16)
            self._types[kind] = raw.split(b"\0", 1)[0].decode("latin-1")
        return self._types[kind]

    def _code(self, address: int) -> str:
        name = self.text(self._memory.word(address + self._at["code_name"]), TEXT_CHARS_MAX)
        first = int.from_bytes(self._memory.read(address + self._at["code_first_line"], 4), "little", signed=True)
        return f"code {name!r} {first}"

    def _tuple(self, address: int) -> list[int]:
        size = min(self._memory.word(address + self._at["size"]), ITEMS_MAX)
        return self._words(self._memory.read(address + self._at["tuple_start"], 8 * size))

    def _set(self, address: int) -> list[int]:
        entries = min(self._memory.word(address + self._at["set_mask"]) + 1, ITEMS_MAX)
        table = self._memory.read(self._memory.word(address + self._at["set_table"]), SET_ENTRY_BYTES * entries)
        return [key for key in self._words(table)[::2] if key]

    @staticmethod
    def _words(raw: bytes) -> list[int]:
        return list(struct.unpack(f"<{len(raw) // 8}Q", raw[: len(raw) // 8 * 8]))

    def _number(self, address: int) -> str:
        """Return a whole number: its size and sign are one word up to 3.11, a tag from 3.12 on (longintrepr.h)."""
        if self._at["number_tag"] < 0:
            size = int.from_bytes(self._memory.read(address + self._at["size"], 8), "little", signed=True)
            digits, sign = abs(size), -1 if size < 0 else 1
        else:
            tag = self._memory.word(address + self._at["number_tag"])
            digits, sign = tag >> 3, 1 - (tag & 3)
        if digits > DIGITS_MAX:
            return UNREADABLE
        raw = self._memory.read(address + self._at["number_digits"], 4 * digits)
        value = sum(
            digit << DIGIT_BITS * n for n, digit in zip(itertools.count(), struct.unpack(f"<{len(raw) // 4}I", raw))
        )
        return f"{sign * value:x}"
