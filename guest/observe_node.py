"""Reads which JavaScript runs on a stopped thread's stack out of its memory; Node itself is not asked.

Only V8's interpreter is read, whose frames have a debugger's name and a place on the stack that V8 tells of: what a
compiler has made of a function has no name and is nobody's. So whoever wants to be read runs ``node --jitless``.
"""

from __future__ import annotations

import array
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from observe_elf import read_elf
from observe_memory import Memory
from observe_stack import is_own_place
from observe_v8 import Heap

EVALUATOR = "Builtins_InterpreterEntryTrampoline"
CODE, CODE_SIZE = "v8_Default_embedded_blob_code_", "v8_Default_embedded_blob_code_size_"
NUMBERS = "v8dbg_"
"""Begins the name of each number that V8 tells debuggers (V8, tools/gen-postmortem-metadata.py)."""
STACK_BYTES_MAX = 16 << 20
FRAMES_MAX = 2_000
"""Of those that lie on a stack, also those that have been left."""
_NODE = re.compile(r"(?:.*/)?node(?:js)?")


def is_node(program: str) -> bool:
    """Tell whether a program is called Node."""
    return _NODE.fullmatch(program) is not None


class JavaScript(NamedTuple):
    """What runs in one thread: by the place of a frame on the stack, the function in it.

    ``code`` is where V8's own code lies, that has frame pointers and no other way to find a caller. Functions may be
    among those that were left already: who reads the stack knows which frames there are.
    """

    code: range = range(0)
    program: str = ""
    functions: Mapping[int, dict[str, object]] = MappingProxyType({})

    def put_into(self, frames: list[dict[str, object]]) -> list[str]:
        """Say of each frame of V8's interpreter which function it runs; return the files that these name."""
        files = []
        for frame in frames:
            function = self.functions.get(int(str(frame.pop("base", 0))))
            if frame.get("function") == EVALUATOR and frame["module"] == self.program and function is not None:
                frame["script"] = function
                files.append(str(function["file"]))
        return files


class Symbols(NamedTuple):
    """What a file of Node's tells debuggers: names and their places, from where it is mapped unless ``is_fixed``."""

    places: Mapping[str, int]
    is_fixed: bool


class Nodes:
    """The Node programs of one tree of processes; of each its symbols are read once."""

    def __init__(self) -> None:
        self._symbols: dict[str, Symbols] = {}

    def read(self, memory: Memory, stack: int) -> JavaScript:
        """Return what runs in a stopped thread whose stack begins at ``stack``; nothing if that is not told here."""
        for mapping in memory.mappings:
            file = mapping.file() if mapping.is_code and is_node(mapping.path) else ""
            if file and is_own_place(file):
                if file not in self._symbols:
                    self._symbols[file] = _symbols(file)
                symbols = self._symbols[file]
                base = 0 if symbols.is_fixed else memory.base(mapping)
                places = {name: base + place for name, place in symbols.places.items()}
                try:
                    return _read(memory, stack, places, file)
                except (KeyError, ValueError):
                    # A Node of another kind, or a forged heap: its frames stay unread, and nobody's.
                    return JavaScript()
        return JavaScript()


def _read(memory: Memory, stack: int, places: dict[str, int], program: str) -> JavaScript:
    heap = Heap(memory, places, program)
    size = int.from_bytes(memory.read(places[CODE_SIZE], 4), "little")
    evaluator = range(places[EVALUATOR], places[f"{EVALUATOR} ends"])
    mapping = memory.mapping(stack)
    end = min(mapping.end, stack + STACK_BYTES_MAX) if mapping is not None else stack
    words = array.array("Q", memory.read(stack, (end - stack) // 8 * 8))
    # Where the interpreter goes on, behind the place of its own frame.
    bases = [words[place - 1] for place in range(1, len(words)) if words[place] in evaluator][:FRAMES_MAX]
    found = {base: heap.described(memory.word(base + heap.number("off_fp_function"))) for base in bases}
    return JavaScript(
        range(places[CODE], places[CODE] + size),
        program,
        {base: function for base, function in found.items() if function is not None},
    )


def _symbols(file: str) -> Symbols:
    elf = read_elf(file)
    found: dict[str, int] = {}
    for name, place, size in elf.symbols():
        if name.startswith(NUMBERS):
            found.setdefault(name.removeprefix(NUMBERS), place)
        elif name in (CODE, CODE_SIZE, EVALUATOR):
            found[name] = place
            found[f"{name} ends"] = place + size
    return Symbols(found, elf.is_fixed)
