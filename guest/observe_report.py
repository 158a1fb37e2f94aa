"""Reads what a sanitizer's runtime is about to say out of its own memory, not out of the program's output."""

from __future__ import annotations

import itertools
import re
import struct

from observe_elf import ET_EXEC, Elf
from observe_memory import Mapping, Memory

RUNTIME = re.compile(
    r"lib(?:asan|ubsan|tsan|hwasan)\.so[.0-9]*|libclang_rt\.(?:asan|ubsan_standalone|tsan|hwasan)[-\w]*\.so"
)
SYSTEM = ("/usr/", "/lib/", "/lib64/")
CURRENT_ERROR = "_ZN6__asan19ScopedInErrorReport14current_error_E"
"""asan_report.h: the error that is being reported; exported by the shared runtimes."""
ERROR_BYTES, DESCRIPTION_AT, DESCRIPTION_CHARS_MAX = 4096, 12, 1024
"""asan_errors.h: kind and padding, then ScarinessScoreBase {int score; char descr[1024]}, the same since LLVM 5."""
_ACCESS = re.compile(r"(\d+|multi)(?:-byte)-(read|write)-([a-z-]+?)(?:-far-from-bounds)?")
_WORD = re.compile(r"[a-z0-9_-]{1,200}")


def is_runtime(file: str) -> bool:
    """Tell whether a file is a sanitizer's shared runtime as the system installed it."""
    return file.startswith(SYSTEM) and RUNTIME.fullmatch(file.rpartition("/")[2]) is not None


def address_of(memory: Memory, mapping: Mapping, file: str, symbol: str) -> int:
    """Return where a symbol of a mapped file lies in memory; zero if the file has none."""
    try:
        elf = Elf(file)
    except (OSError, ValueError):
        return 0
    value = elf.find(symbol)
    if value is None:
        return 0
    return value if elf.kind == ET_EXEC else value + memory.base(mapping)


def read_error(memory: Memory, address: int) -> dict[str, object]:
    """Return the runtime's own description of the error: ``description``, and for an access its class and size."""
    raw = memory.read(address, ERROR_BYTES)
    text = raw[DESCRIPTION_AT : DESCRIPTION_AT + DESCRIPTION_CHARS_MAX].split(b"\0", 1)[0].decode("latin-1")
    if not _WORD.fullmatch(text):
        return {}
    found: dict[str, object] = {"description": text}
    match = _ACCESS.fullmatch(text)
    if match:
        found["class"] = match[3]
        found["write"] = match[2] == "write"
        found["size"] = int(match[1]) if match[1] != "multi" else _size(memory, raw, match[3])
    return found


def _size(memory: Memory, raw: bytes, name: str) -> int:
    """Return the access size: the word before the pointer to the class name (ErrorGeneric, asan_errors.h)."""
    wanted = name.encode() + b"\0"
    words: tuple[int, ...] = struct.unpack(f"<{len(raw) // 8}Q", raw[: len(raw) // 8 * 8])
    for before, word in itertools.pairwise(words):
        if memory.read(word, len(wanted)) == wanted:
            return before
    return 0
