"""Notes how programs end by themselves, and what they were made of until then: the kernel's word for an exit code."""

from __future__ import annotations

import contextlib
import itertools
import os
import re

import observe_build
from observe_acts import ARGUMENTS, CALL, FIRST_ERROR, OPENS, RAX, where_leads
from observe_memory import Memory
from observe_moments import Moments
from observe_stack import BOX, Interpreters
from observe_thread import executable, limits_of, lowered, own_thread_number, process_of

EXIT_GROUP = 231
"""The call by which a whole process ends (x86-64, asm/unistd_64.h)."""
ENDS_MAX = 64
OPENED_MAX = 5_000
GIVEN = "/box/input/"
_IMPORTERS = ("<frozen importlib", "<frozen zipimport")
_SAFE_OPTIONS = re.compile(r"-[BEIOSbdqsuv]+")
"""Of an interpreter's options those that bring no code of their own (CPython, Using Python, 1.1)."""


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
        self._found: list[dict[str, object]] = []

    def wants_calls(self, tid: int) -> bool:
        """Tell whether a thread must be stopped at its calls: what an interpreter opens is what it is made of."""
        return self._opened_by(tid) is not None

    def see_exec(self, tid: int) -> None:
        """Note that a process has become another program."""
        self._opened.pop(tid, None)
        if self._interpreters.knows(executable(tid)):
            program = _program_of(tid)
            self._opened[tid] = {observe_build.digest_of(program): None}

    def see_birth(self, parent: int, child: int) -> None:
        """Note that a process is a copy of another."""
        opened = self._opened_by(parent)
        if opened is not None:
            self._opened[child] = dict(opened)

    def see_call(self, tid: int, registers: tuple[int, ...]) -> None:
        """Note a file that an interpreter has opened, unless it is the input."""
        opened = self._opened_by(tid)
        number = registers[CALL]
        begins = registers[RAX] == observe_build.NOT_YET_DONE
        if opened is None or begins or registers[RAX] >= FIRST_ERROR or number not in OPENS:
            return
        place = OPENS[number]
        path, _ = where_leads(tid, registers[ARGUMENTS[0]] if place else None, registers[ARGUMENTS[place]])
        if path.startswith(BOX) and not os.path.isdir(path) and not (path.startswith(GIVEN) and self._is_read(tid)):
            found = self._files.look(path) if len(opened) < OPENED_MAX else None
            opened[found.digest if found is not None else ""] = None

    def see_exit(self, tid: int, status: int, registers: tuple[int, ...]) -> None:
        """Note a process that ends itself by an exit code."""
        if registers[CALL] != EXIT_GROUP or status & 0x7F or len(self._found) >= ENDS_MAX:
            return
        opened = self._opened_by(tid)
        stack = self._moments.take(tid, registers, of_system=opened is not None)
        if stack is not None:
            about = {"code": status >> 8 & 0xFF, "lowered": lowered(limits_of(tid), self._limits)}
            self._found.append({**about, "opened": None if opened is None else list(opened), "stack": stack})

    def _is_read(self, tid: int) -> bool:
        """Tell whether it is a program's code that opens a file, and not the interpreter, to run it."""
        memory = Memory(tid)
        try:
            frames = self._interpreters.frames(memory, own_thread_number(tid))
        finally:
            memory.close()
        return bool(frames) and not self._interpreters.codes.files_of(frames[:1])[0].startswith(_IMPORTERS)

    def _opened_by(self, tid: int) -> dict[str, None] | None:
        found = self._opened.get(tid)
        if found is None and self._opened:
            with contextlib.suppress(OSError):
                found = self._opened.get(process_of(tid))
        return found

    def findings(self) -> dict[str, object]:
        """Return ``ends``: {code, lowered, opened, stack}.

        ``opened`` are the digests of what an interpreter was started to run and of what it opened below the box, but
        for an input that it read; an empty one is of what cannot be told. None: no interpreter.
        """
        self._moments.read()
        return {"ends": self._found}


def _program_of(tid: int) -> str:
    """Return the file that an interpreter was started to run; empty if it was given code in other ways."""
    with open(f"/proc/{tid}/cmdline", "rb") as stream:
        arguments = stream.read(observe_build.ARGUMENTS_BYTES_MAX).split(b"\0")[1:-1]
    rest = itertools.dropwhile(_SAFE_OPTIONS.fullmatch, map(os.fsdecode, arguments))
    name = next(rest, "-")
    return "" if name.startswith("-") else os.path.realpath(os.path.join(os.readlink(f"/proc/{tid}/cwd"), name))
