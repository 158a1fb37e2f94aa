"""Tells whether Python code seen in a process is what its file compiles to; run by the same Python, on files only.

Usage: ``python -I -S observe_code.py QUESTIONS.json``, a list of {file, name, first_line, table, code, values}. Prints
a list of true and false. Nothing that is compiled is executed. A program can name any file as its code's origin; it
cannot make that file compile to something else.
"""

from __future__ import annotations

import _imp
import dis
import json
import opcode
import os
import sys
import types
from collections.abc import Iterator

# Isolated, an interpreter does not look beside its script.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from observe_values import digest, spell

FILE_BYTES_MAX = 16 << 20
CODES_MAX = 100_000
FROZEN_AS = {
    "importlib._bootstrap": "_frozen_importlib",
    "importlib._bootstrap_external": "_frozen_importlib_external",
}
"""The import system is frozen under other names than its code says (CPython, Python/frozen.c)."""
_BASE = getattr(dis, "_deoptop", lambda operation: operation)
_CACHES = getattr(opcode, "_inline_cache_entries", {})


def codes_of(file: str) -> Iterator[types.CodeType]:
    """Yield every code object of a file, or of a module frozen into the interpreter."""
    if file.startswith("<frozen "):
        name = file[len("<frozen ") : -1]
        top = _imp.get_frozen_object(FROZEN_AS.get(name, name))
    else:
        with open(file, "rb") as stream:
            top = compile(stream.read(FILE_BYTES_MAX), file, "exec", dont_inherit=True)
    waiting = [top]
    for _ in range(CODES_MAX):
        if not waiting:
            return
        code = waiting.pop()
        yield code
        waiting += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]


def plain(code: bytes) -> bytes:
    """Return bytecode without what the interpreter wrote into it while it ran: specialisations and caches."""
    found = bytearray()
    at = 0
    while at + 1 < len(code):
        operation = _BASE(code[at])
        found += bytes((operation, code[at + 1]))
        entries = _CACHES[operation] if isinstance(_CACHES, list) else _CACHES.get(opcode.opname[operation], 0)
        at += 2 + 2 * entries
    return bytes(found)


def is_genuine(question: dict[str, object], known: list[types.CodeType]) -> bool:
    """Tell whether one of a file's code objects is the one in question: code, lines, names and constants, whole."""
    seen = plain(bytes.fromhex(str(question["code"])))
    table = bytes.fromhex(str(question["table"]))
    return any(
        code.co_qualname == question["name"]
        and code.co_firstlineno == question["first_line"]
        and code.co_linetable == table
        and plain(code.co_code) == seen
        and values_of(code) == question["values"]
        for code in known
    )


def values_of(code: types.CodeType) -> str:
    """Return a digest of all that code says besides its instructions and lines, as the observer makes it."""
    shape = (code.co_flags, code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount)
    return digest([*shape, *(spell(part) for part in (code.co_exceptiontable, code.co_names, code.co_consts))])


def main() -> None:
    """Answer the questions in the file that the first argument names."""
    with open(sys.argv[1], encoding="utf-8") as stream:
        questions = json.load(stream)
    known: dict[str, list[types.CodeType]] = {}
    answers = []
    for question in questions:
        file = question["file"]
        if file not in known:
            try:
                known[file] = list(codes_of(file))
            except (OSError, SyntaxError, ValueError, ImportError, RecursionError, MemoryError):
                known[file] = []
        answers.append(is_genuine(question, known[file]))
    print(json.dumps(answers))


main()
