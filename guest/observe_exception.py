"""Follows each exception of an interpreter's main thread from where it is raised until it ends the program.

A traceback is an object that any Python code can make. So the processor itself tells: debug registers (ptrace(2),
PTRACE_POKEUSER; Intel SDM volume 3, 17.2) stop the thread whenever its pending exception is written, and whenever the
evaluator leaves an instruction by an exception. What is pending when a frame is left, and is still pending when its
caller is reached, went from one to the other; nothing else is believed. Nothing is written into the process.
"""

from __future__ import annotations

import contextlib

import observe_ptrace as trace
import observe_report
from observe_flight import Flight, Mark, Raised
from observe_memory import Memory, Past
from observe_python import Codes, PythonStack, RawFrame
from observe_stack import Excerpt, Interpreters, digests_of, read_stacks
from observe_thread import executable, limits_of, lowered
from observe_types import TypeNames

STOPS_MAX = 100_000
CHAIN_FRAMES_MAX = 6_000
FLIGHT_FRAMES_MAX = 4_000
FLIGHTS_MAX = 64
ENDINGS_MAX = 8
STACK_BYTES_MAX = 1 << 20
BELOW_STACK_BYTES = 256
EXIT_UNCAUGHT = 1 << 8
"""The status of a program whose main thread ended by an exception (CPython, Modules/main.c)."""
PENDING, ASYNCHRONOUS, SIGNALS, LEAVES = range(4)
"""The four debug registers: the pending exception, one set from outside, noted signals, `PyTraceBack_Here`."""


class Exceptions:
    """Those of every interpreter that a tree of processes starts."""

    def __init__(self, interpreters: Interpreters, limits: dict[str, int]) -> None:
        self._interpreters = interpreters
        self._limits = limits
        self._watched: dict[int, MainThread] = {}
        self._raised: list[dict[str, object]] = []
        self._unwatched = ""

    def begin(self, tid: int) -> None:
        """Watch a process that has just become an interpreter, if it has."""
        self.forget(tid)
        if not self._interpreters.knows(executable(tid)):
            return
        memory = Memory(tid)
        try:
            self._watched[tid] = MainThread(tid, memory, self._interpreters, self._limits)
        except (OSError, ValueError, KeyError) as error:
            self._unwatched = f"exceptions cannot be watched here: {error}"
            memory.close()

    def take(self, tid: int) -> bool:
        """Take a trap of a thread; False if the trap is none of ours."""
        found = self._watched.get(tid)
        return found is not None and found.take()

    def end(self, tid: int, status: int, memory: Memory) -> None:
        """Note what ended a process whose exit status this is."""
        found = self._watched.get(tid)
        if found is None:
            return
        if status == EXIT_UNCAUGHT:
            self._raised += found.report(memory)
            self._unwatched = self._unwatched or found.unwatched
        self.forget(tid)

    def forget(self, tid: int) -> None:
        """Let go of a process."""
        found = self._watched.pop(tid, None)
        if found is not None:
            found.close()

    def findings(self) -> dict[str, object]:
        """Return the exceptions that ended a program, and why some were not watched."""
        return {"raised": self._raised, "unwatched": self._unwatched}


