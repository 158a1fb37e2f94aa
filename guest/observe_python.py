"""Reads the Python stack of a stopped thread out of its memory; the interpreter itself is not asked.

Where things lie was measured beforehand from the interpreter's own headers (`observe_layout.c`). What is read may have
been forged by a program that writes into its own interpreter, so every walk is bounded and everything is checked later.
"""

from __future__ import annotations

from typing import NamedTuple

from observe_memory import Memory
from observe_values import MemoryValues, digest

THREADS_MAX = 512
FRAMES_MAX = 400
TEXT_CHARS_MAX = 1000
TABLE_BYTES_MAX = 1 << 18
CODE_BYTES_MAX = 1 << 18
CODES_CHARS_MAX = 8 << 20
"""Of all code that is written down; what is seen after that is called by its name only."""
NOWHERE = -1
"""A first line that no code has."""
_NO_COLUMNS, _LONG, _NONE = 13, 14, 15
"""Forms of a location entry, Objects/locations.md of CPython 3.11."""


class Codes:
    """Every code object that was seen, each once."""

    def __init__(self) -> None:
        self._places: dict[tuple[object, ...], int] = {}
        self._seen: list[dict[str, object]] = []
        self._chars = 0

    def place_of(self, code: dict[str, object]) -> int:
        """Return the place of a code object in `seen`."""
        if (known := self._places.get(tuple(code.values()))) is not None:
            return known
        self._chars += sum(len(str(value)) for value in code.values())
        if self._chars > CODES_CHARS_MAX:
            code = {**code, "first_line": NOWHERE, "table": "", "code": "", "values": ""}
        place = self._places.setdefault(tuple(code.values()), len(self._seen))
        if place == len(self._seen):
            self._seen.append(code)
        return place

    def files_of(self, frames: list[dict[str, object]]) -> list[str]:
        """Return the files that frames say their code comes from."""
        return [str(self._seen[int(str(frame["code"]))]["file"]) for frame in frames]

    def is_called(self, place: int, function: str, file: str) -> bool:
        """Tell whether the code at a place has this name and file."""
        return (self._seen[place]["function"], self._seen[place]["file"]) == (function, file)

    def seen(self) -> list[dict[str, object]]:
        """Return all of it: {function, file, first_line, table, code, values}."""
        return self._seen


class RawFrame(NamedTuple):
    """One frame as it lies in memory: where, its code, instruction and object, and its caller."""

    address: int
    code: int
    instruction: int
    object: int
    outer: int
    is_entry: bool

    def is_same_call(self, other: RawFrame) -> bool:
        """Tell whether another look was at this same call; one whose object is not made yet may be."""
        objects = {self.object, other.object} - {0}
        return (self.address, self.code, self.outer) == (other.address, other.code, other.outer) and len(objects) < 2


