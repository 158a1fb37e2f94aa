"""The witness: watches a hostile process tree from outside and writes down what really happened in it.

Runs in the outer box, as the tracer of everything in the inner one. ``watch`` is the whole seam: it is given the
process to follow while that still waits at its gate, and returns plain JSON values. What it looks for:

* ``reports``: at each exit, whether a sanitizer's runtime that is really mapped ends the process, and on which stack;
* ``raises``: what ``reports`` looks for, and which exception of an interpreter's main thread ended it;
* ``stacks_at_limit``: when the time is up, what every thread is doing, several times;
* ``acts``: who reads the secret, writes outside, starts a process or tries the network, at each system call;
* ``ends``: by which exit codes programs end, and what they were made of;
* ``builds``: which compiler read what and wrote what.

In every mode it notes who tries the network.

It never writes into a traced process and runs nothing in it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import struct
import time
from collections.abc import Callable

import observe_build
import observe_ptrace as trace
import observe_report
from observe_acts import Acts
from observe_ends import Ends
from observe_exception import Exceptions
from observe_hang import Sampler, extension_s
from observe_loaded import Loaded
from observe_memory import Mapping, Memory
from observe_moments import Moments
from observe_network import Network
from observe_stack import Excerpt, Interpreters, digests_of, read_stacks
from observe_static import StaticRuntime
from observe_thread import executable, limits_of, lowered, own_thread_number, process_of

REPORTS_MAX = 8
CRASHES_MAX = 64
MOMENT_S = 0.01
"""Less than this left is nothing left."""
FATAL = (signal.SIGILL, signal.SIGTRAP, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGSEGV)


def watch(
    init_pid: int,
    mode: str,
    wall_s: float,
    *,
    payload_pid: int,
    open_gate: Callable[[], None],
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, object]:
    """Follow ``payload_pid`` and all it starts until nothing is left or ``wall_s`` has passed; return what was seen.

    While a program runs that waited for a processor or for us, that much is added to its time, within the bounds of
    `extension_s`; a build's is not extended. The inner box's init is not traced: what is orphaned stays traced under
    it. Any child of the caller that ends meanwhile may be reaped here.
    """
    del init_pid
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    witness = Witness(mode, limits_of(payload_pid), clock)
    trace.seize(payload_pid)
    witness.expect(payload_pid)
    open_gate()
    began = clock()
    while witness.has_tracees() and (left := began + witness.allowed_s(clock() - began, wall_s) - clock()) > 0:
        try:
            stop = trace.next_stop(left)
        except ChildProcessError:
            break
        if stop is not None:
            witness.see(*stop)
    if mode == "stacks_at_limit" and witness.has_tracees():
        witness.sample(clock() - began)
    return witness.findings(timed_out=witness.has_tracees())


class Witness:
    """Everything seen so far in one tree of processes."""

    def __init__(self, mode: str, limits: dict[str, int], clock: Callable[[], float]) -> None:
        self._mode = mode
        self._limits = limits
        self._clock = clock
        self._alive: set[int] = set()
        self._held_s: dict[int, float] = {}
        self._faults: dict[int, trace.Fault] = {}
        self._reports: list[dict[str, object]] = []
        self._reports_total = 0
        self._crashes: list[dict[str, object]] = []
        self._samples: list[list[dict[str, object]]] = []
        self._steps: list[dict[str, object]] = []
        self._open_steps: dict[int, observe_build.Step] = {}
        self._files = observe_build.Files()
        self._begun = 0
        self._static: dict[str, StaticRuntime] = {}
        self._interpreters = Interpreters()
        self._loaded = Loaded(self._files, self._interpreters)
        self._exceptions = Exceptions(self._interpreters, limits)
        self._network = Network()
        moments = Moments(self._interpreters)
        self._acts = Acts(moments, _go_on) if mode == "acts" else None
        self._ends = Ends(moments, self._interpreters, self._files, limits) if mode == "ends" else None

    def expect(self, tid: int) -> None:
        """Count a thread as traced."""
        self._alive.add(tid)

    def has_tracees(self) -> bool:
        """Tell whether anything is left to follow."""
        return bool(self._alive)

    def allowed_s(self, passed_s: float, wall_s: float) -> float:
        """Return how long the tree may run, now that it ran for ``passed_s``."""
        if self._mode == "builds" or passed_s < wall_s - MOMENT_S:
            return wall_s
        longer = wall_s + extension_s(self._alive, wall_s, self._held_s)
        return longer if longer - passed_s >= MOMENT_S else wall_s

    def see(self, tid: int, status: int) -> int:
        """Take one change of a thread and let it go on; returns the stop event, zero if it was none.

        How long it stood still for that is not its own time.
        """
        began = self._clock()
        event = self._see(tid, status)
        self._held_s[tid] = self._held_s.get(tid, 0.0) + self._clock() - began
        if tid not in self._alive:
            del self._held_s[tid]
        return event

    def _see(self, tid: int, status: int) -> int:
        if not os.WIFSTOPPED(status):
            self._alive.discard(tid)
            if self._acts is not None:
                self._acts.see_death(tid)
            return 0
        is_new = tid not in self._alive
        self._alive.add(tid)
        number, event = os.WSTOPSIG(status), status >> 16
        if event == trace.EVENT_STOP and number in trace.GROUP_STOPS:
            trace.listen(tid)
            return event
        if is_new and self._acts is not None and self._acts.hold(tid):
            return event
        is_ours = False
        with contextlib.suppress(OSError, ValueError):
            is_ours = event == 0 and number == signal.SIGTRAP and self._exceptions.take(tid)
            if not is_ours:
                self._look(tid, number, event)
        step = self._step_of(tid) if self._open_steps else None
        deliver = 0 if event or is_ours or number == trace.CALL_STOP else number
        trace.resume(tid, deliver, to_next_call=self._wants_calls(tid) if step is None else step.wants_calls)
        return event

    def _wants_calls(self, tid: int) -> bool:
        is_asked = self._acts is not None or (self._ends is not None and self._ends.wants_calls(tid))
        return is_asked or self._loaded.wants_calls(tid)

    def _look(self, tid: int, number: int, event: int) -> None:
        if event == trace.EVENT_EXIT:
            self._look_at_exit(tid, trace.event_message(tid))
        elif event == trace.EVENT_EXEC:
            self._look_at_exec(tid)
        elif event in trace.BIRTHS:
            self._look_at_birth(tid, event)
        elif number == trace.CALL_STOP:
            self._look_at_call(tid)
        elif event == trace.EVENT_SECCOMP:
            self._look_at_network(tid)
        elif event == 0 and number in FATAL:
            self._faults[tid] = trace.fault(tid)

    def _look_at_birth(self, tid: int, event: int) -> None:
        if self._ends is not None:
            self._ends.see_birth(tid, trace.event_message(tid))
        if self._acts is not None:
            self._acts.see_birth(tid, event)

    def _look_at_network(self, tid: int) -> None:
        registers = trace.registers(tid)
        where = self._network.see_call(tid, registers)
        if self._acts is not None and where is not None:
            self._acts.see_connection(tid, registers, where)

    def _step_of(self, tid: int) -> observe_build.Step | None:
        """Return the tool whose thread this is."""
        found = self._open_steps.get(tid)
        if found is None:
            with contextlib.suppress(OSError):
                found = self._open_steps.get(process_of(tid))
        return found

    def _look_at_exec(self, tid: int) -> None:
        if self._mode == "builds":
            self._look_at_tool(tid)
            return
        self._loaded.see_exec(tid)
        if self._mode == "raises":
            self._exceptions.begin(tid)
        if self._acts is not None:
            self._acts.see_start(tid)
        if self._ends is not None:
            self._ends.see_exec(tid)

    def _look_at_tool(self, tid: int) -> None:
        with open(f"/proc/{tid}/cmdline", "rb") as stream:
            raw = stream.read(observe_build.ARGUMENTS_BYTES_MAX)
        with open(f"/proc/{tid}/environ", "rb") as stream:
            environment = stream.read(observe_build.ARGUMENTS_BYTES_MAX)
        arguments = [os.fsdecode(argument) for argument in raw.split(b"\0")[:-1]]
        kind = observe_build.kind_of(_system_file(f"/proc/{tid}/exe"), arguments)
        if kind is not None and self._begun < observe_build.STEPS_MAX:
            pairs = (os.fsdecode(entry).partition("=") for entry in environment.split(b"\0"))
            variables = {name: value for name, _, value in pairs}
            self._open_steps[tid] = observe_build.Step(
                tid, kind, arguments, variables, files=self._files, order=self._begun
            )
            self._begun += 1

    def _look_at_call(self, tid: int) -> None:
        registers = trace.registers(tid)
        if self._loaded.wants_calls(tid):
            self._loaded.see_opened(tid, registers)
        if self._acts is not None:
            self._acts.see_call(tid, registers)
        if self._ends is not None:
            self._ends.see_call(tid, registers)
        if not observe_build.is_about_files(registers):
            return
        if self._acts is not None:
            self._loaded.see_script(tid, registers)
        step = self._step_of(tid) if self._open_steps else None
        if step is None and not self._loaded.wants_calls(tid):
            return
        memory = Memory(tid, mapped=step is None)
        try:
            if step is None:
                self._loaded.see_call(tid, registers, memory)
            else:
                step.see_call(registers, memory)
        finally:
            memory.close()

    def _look_at_exit(self, tid: int, status: int) -> None:
        step = self._open_steps.pop(tid, None)
        if step is not None:
            self._steps.append(step.finish(status))
        if self._mode == "builds":
            return
        memory = Memory(tid)
        try:
            self._loaded.see_end(tid, memory)
            self._exceptions.end(tid, status, memory)
            self._look_at_end(tid, status, memory)
        finally:
            memory.close()
        if self._ends is not None:
            self._ends.see_exit(tid, status, trace.registers(tid))

    def _look_at_end(self, tid: int, status: int, memory: Memory) -> None:
        registers = trace.registers(tid)
        killed_by = status & 0x7F
        runtimes = _runtimes(memory)
        here = memory.mapping(registers[trace.RIP])
        ends_it = here is not None and here.file() in runtimes
        if killed_by in FATAL and len(self._crashes) < CRASHES_MAX:
            self._crashes.append({"pid": tid, "signal": killed_by})
        static = None
        if not runtimes:
            static = self._static_runtime(tid, memory, None if killed_by in FATAL else here)
            ends_it = static is not None and here is not None and static.owns(memory, here, registers[trace.RIP])
        if not (runtimes or static) or not (ends_it or killed_by in FATAL):
            return
        self._reports_total += 1
        if len(self._reports) >= REPORTS_MAX:
            return
        fault = self._faults.get(tid)
        stack = _stack(memory, tid, registers, [fault.sp] if fault else [], self._interpreters)
        if static is not None:
            _mark_runtime(stack, memory, static)
        about: dict[str, object] = {
            "pid": tid,
            "status": status,
            "program": executable(tid),
            "fault": fault._asdict() if fault else None,
        }
        about["lowered"] = lowered(limits_of(tid), self._limits)
        about |= observe_report.options_of(tid, memory, static)
        self._reports.append({**about, "error": _read_error(memory, runtimes, static), **stack})

    def _static_runtime(self, tid: int, memory: Memory, here: Mapping | None) -> StaticRuntime | None:
        """Return the runtime that is linked into the program, if the program ends in its own code or by a signal."""
        program = executable(tid)
        if not program.startswith("/box/") or (here is not None and here.path != program):
            return None
        mappings = [m for m in memory.mappings if m.is_code and m.path == program]
        file = mappings[0].file() if mappings else ""
        if not file or not all(memory.is_as_on_disk(mapping, file) for mapping in mappings):
            return None
        with contextlib.suppress(OSError, ValueError, struct.error):
            if file not in self._static:
                self._static[file] = StaticRuntime(file)
            return self._static[file] if self._static[file].is_there else None
        return None

    def sample(self, ran_s: float) -> None:
        """Note several times what every thread is doing, now that the tree was let run for ``ran_s``."""
        sampler = Sampler(self._alive, self.see, self._interpreters, self._clock, ran_s=ran_s, held_s=self._held_s)
        self._samples = sampler.sample()

    def findings(self, *, timed_out: bool) -> dict[str, object]:
        """Return all of it as JSON values; a name that is not UTF-8 is spelled with question marks."""
        found = {
            "timed_out": timed_out,
            "reports": self._reports,
            "reports_total": self._reports_total,
            "crashes": self._crashes,
            "samples": self._samples,
            "modules": self._loaded.modules(),
            "imports": self._loaded.imports(),
            "brought": self._loaded.brought(),
            "codes": self._interpreters.codes.seen(),
            "steps": self._steps,
            **self._exceptions.findings(),
            **(self._acts.findings() if self._acts is not None else {"acts": []}),
            **(self._ends.findings() if self._ends is not None else {"ends": []}),
            "network": self._network.attempts(),
            "network_total": self._network.total,
        }
        return dict(json.loads(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace")))


def _go_on(tid: int) -> None:
    trace.resume(tid, to_next_call=True)


def _system_file(link: str) -> str:
    """Return the path of the system's own file behind a /proc link, or an empty text if it is another file."""
    path = os.readlink(link)
    try:
        return path if os.path.samestat(os.stat(link), os.stat(path)) else ""
    except (OSError, ValueError):
        return ""


