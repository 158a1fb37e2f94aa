"""Reads what a sanitizer's runtime is about to say out of its own memory, not out of the program's output."""

from __future__ import annotations

import itertools
import os
import re
import struct

from observe_elf import read_elf
from observe_memory import Mapping, Memory
from observe_static import StaticRuntime

RUNTIME = re.compile(
    r"lib(?:asan|ubsan|tsan|hwasan)\.so[.0-9]*|libclang_rt\.(?:asan|ubsan_standalone|tsan|hwasan)[-\w]*\.so"
)
SYSTEM = ("/usr/", "/lib/", "/lib64/")
CURRENT_ERROR = "_ZN6__asan19ScopedInErrorReport14current_error_E"
"""asan_report.h: the error that is being reported; exported by the shared runtimes."""
ERROR_BYTES, DESCRIPTION_AT, DESCRIPTION_CHARS_MAX = 4096, 12, 1024
"""asan_errors.h: kind and padding, then ScarinessScoreBase {int score; char descr[1024]}, the same since LLVM 5."""
REPORT_PRESENT = "__asan_report_present"
CODE_BYTES = 24
_READS_RELATIVE = re.compile(rb"(?:\x83\x3d|\x8b[\x05\x0d\x15\x1d\x25\x2d\x35\x3d])(.{4})", re.DOTALL)
"""``cmp dword [rip+x], imm8`` or ``mov reg, dword [rip+x]`` (Intel SDM, volume 2)."""
_ACCESS = re.compile(r"(\d+|multi)(?:-byte)-(read|write)-([a-z-]+?)(?:-far-from-bounds)?")
_DEFAULTS = re.compile(r"__(?:a|ub|t|m|l|hwa)san_default_options")
ENVIRONMENT_BYTES_MAX = 1 << 20
_WORD = re.compile(r"[a-z0-9_-]{1,200}")


def options_of(tid: int, memory: Memory, static: StaticRuntime | None) -> dict[str, object]:
    """Return the options that a process gave its runtimes: ``options`` by variable, and whether it ``brings_options``.

    A program brings options where it defines the function that a runtime asks for its defaults; a runtime that is
    linked statically has one of its own.
    """
    with open(f"/proc/{tid}/environ", "rb") as stream:
        entries = stream.read(ENVIRONMENT_BYTES_MAX).split(b"\0")
    pairs = (os.fsdecode(entry).partition("=") for entry in entries)
    files = {mapping.file() for mapping in memory.mappings if mapping.is_code}
    return {
        "options": {name: value for name, _, value in pairs if name.endswith("SAN_OPTIONS")},
        "brings_options": any(_brings_options(file, static) for file in files if file.startswith("/box/")),
    }


def _brings_options(file: str, static: StaticRuntime | None) -> bool:
    try:
        found = [value for name, value, _ in read_elf(file).symbols() if _DEFAULTS.fullmatch(name)]
    except (OSError, ValueError, struct.error):
        return False
    own = static if static is not None and static.program == file else None
    return any(own is None or not own.is_genuine(value) for value in found)


def is_runtime(file: str) -> bool:
    """Tell whether a file is a sanitizer's shared runtime as the system installed it."""
    return file.startswith(SYSTEM) and RUNTIME.fullmatch(file.rpartition("/")[2]) is not None


def address_of(memory: Memory, mapping: Mapping, file: str, symbol: str) -> int:
    """Return where a symbol of a mapped file lies in memory; zero if the file has none."""
    try:
        elf = read_elf(file)
    except (OSError, ValueError, struct.error):
        return 0
    value = elf.find(symbol)
    if value is None:
        return 0
    return value if elf.is_fixed else value + memory.base(mapping)


def error_address(memory: Memory, mapping: Mapping, file: str) -> int:
    """Return where a runtime keeps the error that it reports; zero if that cannot be told.

    A runtime without symbols still exports ``__asan_report_present``, which begins by reading the error's kind.
    """
    found = address_of(memory, mapping, file, CURRENT_ERROR)
    if found:
        return found
    asks = address_of(memory, mapping, file, REPORT_PRESENT)
    code = memory.read(asks, CODE_BYTES) if asks else b""
    match = _READS_RELATIVE.search(code)
    if match is None:
        return 0
    immediate = 1 if match[0][:1] == b"\x83" else 0
    return asks + match.end() + immediate + int(struct.unpack("<i", match[1])[0])


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
