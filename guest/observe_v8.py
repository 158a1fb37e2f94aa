"""Reads objects of V8's heap out of a stopped process's memory, by the places that V8 tells debuggers of.

Written for tagged pointers of 64 bits, as in every release of Node. Native code in the same process may have forged
what is read, so every walk is bounded.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from observe_memory import Memory

TEXT_BYTES_MAX = 16 << 20
"""Of one script, or of one piece of it; a longer one equals no file."""
PIECES_MAX = 500
"""Of a text that was joined from others; Node reads a file as one."""
SCRIPTS_MAX = 200
SCRIPTS_BYTES_MAX = 64 << 20
"""Of all scripts on one stack; what is seen after that is nobody's."""
NAME_CHARS_MAX = 1000
LOCALS_MAX = 75
"""Names of more variables lie elsewhere (V8, scope-info.h, kScopeInfoMaxInlinedLocalNamesSize)."""
NAME_SLOTS_MAX = 2
"""Where a function's name may stand behind its variables: after what a class has saved of itself, if anything."""
DATA_AT = 8
"""How far behind an external text's resource stands where its characters lie (V8, string.tq, resource_data)."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Script(NamedTuple):
    """A script: its name, its text in UTF-16, and the digests of the files that hold this text and no other.

    ``is_built_in``: the text lies in Node's own file, where nothing can write.
    """

    name: str
    units: bytes
    sources: tuple[str, ...]
    is_built_in: bool


class Heap:
    """One process's heap; ``places`` are the addresses of V8's numbers by name, ``program`` is Node's file."""

    def __init__(self, memory: Memory, places: dict[str, int], program: str) -> None:
        self._memory = memory
        self._places = places
        self._program = program
        self._numbers: dict[str, int] = {}
        self._scripts: dict[int, Script] = {}
        self._bytes_left = SCRIPTS_BYTES_MAX

    def number(self, name: str) -> int:
        """Return one of V8's numbers; raises KeyError if it tells none of that name."""
        if name not in self._numbers:
            self._numbers[name] = int.from_bytes(self._memory.read(self._places[name], 4), "little", signed=True)
        return self._numbers[name]

    def described(self, function: int) -> dict[str, object] | None:
        """Return what a function is: {function, file, line, sources, built_in}; None if it cannot be told.

        ``line`` is where the function begins; none for a script itself.
        """
        about = self._field(function, "JSFunction__shared__SharedFunctionInfo")
        if self._kind(about) != self.number("type_SharedFunctionInfo__SHARED_FUNCTION_INFO_TYPE"):
            return None
        script = self._script(self._field(about, "SharedFunctionInfo__script_or_debug_info__HeapObject"))
        if script is None:
            return None
        name, start = self._scope(self._field(about, "SharedFunctionInfo__name_or_scope_info__Object"))
        before = script.units[: 2 * start].decode("utf-16-le", "replace")
        return {
            "function": name,
            "file": script.name,
            "line": before.count("\n") + 1 if start else None,
            "sources": list(script.sources),
            "built_in": script.is_built_in,
        }

    def _script(self, address: int) -> Script | None:
        is_full = len(self._scripts) >= SCRIPTS_MAX or self._bytes_left < 0
        if self._kind(address) != self.number("type_Script__SCRIPT_TYPE") or (is_full and address not in self._scripts):
            return None
        if address not in self._scripts:
            source = self._field(address, "Script__source__Object")
            name = self._name(self._field(address, "Script__name__Object")).removeprefix("file://")
            units = self._text(source)
            self._bytes_left -= len(units)
            content = units[: len(units) // 2 * 2].decode("utf-16-le", "surrogatepass").encode("utf-8", "surrogatepass")
            texts = [mark + content for mark in (b"", BYTE_ORDER_MARK) if content]
            sources = tuple(f"sha256:{hashlib.sha256(text).hexdigest()}" for text in texts)
            self._scripts[address] = Script(name, units, sources, self._is_built_in(source))
        return self._scripts[address]

    def _scope(self, address: int) -> tuple[str, int]:
        """Return a function's name, and where it begins in its script, zero for a script itself (scope-info.tq)."""
        if self._kind(address) != self.number("type_ScopeInfo__SCOPE_INFO_TYPE"):
            return self._name(address), 0
        slots = address - 1 + 8
        locals_count = self._small(slots + 8 * self.number("scopeinfo_idx_ncontextlocals"))
        if not 0 <= locals_count < LOCALS_MAX:
            return "", 0
        at = slots + 8 * (self.number("scopeinfo_idx_first_vars") + 2 * locals_count)
        for place in range(at, at + 8 * NAME_SLOTS_MAX, 8):
            named = self._memory.word(place)
            if self._is_text(named):
                inferred = self._memory.word(place + 16)
                return self._name(named) or self._name(inferred), max(0, self._small(place + 24))
        return "", 0

    def _is_built_in(self, source: int) -> bool:
        kind = self._kind(source)
        is_outside = kind & self.number("StringRepresentationMask") == self.number("ExternalStringTag")
        if not self._is_text(source) or not is_outside:
            return False
        mapping = self._memory.mapping(self._characters(source))
        return mapping is not None and "w" not in mapping.rights and mapping.file() == self._program

    def _characters(self, text: int) -> int:
        return self._memory.word(text - 1 + self.number("class_ExternalString__resource__Object") + DATA_AT)

    def _name(self, address: int) -> str:
        if not self._is_text(address):
            return ""
        return self._text(address, 2 * NAME_CHARS_MAX).decode("utf-16-le", "replace")

    def _text(self, address: int, bytes_max: int = TEXT_BYTES_MAX) -> bytes:
        """Return a text in UTF-16; nothing if it is longer than that."""
        waiting, found, size = [address], list[bytes](), 0
        for _ in range(PIECES_MAX):
            if not waiting:
                return b"".join(found)
            here = waiting.pop()
            if not self._is_text(here) or size > bytes_max:
                return b""
            kind = self._kind(here) & self.number("StringRepresentationMask")
            if kind == self.number("ConsStringTag"):
                waiting += [self._field(here, f"ConsString__{half}__String") for half in ("second", "first")]
            elif kind == self.number("ThinStringTag"):
                waiting.append(self._field(here, "ThinString__actual__String"))
            else:
                found.append(self._piece(here, kind, bytes_max))
                size += len(found[-1])
        return b""

    def _piece(self, text: int, kind: int, bytes_max: int) -> bytes:
        """Return in UTF-16 a text that is whole, or a part of one that is."""
        length = int.from_bytes(self._memory.read(text - 1 + self.number("class_String__length__int32_t"), 4), "little")
        is_narrow = self._kind(text) & self.number("StringEncodingMask") == self.number("OneByteStringTag")
        skipped, whole = 0, text
        if kind == self.number("SlicedStringTag"):
            skipped = self._small(text - 1 + self.number("class_SlicedString__offset__SMI"))
            whole = self._field(text, "SlicedString__parent__String")
        width = 1 if is_narrow else 2
        if length * 2 > bytes_max or not self._is_text(whole):
            return b""
        raw = self._memory.read(self._start(whole, is_narrow=is_narrow) + skipped * width, length * width)
        return raw.decode("latin-1").encode("utf-16-le") if is_narrow else raw

    def _start(self, whole: int, *, is_narrow: bool) -> int:
        kind = self._kind(whole) & self.number("StringRepresentationMask")
        if kind == self.number("ExternalStringTag"):
            return self._characters(whole)
        name = "class_SeqOneByteString__chars__char" if is_narrow else "class_SeqTwoByteString__chars__char"
        return whole - 1 + self.number(name)

    def _is_text(self, address: int) -> bool:
        mask = self.number("IsNotStringMask")
        return bool(address & 1) and self._kind(address) & mask & 0xFFFF == self.number("StringTag")

    def _kind(self, address: int) -> int:
        """Return an object's instance type; -1 for what is no object."""
        kind = self._memory.word(address - 1) if address & 1 else 0
        raw = self._memory.read(kind - 1 + self.number("class_Map__instance_type__uint16_t"), 2) if kind & 1 else b""
        return int.from_bytes(raw, "little") if raw else -1

    def _field(self, address: int, name: str) -> int:
        return self._memory.word(address - 1 + self.number(f"class_{name}"))

    def _small(self, place: int) -> int:
        """Return a small integer, which lies in the upper half of its word."""
        raw = self._memory.read(place + 4, 4)
        return int.from_bytes(raw, "little", signed=True)