def _runtimes(memory: Memory) -> set[str]:
    """Return the sanitizer runtimes that are mapped, as installed and unpatched."""
    found: set[str] = set()
    for mapping in memory.mappings:
        if mapping.is_code and observe_report.RUNTIME.fullmatch(mapping.path.rpartition("/")[2]):
            file = mapping.file()
            if observe_report.is_runtime(file) and memory.is_as_on_disk(mapping, file):
                found.add(file)
    return found


def _read_error(memory: Memory, runtimes: set[str], static: StaticRuntime | None) -> dict[str, object]:
    for mapping in memory.mappings:
        file = mapping.file() if mapping.is_code else ""
        if file and (file in runtimes or (static is not None and file == static.program)):
            address = observe_report.error_address(memory, mapping, file)
            if address and (error := observe_report.read_error(memory, address)):
                return error
    return {}


def _mark_runtime(stack: dict[str, object], memory: Memory, static: StaticRuntime) -> None:
    """Mark the frames that lie in a runtime's function, as installed."""
    frames = stack["frames"]
    for number, frame in enumerate(frames if isinstance(frames, list) else []):
        # A caller's pc is where it goes on, which may be behind the function's end.
        pc = int(frame["pc"]) - (1 if number else 0)
        mapping = memory.mapping(pc)
        if frame["module"] == static.program and mapping is not None and static.owns(memory, mapping, pc):
            frame["runtime"] = True


def _stack(
    memory: Memory, tid: int, registers: tuple[int, ...], stacks: list[int], interpreters: Interpreters
) -> dict[str, object]:
    """Return the thread's native frames with their modules, the Python frames, and the digests of what they name."""
    python = interpreters.frames(memory, own_thread_number(tid))
    excerpt = Excerpt(memory, tid, registers, stacks)
    try:
        (frames,) = read_stacks([excerpt])
    finally:
        excerpt.close()
    files = digests_of(frames, interpreters.codes.files_of(python))
    return {"frames": frames, "python": python, "modules": excerpt.modules, "files": files}
