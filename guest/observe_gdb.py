"""Runs inside gdb, on core excerpts: answer with the stack of each one's thread, a JSON list of lists.

Imported by what is to be copied (`warmed`), or run as a script with ``LEADTIME_QUESTION`` and ``LEADTIME_ANSWER``, the
numbers of the descriptors to read from and to answer on. A question is JSON: ``files`` ([[path, base], ...], the ELF
files to load and where), ``linked`` ([begin, end], code whose frames are linked by their pointers), ``cores`` (the
excerpts' paths). No code of the process runs: gdb has no process here, only a file.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any

import gdb

FRAMES_MAX = 400
NOWHERE = "/nonexistent"
"""Put before every source file's name, so that gdb finds none and leaves the names as the compiler wrote them."""
TEXT_CHARS_MAX = 400
DIRECT_CALL, CALL_BYTES = b"\xe8", 5
"""``call rel32`` (Intel SDM, volume 2)."""
_EXACT = re.compile(r"(\S+) in section ")
"""What gdb says of the address at which a symbol begins; anywhere else it adds how far in."""
REG_ERR_OFFSET = 40 + 19 * 8
"""Of the page-fault error code in struct ucontext (sys/ucontext.h, REG_ERR)."""


def _load(files: list[tuple[str, int]]) -> None:
    gdb.execute(f"set substitute-path / {NOWHERE}/", to_string=True)
    gdb.execute(f"set directories {NOWHERE}", to_string=True)
    for path, base in files:
        try:
            gdb.execute(
                'add-symbol-file "{}" -o {}'.format(path.replace("\\", "\\\\").replace('"', '\\"'), base),
                to_string=True,
            )
        except gdb.error:
            continue


class _Place:
    """What gdb tells a frame by."""

    def __init__(self, stack: gdb.Value, code: gdb.Value) -> None:
        self.sp, self.pc = stack, code


def _unwind_linked(begin: int, end: int) -> None:
    """Have gdb find the callers of code between ``begin`` and ``end`` by the frame pointers on the stack."""

    def unwind(frame: gdb.PendingFrame) -> tuple[gdb.UnwindInfo, str] | None:
        code, base = frame.read_register("rip"), frame.read_register("rbp")
        if not begin <= int(code) < end:
            return None
        words = base.cast(gdb.lookup_type("unsigned long").pointer())
        found = frame.create_unwind_info(_Place(base, code))
        found.add_saved_register("rsp", words + 2)
        found.add_saved_register("rbp", words.dereference())
        found.add_saved_register("rip", (words + 1).dereference())
        return found, "linked"

    gdb._execute_unwinders = unwind  # noqa: SLF001 - gdb asks it by this name (`small_gdb`)


def _text(value: object) -> str | None:
    return None if value is None else str(value)[:TEXT_CHARS_MAX]


def _called_at(pc: int) -> str:
    """Return the name of what is called directly by the instruction before ``pc``; empty if nothing is.

    Code without a name is ``??``. What only looks like a direct call leads to where no code is.
    """
    memory = gdb.selected_inferior()
    try:
        code = bytes(memory.read_memory(max(0, pc - CALL_BYTES), CALL_BYTES))
        if code[:1] != DIRECT_CALL:
            return ""
        target = (pc + int.from_bytes(code[1:], "little", signed=True)) % (1 << 64)
        memory.read_memory(target, 1)
    except gdb.error:
        return ""
    found = _EXACT.match(gdb.execute(f"info symbol {target}", to_string=True))
    return found[1][:TEXT_CHARS_MAX] if found else "??"


def _frame(frame: gdb.Frame) -> dict[str, object]:
    found: dict[str, object] = {"pc": frame.pc(), "kind": "call"}
    if frame.type() == gdb.SIGTRAMP_FRAME:
        found["kind"] = "signal"
        found["error"] = int(
            gdb.selected_inferior().read_memory(int(frame.read_register("rsp")) + REG_ERR_OFFSET, 1)[0][0]
        )
        return found
    if frame.type() == gdb.INLINE_FRAME:
        found["kind"] = "inline"
    found["function"] = _text(frame.name())
    found["calls"] = _called_at(frame.pc())
    found["base"] = int(frame.read_register("rbp")) % (1 << 64)
    where = frame.find_sal()
    if where.symtab is not None:
        found["file"] = _text(os.path.normpath(where.symtab.fullname().removeprefix(NOWHERE)))
        found["line"] = where.line
    return found


def _stack(core: str) -> list[dict[str, object]]:
    frames: list[dict[str, object]] = []
    try:
        gdb.execute(f"core-file {core}", to_string=True)
        frame = gdb.newest_frame()
        while frame is not None and len(frames) < FRAMES_MAX:
            frames.append(_frame(frame))
            frame = frame.older()
    except gdb.error as error:
        return [{"pc": 0, "kind": "broken", "function": _text(error)}]
    return frames


def frames_of(question: dict[str, Any]) -> list[list[dict[str, object]]]:
    """Return the frames of each core of a question, innermost first."""
    _load(question["files"])
    _unwind_linked(*question["linked"])
    return [_stack(core) for core in question["cores"]]


def _main() -> None:
    with open(int(os.environ["LEADTIME_QUESTION"]), encoding="utf-8") as stream:
        question = json.load(stream)
    stacks = frames_of(question)
    with open(int(os.environ["LEADTIME_ANSWER"]), "w", encoding="utf-8") as stream:
        json.dump(stacks, stream)


if __name__ == "__main__":
    _main()
