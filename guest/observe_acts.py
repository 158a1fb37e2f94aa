"""Watches for what no harmless input brings about: a secret read, a file written, a process started, a connection.

Each is noted once the kernel has let it happen, with the stack of the very thread that asked for it. Where a name
leads is read from the thread's memory and compared with what the kernel then opened.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable

import observe_build
import observe_ptrace as trace
from observe_memory import Memory
from observe_moments import Moments
from observe_node import is_node
from observe_thread import executable, own_thread_number

CANARY = "/canary"
SECRET = f"{CANARY}/secret"
ACCOUNTS = "/etc/passwd"
"""A secret to who asks for it by a name that leads there; the C library asks by its plain name."""
ACTS_MAX = 16
PATH_CHARS_MAX = 1000
OPENS = {2: 0, 85: 0, 257: 1, 437: 1}
"""Calls that open a file (x86-64, asm/unistd_64.h) -> which argument is its name."""
CHANGES: dict[int, tuple[tuple[int | None, int], ...]] = {
    76: ((None, 0),),
    82: ((None, 0), (None, 1)),
    83: ((None, 0),),
    84: ((None, 0),),
    86: ((None, 1),),
    87: ((None, 0),),
    88: ((None, 1),),
    133: ((None, 0),),
    258: ((0, 1),),
    259: ((0, 1),),
    263: ((0, 1),),
    264: ((0, 1), (2, 3)),
    265: ((2, 3),),
    266: ((1, 2),),
    316: ((0, 1), (2, 3)),
}
"""Calls that make, rename, link, cut or remove -> which arguments are directory and name of what then is otherwise."""
EXECVE, EXECVEAT = 59, 322
ARGUMENTS = (14, 13, 12, 7)
"""Where the first arguments of a call stand among the registers: rdi, rsi, rdx, r10."""
RAX, CALL = 10, 15
FIRST_ERROR = (1 << 64) - 4095
INT_MASK, INT_SIGN = 0xFFFFFFFF, 1 << 31


class Acts:
    """Every act of one tree of processes, with its stacks; a tree that is not asked about its acts has none."""

    def __init__(self, moments: Moments, resume: Callable[[int], None]) -> None:
        self._moments = moments
        self._resume = resume
        self._found: list[dict[str, object]] = []
        self._born: dict[int, tuple[int, dict[str, object] | None]] = {}
        self._starting: dict[int, dict[str, object]] = {}
        self._announced: set[int] = set()
        self._held: dict[int, int] = {}

    def hold(self, child: int) -> bool:
        """Tell whether a new process must wait until its parent's stack has been taken; `see_birth` lets it go on."""
        if child in self._announced:
            self._announced.discard(child)
            return False
        self._held[child] = observe_build.parent_of(child)
        return True

    def see_birth(self, parent: int, event: int) -> None:
        """Note who made a process or thread: one that shares its parent's memory has no stack that tells.

        Neither has one that Node made: the kernel does not copy V8's heap for it (madvise(2), MADV_DONTFORK).
        """
        child = trace.event_message(parent)
        of_node = event == trace.EVENT_FORK and is_node(executable(parent))
        asks_parent = event == trace.EVENT_VFORK or of_node
        try:
            stack = self._moments.take(parent, trace.registers(parent)) if asks_parent else None
            self._born[child] = (own_thread_number(parent), stack)
        finally:
            if self._held.pop(child, None) is None:
                self._announced.add(child)
            else:
                self._resume(child)

    def see_death(self, tid: int) -> None:
        """Note that a thread is gone; whom it may have made need not wait for it any longer."""
        _, stack = self._born.pop(tid, (0, None))
        for left in (stack, self._starting.pop(tid, None)):
            if left is not None:
                self._moments.forget(left)
        for child in [child for child, parent in self._held.items() if parent == tid]:
            del self._held[child]
            self._resume(child)

    def see_call(self, tid: int, registers: tuple[int, ...]) -> None:
        """Look at a system call that begins or ends."""
        number = registers[CALL]
        begins = registers[RAX] == observe_build.NOT_YET_DONE
        if number in (EXECVE, EXECVEAT):
            self._see_exec(tid, registers, begins=begins)
        elif not begins and registers[RAX] < FIRST_ERROR:
            if number in OPENS:
                self._see_open(tid, registers)
            elif number in CHANGES:
                self._see_change(tid, registers)

    def see_connection(self, tid: int, registers: tuple[int, ...], where: str) -> None:
        """Note that a thread tries the network."""
        self._note("connection", where, self._take(tid, registers))

    def see_start(self, tid: int) -> None:
        """Note that a process has become another program."""
        former = trace.event_message(tid)
        _, born = self._born.pop(former, (0, None))
        then = self._starting.pop(former, None)
        if then is None:
            if born is not None:
                self._moments.forget(born)
            return
        what = str(then.pop("what"))
        self._note("process-start", what, born or then, then if born is not None else None)

    def _see_exec(self, tid: int, registers: tuple[int, ...], *, begins: bool) -> None:
        left = self._starting.pop(tid, None)
        if left is not None:
            self._moments.forget(left)
        if begins and (stack := self._take(tid, registers)) is not None:
            stack["what"] = _text(tid, registers[ARGUMENTS[0 if registers[CALL] == EXECVE else 1]])
            self._starting[tid] = stack

    def _see_open(self, tid: int, registers: tuple[int, ...]) -> None:
        place = OPENS[registers[CALL]]
        path, name = where_leads(tid, registers[ARGUMENTS[0]] if place else None, registers[ARGUMENTS[place]])
        if not _is_outside(path) and path != ACCOUNTS:
            return
        flags = _flags(tid, registers[RAX])
        is_it = os.path.samestat(os.stat(f"/proc/{tid}/fd/{registers[RAX]}"), os.stat(path))
        if not is_it or flags & (os.O_PATH | os.O_DIRECTORY):
            return
        if flags & os.O_ACCMODE != os.O_RDONLY:
            self._note("file-write", path, self._take(tid, registers))
        elif path == SECRET or (path == ACCOUNTS and name != ACCOUNTS):
            self._note("secret-read", path, self._take(tid, registers))

    def _see_change(self, tid: int, registers: tuple[int, ...]) -> None:
        for directory, place in CHANGES[registers[CALL]]:
            name = _text(tid, registers[ARGUMENTS[place]])
            whole = _whole(tid, None if directory is None else registers[ARGUMENTS[directory]], name)
            head, tail = os.path.split(whole.rstrip("/"))
            changed = os.path.join(os.path.realpath(head), tail)
            if _is_outside(changed):
                self._note("file-write", changed, self._take(tid, registers))

    def _take(self, tid: int, registers: tuple[int, ...]) -> dict[str, object] | None:
        if len(self._found) >= ACTS_MAX:
            return None
        return self._moments.take(tid, registers, parents_number=self._born.get(tid, (0, None))[0])

    def _note(
        self, kind: str, what: str, stack: dict[str, object] | None, then: dict[str, object] | None = None
    ) -> None:
        if stack is not None and len(self._found) < ACTS_MAX:
            self._found.append({"kind": kind, "what": what[:PATH_CHARS_MAX], "stack": stack, "then": then})

    def findings(self) -> dict[str, object]:
        """Return ``acts``, the first `ACTS_MAX` of them: {kind, what, stack, then}.

        ``stack`` is that of who asked for it; where that was the parent of a process that shares its memory, ``then``
        is what this process itself had become when it started another program, else none.
        """
        self._moments.read()
        return {"acts": self._found}


