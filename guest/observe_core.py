"""An excerpt of a stopped process as a core file, so that a debugger can read its stack without touching it.

Holds the registers of the threads that matter, their stacks, all code as it is in memory, and the small data mappings
of files: enough to unwind, small enough to keep as evidence.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

from observe_memory import Mapping, Memory
from observe_ptrace import REGISTERS, RSP

STACK_BYTES_MAX = 16 << 20
CODE_BYTES_MAX = 256 << 20
PAGE = 4096
RED_ZONE_BYTES = 128
PT_LOAD, PT_NOTE = 1, 4
NT_PRSTATUS = 1


def write_core(target: BinaryIO, memory: Memory, threads: list[tuple[int, tuple[int, ...]]], stacks: list[int]) -> None:
    """Write a core of ``threads`` (thread id, registers; the first is the current one).

    ``stacks`` are further stack pointers whose mappings are needed, such as the one a signal interrupted.
    """
    pointers = [regs[RSP] for _, regs in threads] + stacks
    pieces = _pieces(memory, pointers)
    notes = b"".join(_prstatus(tid, regs) for tid, regs in threads)
    headers = 64 + 56 * (len(pieces) + 1)
    target.write(_elf_header(len(pieces) + 1))
    target.write(struct.pack("<IIQQQQQQ", PT_NOTE, 0, headers, 0, 0, len(notes), 0, 4))
    at = -(-(headers + len(notes)) // PAGE) * PAGE
    for start, end, rights in pieces:
        flags = 4 | (2 if "w" in rights else 0) | (1 if "x" in rights else 0)
        target.write(struct.pack("<IIQQQQQQ", PT_LOAD, flags, at, start, 0, end - start, end - start, PAGE))
        at += end - start
    target.write(notes)
    target.write(b"\0" * (-target.tell() % PAGE))
    for start, end, _ in pieces:
        _copy(target, memory, start, end)


def _copy(target: BinaryIO, memory: Memory, start: int, end: int) -> None:
    for at in range(start, end, 1 << 20):
        size = min(1 << 20, end - at)
        found = memory.read(at, size)
        if not found.strip(b"\0"):
            target.seek(size, 1)
            continue
        target.write(found)
        target.seek(size - len(found), 1)
    target.truncate(target.tell())


def _pieces(memory: Memory, pointers: list[int]) -> list[tuple[int, int, str]]:
    pieces: list[tuple[int, int, str]] = []
    code = 0
    for mapping in memory.mappings:
        here = [pointer for pointer in pointers if mapping.start - PAGE <= pointer < mapping.end]
        if here and "w" in mapping.rights:
            start = max(mapping.start, min(here) - RED_ZONE_BYTES) & -PAGE
            pieces.append((start, min(mapping.end, start + STACK_BYTES_MAX), mapping.rights))
        elif _is_code(mapping) and code + mapping.end - mapping.start <= CODE_BYTES_MAX:
            code += mapping.end - mapping.start
            pieces.append((mapping.start, mapping.end, mapping.rights))
    return pieces


def _is_code(mapping: Mapping) -> bool:
    return mapping.is_code and "r" in mapping.rights and mapping.path != "[vsyscall]"


def _elf_header(segments: int) -> bytes:
    identification = b"\x7fELF\x02\x01\x01" + b"\0" * 9
    return struct.pack("<16sHHIQQQIHHHHHH", identification, 4, 62, 1, 0, 64, 0, 0, 64, 56, segments, 0, 0, 0)


def _prstatus(tid: int, regs: tuple[int, ...]) -> bytes:
    content = bytearray(336)
    struct.pack_into("<i", content, 32, tid)
    struct.pack_into(f"<{REGISTERS}Q", content, 112, *regs)
    return struct.pack("<III8s", 5, len(content), NT_PRSTATUS, b"CORE\0\0\0\0") + bytes(content)