class PythonStack:
    """The frames of one interpreter, by the measured ``layout`` and the address of its runtime structure."""

    def __init__(self, memory: Memory, layout: dict[str, int], runtime: int, codes: Codes) -> None:
        self._memory = memory
        self._at = layout
        self._runtime = runtime
        self._codes = codes
        self._values = MemoryValues(memory, layout)
        self._places: dict[int, tuple[int, int, bytes]] = {}

    def frames(self, native_thread: int) -> list[dict[str, object]]:
        """Return that thread's frames, innermost first; ``entry`` marks the last of one call of the evaluator in C."""
        at = self._at
        thread = self._thread(native_thread)
        if not thread:
            return []
        if at["thread_cframe"] >= 0:
            frame = self._memory.word(self._memory.word(thread + at["thread_cframe"]) + at["cframe_frame"])
        else:
            frame = self._memory.word(thread + at["thread_frame"])
        found: list[dict[str, object]] = []
        for _ in range(FRAMES_MAX):
            if not frame:
                break
            self._add(found, frame)
            frame = self._memory.word(frame + at["frame_previous"])
        return found

    def current(self, thread: int) -> RawFrame | None:
        """Return the frame that a thread's evaluator runs (CPython 3.11); None if it runs none."""
        return self.raw(
            self._memory.word(self._memory.word(thread + self._at["thread_cframe"]) + self._at["cframe_frame"])
        )

    def raw(self, frame: int) -> RawFrame | None:
        """Return the frame at an address (CPython 3.11); None for none."""
        if not frame:
            return None
        at, word = self._at, self._memory.word
        places = ("frame_code", "frame_instruction", "frame_object", "frame_previous")
        code, instruction, made, outer = (word(frame + at[name]) for name in places)
        return RawFrame(
            frame, code, instruction, made, outer, self._memory.read(frame + at["frame_owner"], 1) == b"\x01"
        )

    def described(self, frame: RawFrame) -> dict[str, object]:
        """Return a frame as `frames` does; its code must still be there."""
        if frame.code not in self._places:
            self._places[frame.code] = self._code(frame.code)
        place, first, table = self._places[frame.code]
        unit = (frame.instruction - frame.code - self._at["code_start"]) // 2
        return {"code": place, "line": _line(table, first, unit), "entry": frame.is_entry}

    def _thread(self, native_thread: int) -> int:
        at = self._at
        interpreter = self._memory.word(self._runtime + at["runtime_head"])
        thread = self._memory.word(interpreter + at["interpreter_threads"])
        for _ in range(THREADS_MAX):
            if not thread or self._memory.word(thread + at["thread_native"]) == native_thread:
                break
            thread = self._memory.word(thread + at["thread_next"])
        return thread

    def _add(self, found: list[dict[str, object]], frame: int) -> None:
        owner = self._memory.read(frame + self._at["frame_owner"], 1)
        if self._at["entry_owner"] < 0:
            found.append({**self._frame(frame), "entry": owner == b"\x01"})
        elif owner == bytes([self._at["entry_owner"]]):
            if found:
                found[-1]["entry"] = True
        else:
            found.append({**self._frame(frame), "entry": False})

    def _frame(self, frame: int) -> dict[str, object]:
        at = self._at
        code = self._memory.word(frame + at["frame_code"])
        if code not in self._places:
            self._places[code] = self._code(code)
        place, first, table = self._places[code]
        unit = (self._memory.word(frame + at["frame_instruction"]) - code - at["code_start"]) // 2
        return {"code": place, "line": _line(table, first, unit)}

    def _code(self, code: int) -> tuple[int, int, bytes]:
        """Return the place of a code object among those seen, its first line and its table of lines."""
        at, values = self._at, self._values
        first = self._number(code, "code_first_line")
        table = values.content(self._memory.word(code + at["code_lines"]), TABLE_BYTES_MAX)
        size = max(0, min(self._memory.word(code + at["size"]) * 2, CODE_BYTES_MAX))
        shape = ("code_flags", "code_arguments", "code_positional", "code_keywords")
        parts = ("code_exceptions", "code_names", "code_constants")
        spelled = [values.spell(self._memory.word(code + at[name])) for name in parts]
        place = self._codes.place_of(
            {
                "function": values.text(self._memory.word(code + at["code_name"]), TEXT_CHARS_MAX),
                "file": values.text(self._memory.word(code + at["code_file"]), TEXT_CHARS_MAX),
                "first_line": first,
                "table": table.hex(),
                "code": self._memory.read(code + at["code_start"], size).hex(),
                "values": digest([*(self._number(code, name) for name in shape), *spelled]),
            }
        )
        return place, first, table

    def _number(self, address: int, name: str) -> int:
        return int.from_bytes(self._memory.read(address + self._at[name], 4), "little", signed=True)


def _line(table: bytes, first: int, unit: int) -> int | None:
    """Return the line of a code unit by the location table (CPython, Objects/locations.md)."""
    line, at, covered = first, 0, 0
    while at < len(table):
        form, length = table[at] >> 3 & 15, (table[at] & 7) + 1
        at += 1
        if form in (_NO_COLUMNS, _LONG):
            change, _ = _varint(table, at)
            line += -(change >> 1) if change & 1 else change >> 1
        elif 10 <= form <= 12:
            line += form - 10
        while at < len(table) and not table[at] & 128:
            at += 1
        covered += length
        if unit < covered:
            return None if form == _NONE else line
    return None


def _varint(table: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(table):
        value |= (table[at] & 63) << shift
        shift += 6
        at += 1
        if not table[at - 1] & 64:
            break
    return value, at