class MainThread:
    """The main thread of one interpreter; raises OSError, ValueError or KeyError where it cannot be watched."""

    def __init__(self, tid: int, memory: Memory, interpreters: Interpreters, limits: dict[str, int]) -> None:
        self._tid = tid
        self._memory = memory
        self._codes: Codes = interpreters.codes
        self._limits = limits
        mapping, at = interpreters.layout(memory)
        if "exception" not in at:
            raise ValueError("this version of Python is not known well enough")
        self._at = at
        self._mapping = mapping
        self._file = mapping.file()
        self._runtime = observe_report.address_of(memory, mapping, self._file, "_PyRuntime")
        self._thread = self._runtime + at["first_thread"]
        stack = memory.mapping(trace.registers(tid)[trace.RSP])
        self._stack_end = stack.end if stack else 0
        self._mark: Mark | None = None
        self._raised: Raised | None = None
        self._flights: list[Flight] = []
        self._endings: list[list[tuple[Flight, dict[str, object]]]] = []
        self._pending = 0
        self._put_aside: tuple[int, RawFrame | None] = (0, None)
        self._is_asynchronous = False
        self._stops = 0
        self.unwatched = ""
        points = {
            PENDING: (self._thread + at["exception"], 8),
            ASYNCHRONOUS: (self._thread + at["asynchronous"], 8),
            SIGNALS: (self._runtime + at["signals"], 4),
            LEAVES: (observe_report.address_of(memory, mapping, self._file, "PyTraceBack_Here"), 0),
        }
        trace.set_points(tid, points)

    def close(self) -> None:
        """Let go of the process's memory."""
        self._memory.close()

    def take(self) -> bool:
        """Take a trap; False if no debug register made it."""
        hits = trace.taken_points(self._tid)
        if not hits:
            return False
        self._stops += 1
        registers = trace.registers(self._tid)
        current = self._stack().current(self._thread)
        if current is not None and hits & {ASYNCHRONOUS, SIGNALS}:
            self._is_asynchronous = True
        if PENDING in hits:
            self._written(current, registers)
        if LEAVES in hits:
            self._leaves(current, registers[trace.RDI])
        if self._stops >= STOPS_MAX or len(self._endings) >= ENDINGS_MAX:
            self.unwatched = f"it raised exceptions more than {STOPS_MAX} times"
            trace.set_points(self._tid, {})
        return True

    def _stack(self) -> PythonStack:
        """Return a reader of frames that remembers nothing: what lay at an address may be another thing now."""
        return PythonStack(self._memory, self._at, self._runtime, self._codes)

    def _written(self, current: RawFrame | None, registers: tuple[int, ...]) -> None:
        """The pending exception has been written."""
        kind = self._memory.word(self._thread + self._at["exception"])
        before, self._pending = self._pending, kind
        mark = self._mark
        if current is None:
            if mark is not None and before and mark.frame.outer == 0:
                self._reach_top(mark)
            self._mark = None
            return
        put_aside, self._put_aside = self._put_aside, (before, current)
        # An interpreter puts an exception aside while it makes the object of a frame that it leaves for the first time.
        if kind and (current.object or put_aside != (kind, current)):
            self._note_raise(current, registers)
        came_here = [flight for flight in self._flights if flight.kind == kind and flight.at.is_same_call(current)]
        if kind and self._raises_again(current, came_here):
            for flight in came_here:
                flight.reader = self._stack()
            self._mark = self._marked(current, came_here) if came_here else None
        elif mark is not None and not self._goes_on(current, mark, before):
            self._mark = None

    def _note_raise(self, frame: RawFrame, registers: tuple[int, ...]) -> None:
        start = registers[trace.RSP] - BELOW_STACK_BYTES
        saved = self._memory.read(start, max(0, min(self._stack_end - start, STACK_BYTES_MAX)))
        self._raised = Raised(frame, registers, start, saved, self._is_traced())

    def _goes_on(self, current: RawFrame, mark: Mark, before: int) -> bool:
        """Tell whether what a mark says still holds: its frame, or once that is left its caller, has not gone on.

        A frame that catches an exception goes on at another instruction. What is left may be put aside and brought back
        by the interpreter meanwhile, while it lets go of the frame's objects.
        """
        stack = self._stack()
        frame: RawFrame | None = current
        for _ in range(CHAIN_FRAMES_MAX):
            if frame is None:
                return False
            if frame.address == mark.frame.address and not mark.is_left:
                return frame.instruction == mark.frame.instruction
            if frame.address == mark.frame.outer:
                mark.is_left = mark.is_left or before != 0
                return mark.is_left and frame.instruction == mark.outer_instruction
            frame = stack.raw(frame.outer)
        return False

    def _raises_again(self, frame: RawFrame, came_here: list[Flight]) -> bool:
        """Tell whether a frame raises what was caught before.

        Its instruction says so, or was set back to the one that had failed (``RERAISE`` with an argument).
        """
        code = self._memory.read(frame.instruction, 2)
        if any(flight.at.instruction == frame.instruction for flight in came_here):
            return True
        return code[:1] == bytes([self._at["op_reraise"]]) or code == bytes([self._at["op_raise"], 0])

    def _leaves(self, current: RawFrame | None, frame_object: int) -> None:
        """The evaluator leaves an instruction by an exception, and is about to add it to the traceback."""
        kind = self._memory.word(self._thread + self._at["exception"])
        if current is None or current.object != frame_object or not kind:
            self._mark = None
            return
        mark = self._mark
        if mark is not None and mark.frame.outer == current.address:
            flights = [flight for flight in mark.flights if flight.kind == kind]
            self._step_out(flights, current)
        else:
            flights = []
        if not flights:
            flights = [self._born(current, kind)]
            self._keep(flights[0], current)
        self._is_asynchronous = False
        self._mark = self._marked(current, flights)

    def _marked(self, frame: RawFrame, flights: list[Flight]) -> Mark:
        outer = self._stack().raw(frame.outer)
        return Mark(frame, outer.instruction if outer else 0, flights)

    def _step_out(self, flights: list[Flight], to: RawFrame | None) -> None:
        """Note that exceptions left the frame that they were at: its code is still there, since they refer to it."""
        for flight in flights:
            if len(flight.frames) >= FLIGHT_FRAMES_MAX:
                flight.doubts.append("deep")
                continue
            flight.frames.append(flight.reader.described(flight.at))
            flight.at = to or flight.at

    def _born(self, frame: RawFrame, kind: int) -> Flight:
        raised = self._raised
        doubts = ["asynchronous"] if self._is_asynchronous else []
        if raised is None or not self._is_there(raised.frame, frame):
            doubts.append("thrown")
        if self._is_traced() or (raised is not None and raised.is_traced):
            doubts.append("traced")
        limit = int.from_bytes(self._memory.read(self._thread + self._at["recursion_limit"], 4), "little", signed=True)
        return Flight(
            kind,
            frame,
            raised,
            self._stack(),
            doubts=doubts,
            lowered=lowered(limits_of(self._tid), self._limits),
            recursion_limit=limit,
        )

    def _is_there(self, raised: RawFrame, frame: RawFrame) -> bool:
        """Tell whether what became pending in one frame did so in the other, or while that one began a call."""
        has_not_begun = raised.instruction < raised.code + self._at["code_start"]
        if has_not_begun and raised.outer == frame.address:
            return True
        return raised.is_same_call(frame) and raised.instruction == frame.instruction

    def _keep(self, flight: Flight, current: RawFrame) -> None:
        """Remember an exception while a frame that it was at may raise it again."""
        if len(self._flights) >= FLIGHTS_MAX:
            stack, alive = self._stack(), set()
            frame: RawFrame | None = current
            for _ in range(CHAIN_FRAMES_MAX):
                if frame is None:
                    break
                alive.add((frame.address, frame.object))
                frame = stack.raw(frame.outer)
            self._flights = [one for one in self._flights if (one.at.address, one.at.object) in alive]
        if len(self._flights) >= FLIGHTS_MAX:
            flight.doubts.append("many")
            return
        self._flights.append(flight)

    def _reach_top(self, mark: Mark) -> None:
        """Nothing caught it: no frame is left. The interpreter itself may still, as it does while it starts."""
        self._step_out(mark.flights, None)
        now = Memory(self._tid)
        with contextlib.closing(now):
            names = TypeNames(now, self._at, self._file)
            self._endings.append([(flight, names.about(flight.kind)) for flight in mark.flights])

    def _is_traced(self) -> bool:
        word, at = self._memory.word, self._at
        return bool(word(self._thread + at["trace_function"]) or word(self._thread + at["profile_function"]))

    def report(self, now: Memory) -> list[dict[str, object]]:
        """Return what left the last frame, in that order, with both stacks of the moment when it was raised."""
        # Who changed it may have changed what lay at the addresses that were watched.
        patched = [] if now.is_as_on_disk(self._mapping, self._file) else ["patched"]
        ended = [(number, *one) for number, ending in enumerate(self._endings) for one in ending]
        nowhere = Raised(RawFrame(0, 0, 0, 0, 0, is_entry=False), (0,) * trace.REGISTERS, 0, b"", is_traced=False)
        raised = [flight.raised or nowhere for _, flight, _ in ended]
        excerpts = [Excerpt(Past(now, one.stack_start, one.stack), self._tid, one.registers, []) for one in raised]
        try:
            stacks = read_stacks(excerpts)
        finally:
            for excerpt in excerpts:
                excerpt.close()
        return [
            {
                "ending": number,
                **about,
                "doubts": patched + flight.doubts,
                "lowered": flight.lowered,
                "recursion_limit": flight.recursion_limit,
                "frames": frames,
                "python": flight.frames,
                "modules": excerpt.modules,
                "files": digests_of(frames, self._codes.files_of(flight.frames)),
            }
            for (number, flight, about), excerpt, frames in zip(ended, excerpts, stacks, strict=True)
        ]