def where_leads(tid: int, directory: int | None, address: int) -> tuple[str, str]:
    """Return the file that a name in a thread's memory leads to, every link followed, and the name."""
    name = _text(tid, address)
    return os.path.realpath(_whole(tid, directory, name)), name


def _is_outside(path: str) -> bool:
    return path.startswith(f"{CANARY}/")


def _text(tid: int, address: int) -> str:
    memory = Memory(tid, mapped=False)
    try:
        return observe_build.text_at(memory, address)
    finally:
        memory.close()


def _whole(tid: int, directory: int | None, name: str) -> str:
    """Return an absolute path, links and all; empty if its directory cannot be told."""
    signed = None if directory is None else ((directory & INT_MASK) ^ INT_SIGN) - INT_SIGN
    here = f"/proc/{tid}/cwd" if signed in (None, observe_build.AT_FDCWD) else f"/proc/{tid}/fd/{signed}"
    with contextlib.suppress(OSError, ValueError):
        return os.path.join(os.readlink(here), name)
    return ""


def _flags(tid: int, descriptor: int) -> int:
    """Return what an open file was opened for, as the kernel says (proc(5), fdinfo)."""
    with open(f"/proc/{tid}/fdinfo/{descriptor}", encoding="ascii", errors="replace") as stream:
        fields = dict(line.split(":", 1) for line in stream if ":" in line)
    return int(fields["flags"].strip(), 8)
