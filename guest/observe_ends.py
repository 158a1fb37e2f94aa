"""Notes how programs end by themselves, and what they were made of until then: the kernel's word for an exit code."""

from __future__ import annotations

import contextlib
import itertools
import os
import re

import observe_build
from observe_acts import ARGUMENTS, CALL, FIRST_ERROR, RAX
from observe_memory import Memory
from observe_moments import Moments
from observe_opened import is_read, opening
from observe_stack import Interpreters, is_own_place
from observe_thread import executable, limits_of, lowered, process_of

EXIT_GROUP = 231
"""The call by which a whole process ends (x86-64, asm/unistd_64.h)."""
ENDS_MAX = 64
OPENED_MAX = 5_000
CALLS_MAX = 10_000
"""At how many stops at system calls a program is asked what it maps; what it still maps at its end is seen anyway."""
MAP, MAP_PROTECTION, MAPS_CODE = 9, ARGUMENTS[2], 4
"""mmap(2), where its protection stands among the registers, and PROT_EXEC (x86-64, asm/unistd_64.h)."""
_SAFE_OPTIONS = re.compile(r"-[BEIOSbdqsuv]+")
"""Of an interpreter's options those that bring no code of their own (CPython, Using Python, 1.1)."""
_BRINGS_CODE = b"\0PYTHONINSPECT="
"""A variable that has it run what a terminal tells it afterwards (1.2)."""


class Ends:
    """Every process of one tree that ended by an exit code and ran more than the system's own code."""

    def __init__(
        self, moments: Moments, interpreters: Interpreters, files: observe_build.Files, limits: dict[str, int]
    ) -> None:
        self._moments = moments
        self._interpreters = interpreters
        self._files = files
        self._limits = limits
        self._opened: dict[int, dict[str, None]] = {}
        self._mapped: dict[int, dict[str, object]] = {}
        self._calls: dict[int, int] = {}
        self._found: list[dict[str, object]] = []

    def wants_calls(self, tid: int) -> bool:
        """Tell whether a thread must be stopped at its calls: what it maps and opens is what its program is made of."""
        return self._calls.get(tid, 0) > 0 or self._opened_by(tid) is not None

    def see_exec(self, tid: int) -> None:
        """Note that a process has become another program."""
        self._opened.pop(tid, None)
        self._mapped[tid], self._calls[tid] = {}, CALLS_MAX
        if self._interpreters.knows(executable(tid)):
            program = _program_of(tid)
            self._opened[tid] = {observe_build.digest_of(program): None}
        self._see_code(tid)

    def see_birth(self, parent: int, child: int) -> None:
        """Note that a process is a copy of another."""
        self._mapped[child] = dict(self._mapped.get(process_of(parent), {}))
        self._calls[child] = self._calls.get(parent, 0)
        opened = self._opened_by(parent)
        if opened is not None:
            self._opened[child] = dict(opened)

    def see_call(self, tid: int, registers: tuple[int, ...]) -> None:
        """Note code that a program has mapped, and a file that an interpreter has opened, unless it reads the input."""
        self._calls[tid] = self._calls.get(tid, 0) - 1
        if registers[CALL] == MAP and registers[RAX] < FIRST_ERROR and registers[MAP_PROTECTION] & MAPS_CODE:
            self._see_code(tid)
        opened = self._opened_by(tid)
        found = opening(tid, registers) if opened is not None else None
        if opened is not None and found is not None and not (found.is_given and is_read(tid, self._interpreters)):
            kept = self._files.look(found.link) if len(opened) < OPENED_MAX else None
            opened[kept.digest if kept is not None else ""] = None

    def _see_code(self, tid: int) -> None:
        memory = Memory(tid)
        memory.close()
        seen = self._mapped.setdefault(process_of(tid), {})
        for mapping in memory.mappings:
            file = mapping.file() if mapping.is_code and mapping.inode else None
            if file is not None and not is_own_place(file):
                kept = self._files.look(file)
                seen[file or mapping.path] = {"intact": True, "digest": kept.digest if kept is not None else ""}

    def see_exit(self, tid: int, status: int, registers: tuple[int, ...]) -> None:
        """Note a process that ends itself by an exit code."""
        if registers[CALL] != EXIT_GROUP or status & 0x7F or len(self._found) >= ENDS_MAX:
            return
        opened = self._opened_by(tid)
        stack = self._moments.take(tid, registers, of_system=opened is not None)
        modules = stack["modules"] if stack is not None else None
        if stack is not None and isinstance(modules, dict):
            stack["modules"] = {**self._mapped.get(process_of(tid), {}), **modules}
            about = {"code": status >> 8 & 0xFF, "lowered": lowered(limits_of(tid), self._limits)}
            self._found.append({**about, "opened": None if opened is None else list(opened), "stack": stack})

    def _opened_by(self, tid: int) -> dict[str, None] | None:
        found = self._opened.get(tid)
        if found is None and self._opened:
            with contextlib.suppress(OSError):
                found = self._opened.get(process_of(tid))
        return found

    def findings(self) -> dict[str, object]:
        """Return ``ends``: {code, lowered, opened, stack}.

        ``opened`` are the digests of what an interpreter was started to run and of what it opened that is not the
        system's or its own, but for an input that it read and files that were new; an empty one is of what cannot be
        told. None: no interpreter. The stack's ``modules`` are all that was seen mapped since the program began.
        """
        self._moments.read()
        return {"ends": self._found}


def _program_of(tid: int) -> str:
    """Return the file that an interpreter was started to run; empty if it was given code in other ways."""
    with open(f"/proc/{tid}/environ", "rb") as stream:
        if _BRINGS_CODE in b"\0" + stream.read(observe_build.ARGUMENTS_BYTES_MAX):
            return ""
    with open(f"/proc/{tid}/cmdline", "rb") as stream:
        arguments = stream.read(observe_build.ARGUMENTS_BYTES_MAX).split(b"\0")[1:-1]
    rest = itertools.dropwhile(_SAFE_OPTIONS.fullmatch, map(os.fsdecode, arguments))
    name = next(rest, "-")
    return "" if name.startswith("-") else os.path.realpath(os.path.join(os.readlink(f"/proc/{tid}/cwd"), name))
