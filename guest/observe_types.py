"""Names the type of an exception as it lies in a stopped interpreter's memory."""

from __future__ import annotations

from observe_memory import Memory
from observe_values import MemoryValues

ANCESTORS_MAX = 32
ENTRIES_MAX = 512
NAME_CHARS_MAX = 200
HEAP_TYPE = 1 << 9
"""Py_TPFLAGS_HEAPTYPE (object.h): made while the program ran, by whoever made it."""
GENERAL_ENTRY_WORDS, PLAIN_ENTRY_WORDS = 3, 2
"""Of a dictionary: hash, key and value; or key and value where all keys are text (pycore_dict.h)."""


class TypeNames:
    """The types of one interpreter, whose own file is ``file``: only what lies in that is built in."""

    def __init__(self, memory: Memory, layout: dict[str, int], file: str) -> None:
        self._memory = memory
        self._at = layout
        self._file = file
        self._values = MemoryValues(memory, layout)

    def about(self, kind: int) -> dict[str, object]:
        """Return the name of the type at an address, and the built-in types that it is or derives from."""
        found: list[str] = []
        name = self._name(kind)
        for _ in range(ANCESTORS_MAX):
            if not kind:
                break
            if self._is_built_in(kind):
                found.append(self._own_name(kind))
            kind = self._memory.word(kind + self._at["type_base"])
        return {"name": name, "ancestors": found}

    def _name(self, kind: int) -> str:
        if not self._is_heap(kind):
            return self._own_name(kind)
        name = self._values.text(self._memory.word(kind + self._at["type_qualified"]), NAME_CHARS_MAX)
        return f"{self._module(kind)}.{name}"

    def _own_name(self, kind: int) -> str:
        raw = self._memory.read(self._memory.word(kind + self._at["type_name"]), NAME_CHARS_MAX)
        return raw.split(b"\0", 1)[0].decode("latin-1")

    def _is_heap(self, kind: int) -> bool:
        return bool(self._memory.word(kind + self._at["type_flags"]) & HEAP_TYPE)

    def _is_built_in(self, kind: int) -> bool:
        mapping = self._memory.mapping(kind)
        return not self._is_heap(kind) and mapping is not None and mapping.file() == self._file

    def _module(self, kind: int) -> str:
        """Return what a type says that its module is; empty if it says nothing that can be read."""
        at, word = self._at, self._memory.word
        keys = word(word(kind + at["type_members"]) + at["dict_keys"])
        index_bits = self._memory.read(keys + at["keys_index_bits"], 1)
        is_plain = self._memory.read(keys + at["keys_kind"], 1) != b"\0"
        if not index_bits:
            return ""
        words = PLAIN_ENTRY_WORDS if is_plain else GENERAL_ENTRY_WORDS
        first = keys + at["keys_start"] + (1 << min(index_bits[0], 20)) + 8 * (words - PLAIN_ENTRY_WORDS)
        for number in range(min(word(keys + at["keys_count"]), ENTRIES_MAX)):
            entry = first + 8 * words * number
            if word(entry) and self._values.spell(word(entry)) == "str '__module__'":
                return self._values.text(word(entry + 8), NAME_CHARS_MAX)
        return ""
