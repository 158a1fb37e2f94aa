"""Samples what every thread of a tree is doing when its time is up, and tells when that is on a busy machine."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping

import observe_ptrace as trace
from observe_memory import Memory
from observe_stack import Excerpt, Interpreters, digests_of, read_stacks
from observe_thread import executable, own_thread_number, process_of, ran_ms, state_of, waited_s

MOMENTS = 20
MOMENT_GAP_S = 0.08
SAMPLING_S_MAX = 15.0
STACKS_MAX = 320
EXCERPT_BYTES_MAX = 256 << 20
"""How much is kept before a debugger reads it."""
THREADS_MAX = 64
STOP_WAIT_S = 2.0
STOPPED = "T"
"""As the kernel shows the state of what a signal stopped (proc(5))."""
EXTENSION_S_MAX = 20.0
EXTENSION_FACTOR_MAX = 2.0
"""How much longer than its limit a program may take that waited for a processor: of its limit, and in all."""


def extension_s(alive: set[int], wall_s: float, held_s: Mapping[int, float]) -> float:
    """Return how much later than ``wall_s`` its time is up: as long as a thread waited for a processor or us, bounded.

    It did not have that time; a program that merely runs on a busy machine, or watched, does not hang. ``held_s``: how
    long each thread stood still for the observer to look at it.
    """
    lost = max((waited_s(tid) + held_s.get(tid, 0.0) for tid in sorted(alive)[:THREADS_MAX]), default=0.0)
    return min(lost, EXTENSION_FACTOR_MAX * wall_s, EXTENSION_S_MAX)


class Sampler:
    """Stops every thread of a tree several times, takes an excerpt, and lets it go on.

    ``alive`` are the tree's threads, kept up to date by ``see``, which takes every change that is not ours; ``ran_s``
    is how long the tree was let run before, ``held_s`` how long of that each thread stood still for ``see``.
    """

    def __init__(
        self,
        alive: set[int],
        see: Callable[[int, int], int],
        interpreters: Interpreters,
        clock: Callable[[], float],
        *,
        ran_s: float,
        held_s: Mapping[int, float],
    ) -> None:
        self._alive = alive
        self._see = see
        self._interpreters = interpreters
        self._clock = clock
        self._ran_s = ran_s
        self._held_s = held_s
        self._states: dict[int, str] = {}
        self._waiting: list[tuple[dict[str, object], Excerpt]] = []

    def sample(self) -> list[list[dict[str, object]]]:
        """Return what each thread was doing, moment by moment; a thread that could not be read is left out."""
        moments: list[list[dict[str, object]]] = []
        taken = 0
        end = self._clock() + SAMPLING_S_MAX
        for number in range(MOMENTS):
            if number:
                self._let_run()
            if self._clock() >= end or taken >= STACKS_MAX:
                break
            moments.append([found for tid in self._stop_all() if (found := self._taken(tid))])
            taken += len(moments[-1])
            for tid in list(self._alive):
                # Who was stopped by a signal stays so: a process that somebody stopped does not work.
                (trace.listen if self._states.get(tid) == STOPPED else trace.resume)(tid)
            if sum(excerpt.size for _, excerpt in self._waiting) > EXCERPT_BYTES_MAX:
                self._read()
        self._read()
        return [[sample for sample in moment if sample["frames"]] for moment in moments]

    def _let_run(self) -> None:
        began = self._clock()
        deadline = began + MOMENT_GAP_S
        while self._alive and (left := deadline - self._clock()) > 0:
            stop = self._next_stop(left)
            if stop is not None:
                self._see(*stop)
        self._ran_s += self._clock() - began

    def _stop_all(self) -> list[int]:
        """Return the threads that stand still now; the others ended or did not stop in time."""
        asked = set()
        for tid in sorted(self._alive)[:THREADS_MAX]:
            with contextlib.suppress(OSError):
                self._states[tid] = state_of(tid)
                trace.interrupt(tid)
                asked.add(tid)
        stopped: list[int] = []
        deadline = self._clock() + STOP_WAIT_S
        while asked - set(stopped) and (left := deadline - self._clock()) > 0:
            stop = self._next_stop(left)
            asked &= self._alive
            if stop is None:
                continue
            tid, status = stop
            if tid in asked and os.WIFSTOPPED(status) and status >> 16 == trace.EVENT_STOP:
                stopped.append(tid)
                if os.WSTOPSIG(status) in trace.GROUP_STOPS:
                    self._states[tid] = STOPPED
            else:
                self._see(tid, status)
                asked.discard(tid) if tid not in self._alive else None
        return stopped

    def _next_stop(self, left_s: float) -> tuple[int, int] | None:
        """Return the next change, or None; a tree that ended meanwhile has nobody left."""
        try:
            return trace.next_stop(left_s)
        except ChildProcessError:
            self._alive.clear()
            return None

    def _taken(self, tid: int) -> dict[str, object] | None:
        try:
            memory = Memory(tid)
        except OSError:
            return None
        try:
            about: dict[str, object] = {
                "pid": process_of(tid),
                "thread": tid,
                "state": self._states.get(tid, ""),
                "ran_ms": ran_ms(tid),
                "waited_ms": int(waited_s(tid) * 1000),
                "let_run_ms": int((self._ran_s - self._held_s.get(tid, 0.0)) * 1000),
                "program": executable(tid),
                "python": self._interpreters.frames(memory, own_thread_number(tid)),
            }
            excerpt = Excerpt(memory, tid, trace.registers(tid), [])
        except (OSError, ValueError):
            return None
        finally:
            memory.close()
        self._waiting.append((about, excerpt))
        return about

    def _read(self) -> None:
        """Complete the samples that wait for a debugger."""
        stacks = read_stacks([excerpt for _, excerpt in self._waiting])
        for (about, excerpt), frames in zip(self._waiting, stacks, strict=True):
            python = about["python"]
            files = self._interpreters.codes.files_of(python if isinstance(python, list) else [])
            about |= {"frames": frames, "modules": excerpt.modules, "files": digests_of(frames, files)}
            excerpt.close()
        self._waiting.clear()
