"""Notes what a program really loaded: modules that were mapped at its end, and sources that its interpreter imported.

A release that is never run shows nothing, however clean. So it is written down whether it was run at all; and what else
was brought into it, so that nothing but the release may be called the release's own.
"""

from __future__ import annotations

import contextlib
import os

import observe_build
from observe_memory import Memory
from observe_node import is_node
from observe_opened import is_read, opening
from observe_stack import BOX, Interpreters, is_own_place
from observe_thread import executable, own_thread_number, process_of

LOADED_MAX = 2_000
CALLS_MAX = 40_000
"""How many stops at system calls an interpreter is worth, all in all; after that it runs at full speed, unseen."""
IMPORTER = "<frozen importlib._bootstrap_external>"
READS_SOURCE = "FileLoader.get_data"
"""The import system's reader of sources (importlib/_bootstrap_external.py, CPython 3.11 to 3.13)."""


class Loaded:
    """What was loaded in one tree of processes, by digest."""

    def __init__(self, files: observe_build.Files, interpreters: Interpreters) -> None:
        self._files = files
        self._interpreters = interpreters
        self._modules: dict[str, None] = {}
        self._imports: dict[tuple[str, int], None] = {}
        self._brought: dict[str, None] = {}
        self._importing: set[int] = set()
        self._calls = 0

    def wants_calls(self, tid: int) -> bool:
        """Tell whether a thread must be stopped at its next system call: an interpreter's first, which imports."""
        return tid in self._importing and self._calls < CALLS_MAX

    def see_exec(self, tid: int) -> None:
        """Note that a process has become another program."""
        self._importing.discard(tid)
        if self._interpreters.knows(executable(tid)):
            self._importing.add(tid)

    def see_call(self, tid: int, registers: tuple[int, ...], memory: Memory) -> None:
        """Note a file that an interpreter is about to open, if it is the import system that opens it.

        An interpreter that has no frames yet opens the program that it was started with.
        """
        self._calls += 1
        if self._calls == CALLS_MAX:
            self._bring("")
        name = observe_build.opened_name(registers, memory)
        path = os.path.join(os.readlink(f"/proc/{tid}/cwd"), name)
        if not name or not path.startswith(BOX) or len(self._imports) >= LOADED_MAX:
            return
        frames = self._interpreters.frames(memory, own_thread_number(tid))
        code = int(str(frames[0]["code"])) if frames else -1
        if frames and not self._interpreters.codes.is_called(code, READS_SOURCE, IMPORTER):
            return
        found = self._files.look(os.path.realpath(f"/proc/{tid}/root{path}"))
        if found is not None:
            self._imports[found.digest, code] = None

    def see_script(self, tid: int, registers: tuple[int, ...]) -> None:
        """Note a file of the box that Node is about to open: its program may be the one that reads it, or Node."""
        if len(self._imports) >= LOADED_MAX or not is_node(executable(tid)):
            return
        memory = Memory(tid, mapped=False)
        try:
            name = observe_build.opened_name(registers, memory)
        finally:
            memory.close()
        path = os.path.join(os.readlink(f"/proc/{tid}/cwd"), name)
        found = self._files.look(os.path.realpath(f"/proc/{tid}/root{path}")) if path.startswith(BOX) else None
        if name and found is not None:
            self._imports[found.digest, -1] = None

    def see_opened(self, tid: int, registers: tuple[int, ...]) -> None:
        """Note a file that an interpreter has opened, unless the program that it runs reads it."""
        found = opening(tid, registers)
        if found is not None and not is_read(tid, self._interpreters):
            kept = self._files.look(found.link)
            self._bring(kept.digest if kept is not None else "")

    def see_end(self, tid: int, memory: Memory) -> None:
        """Note the modules of a process that is ending, as far as their code is still that of the file."""
        with contextlib.suppress(OSError):
            if process_of(tid) != tid:
                return
        for mapping in (mapping for mapping in memory.mappings if mapping.is_code and mapping.inode):
            file = mapping.file()
            if is_own_place(file):
                continue
            found = self._files.look(file) if len(self._modules) < LOADED_MAX else None
            is_intact = found is not None and "w" not in mapping.rights and memory.is_as_on_disk(mapping, file)
            if found is None or not is_intact:
                self._bring("")
            else:
                self._modules[found.digest] = None

    def _bring(self, digest: str) -> None:
        self._brought[digest if len(self._brought) < LOADED_MAX else ""] = None

    def modules(self) -> list[str]:
        """Return the digests of the modules."""
        return list(self._modules)

    def imports(self) -> list[dict[str, object]]:
        """Return the sources: {digest, code}; ``code`` is the importer's place among the codes, -1 for none."""
        return [{"digest": digest, "code": code} for digest, code in self._imports]

    def brought(self) -> list[str]:
        """Return the digests of what else came into it; an empty one is of what cannot be told."""
        return list(self._brought)
