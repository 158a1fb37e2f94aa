"""Oracle ``sanitizer``: the report of a runtime that was seen making it, with its faulting frame in the subject."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from leadtime.flow.validation.blame.rules import EVALUATOR, SKIPPED, blame, faulting_frame, merged, origin_of
from leadtime.flow.validation.fairness.rules import unfairness
from leadtime.flow.validation.oracles.crashes import (
    SIGABRT,
    SIGNAL_CLASSES,
    SIGSEGV,
    doubt_of_depth,
    plain_function,
    quiet,
    signature_of,
)
from leadtime.flow.validation.records import (
    Crash,
    Frame,
    Judged,
    Origin,
    RuntimeReport,
    Scene,
    SeenRun,
    Showing,
)
from leadtime.flow.validation.stacks.records import Fault, FrameKind, Stack

SI_TKILL = -6
"""``si_code`` of a signal that a thread was sent by tkill(2), as raise(3) and abort(3) do."""

_REPORTING = re.compile(
    r"__asan::(?:Report|ScopedInErrorReport)|__ubsan::(?:ScopedReport|Diag|UBsanOnDeadlySignal)|__ubsan_handle_"
    r"|__tsan::(?:ReportRace|OutputReport)|__sanitizer::(?:HandleDeadlySignal|ReportDeadlySignal)"
)
_DEADLY = re.compile(
    r"__asan::ReportDeadlySignal|__sanitizer::(?:HandleDeadlySignal|ReportDeadlySignal)|__ubsan::UBsanOnDeadlySignal"
)
_UNDEFINED = re.compile(r"__ubsan_handle_(\w+?)(?:_v\d)?(?:_abort|_minimal)*\Z")
_RACE = re.compile(r"__tsan::ReportRace")
_ALLOCATING = re.compile(r"malloc|calloc|realloc|memalign|free|operator (?:new|delete)")
_CLAIM = re.compile(
    rb"(?:ERROR|WARNING): (?:Address|HWAddress|Memory|Thread|UndefinedBehavior)Sanitizer"
    rb"|(?:Address|HWAddress|UndefinedBehavior)Sanitizer:DEADLYSIGNAL"
    rb"|SUMMARY: (?:(?:HWAddress|Memory|Thread|UndefinedBehavior)Sanitizer:|AddressSanitizer: (?!\d+ byte\(s\) leaked))"
)


def judge_sanitizer(run: SeenRun, scene: Scene) -> Judged:
    """Return what one run showed of memory errors and undefined behaviour."""
    judged = [_judge_report(report, scene) for report in run.reports]
    for wanted in (Showing.HIT, Showing.FOREIGN):
        for found in judged:
            if found.showing is wanted:
                return found
    if run.claims_report:
        return Judged(Showing.FORGED, "the output holds a sanitizer's report, but no runtime was seen making one")
    return quiet(run)


def _judge_report(report: RuntimeReport, scene: Scene) -> Judged:
    runtime = [frame for frame in report.stack.native if origin_of(frame, report.stack, scene) is Origin.SANITIZER]
    functions = [name for frame in runtime if _REPORTING.match(name := plain_function(frame.function))]
    # A runtime without symbols is still known by the error that lies in its memory while it reports.
    if not runtime or not (functions or report.description):
        return Judged(Showing.QUIET, "a sanitizer's runtime ended the process without a report")
    has_signal = any(frame.kind is FrameKind.SIGNAL for frame in report.stack.native)
    is_deadly = any(_DEADLY.match(name) for name in functions) if functions else has_signal
    if is_deadly and not is_kernels(report.fault, report.stack, scene):
        return Judged(
            Showing.FOREIGN, "the sanitizer reported a signal that a process sent, not a fault of the kernel's"
        )
    frames = merged(report.stack, scene)
    crash_class, access = _deadly_class(report) if is_deadly else _class(report, functions)
    doubt = unfairness(report.circumstances) or ("" if is_deadly else doubt_of_jump(report.stack, scene))
    return _judge_frames(frames, crash_class, access, doubt)


def doubt_of_jump(stack: Stack, scene: Scene) -> str:
    """Return in words why the subject may not have called the runtime; empty if it did.

    A callback that ends in a jump leaves no frame, and the subject's, which called it through a pointer, seems to have
    called what it jumped to. Memory is often given back through pointers by right, so there it is no doubt.
    """
    outer = next((n for n, one in enumerate(stack.native) if origin_of(one, stack, scene) not in SKIPPED), 0)
    if not outer or any(frame.function == EVALUATOR for frame in stack.native[:outer]):
        return ""
    runtime, caller = stack.native[outer - 1], stack.native[outer]
    is_doubtful = origin_of(runtime, stack, scene) is Origin.SANITIZER and not _ALLOCATING.search(runtime.function)
    return "it went there through a pointer, which its harness may have set" if is_doubtful and not caller.calls else ""


def is_kernels(fault: Fault | None, stack: Stack, scene: Scene) -> bool:
    """Tell whether a fault is one that the kernel raised, at the very place that the stack says.

    An abort is always sent; it is believed where the thread sent it to itself, which is done inside libc.
    """
    if fault is None:
        return False
    after = [b for a, b in pairwise(stack.native) if a.kind is FrameKind.SIGNAL and b.pc == fault.pc]
    if fault.signal == SIGABRT:
        return fault.code == SI_TKILL and any(origin_of(frame, stack, scene) is Origin.LIBC for frame in after)
    return fault.code > 0 and bool(after)


def _deadly_class(report: RuntimeReport) -> tuple[str, str]:
    """Return class and access of a signal that the runtime reported, in its own words."""
    if report.description == "stack-overflow":
        return "stack-overflow", ""
    number = report.fault.signal if report.fault is not None else 0
    crossed = next((frame for frame in report.stack.native if frame.kind is FrameKind.SIGNAL), None)
    access = "WRITE" if crossed is not None and crossed.is_write else "READ"
    return SIGNAL_CLASSES.get(number, "UNKNOWN"), access if number == SIGSEGV else ""


def _class(report: RuntimeReport, functions: Sequence[str]) -> tuple[str, str]:
    """Return class and access of an error that the runtime found by itself, in its own words."""
    if report.access_class:
        return report.access_class, f"{'WRITE' if report.is_write else 'READ'} {report.access_bytes}"
    undefined = next((found[1].replace("_", "-") for name in functions if (found := _UNDEFINED.match(name))), "")
    return report.description or undefined or _class_by_function(functions), ""


def _class_by_function(functions: Sequence[str]) -> str:
    return "data-race" if any(_RACE.match(name) for name in functions) else "undefined-behavior"


def _judge_frames(frames: tuple[Frame, ...], crash_class: str, access: str, unfair: str) -> Judged:
    fault = faulting_frame(frames)
    if fault is not None and fault.origin is Origin.SUBJECT:
        doubt = unfair or (crash_class == "stack-overflow" and doubt_of_depth(frames))
        if doubt:
            return Judged(Showing.FOREIGN, f"{crash_class} in {fault.text}, but {doubt}")
        crash = Crash(crash_class, access, frames, signature_of(crash_class, frames))
        return Judged(Showing.HIT, f"{crash_class} in {fault.text}", crash)
    return Judged(Showing.FOREIGN, f"{crash_class}, but {blame(fault)}")


def claims_report(output: bytes) -> bool:
    """Tell whether an output holds text that only a sanitizer's report should; leaks do not count."""
    return _CLAIM.search(output) is not None
