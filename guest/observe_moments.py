"""Stacks that are taken while a thread stands at what it is about to do, and read later, many at once."""

from __future__ import annotations

from observe_memory import Memory
from observe_node import JavaScript, Nodes, is_node
from observe_ptrace import RSP
from observe_stack import Excerpt, Interpreters, digests_of, is_own_place, read_stacks
from observe_thread import executable, own_thread_number

EXCERPT_BYTES_MAX = 256 << 20
"""How much is kept before a debugger reads it."""


class Moments:
    """The moments of one tree of processes; each is a JSON object that `read` completes."""

    def __init__(self, interpreters: Interpreters) -> None:
        self._interpreters = interpreters
        self._nodes = Nodes()
        self._waiting: list[tuple[dict[str, object], Excerpt, JavaScript]] = []

    def take(
        self, tid: int, registers: tuple[int, ...], *, parents_number: int = 0, of_system: bool = False
    ) -> dict[str, object] | None:
        """Return a stopped thread's stack; None if nothing but the system's own programs runs in its process.

        ``parents_number``: of the thread that a new process is a copy of; its interpreter may not know yet.
        ``of_system``: taken also if nothing but the system's own programs runs there.
        """
        memory, program = Memory(tid), executable(tid)
        try:
            python = self._interpreters.frames(memory, own_thread_number(tid))
            if not python and parents_number:
                python = self._interpreters.frames(memory, parents_number)
            codes = [mapping for mapping in memory.mappings if mapping.is_code and mapping.inode]
            is_systems = not python and not is_node(program) and all(is_own_place(one.file()) for one in codes)
            if is_systems and not of_system:
                return None
            javascript = self._nodes.read(memory, registers[RSP])
            excerpt = Excerpt(memory, tid, registers, [], javascript.code)
        finally:
            memory.close()
        stack: dict[str, object] = {"program": program, "python": python, "modules": excerpt.modules}
        self._waiting.append((stack, excerpt, javascript))
        if sum(one.size for _, one, _ in self._waiting) > EXCERPT_BYTES_MAX:
            self.read()
        return stack

    def forget(self, stack: dict[str, object]) -> None:
        """Let go of a moment that came to nothing."""
        for place, (one, excerpt, _) in enumerate(self._waiting):
            if one is stack:
                excerpt.close()
                del self._waiting[place]
                return

    def read(self) -> None:
        """Complete every moment that waits: its frames of machine code, and the digests of what they name."""
        stacks = read_stacks([excerpt for _, excerpt, _ in self._waiting])
        for (stack, excerpt, javascript), frames in zip(self._waiting, stacks, strict=True):
            python = stack["python"]
            files = self._interpreters.codes.files_of(python if isinstance(python, list) else [])
            files += javascript.put_into(frames)
            stack |= {"frames": frames, "files": digests_of(frames, files)}
            excerpt.close()
        self._waiting.clear()
