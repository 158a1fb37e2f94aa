"""The decisions of validation, pure: what did a run show, and what is the verdict; whose a frame is says `blame`.

Everything that comes in was seen from outside the hostile process, but in a world that its author built. So the
subject is believed to have failed only where each link is shown, and every doubt is named.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

from leadtime.flow.validation.blame.rules import (
    SKIPPED,
    UNREADABLE,
    blame,
    common_stack,
    faulting_frame,
    merged,
    origin_of,
)
from leadtime.flow.validation.fairness.rules import idleness, unfairness, works
from leadtime.flow.validation.records import (
    Crash,
    Fault,
    FixedSide,
    FixedWord,
    Frame,
    FrameKind,
    Judged,
    Limit,
    Oracle,
    Origin,
    Rate,
    RuntimeReport,
    Scene,
    SeenRun,
    Showing,
    Stack,
    ThreadSample,
    Word,
)
from leadtime.foundation.digests import Digest, digest_of_parts

Z_95 = 1.959964
"""Of the standard normal distribution, two-sided 95 %."""

SIGNATURE_FRAMES = 3
RECURSION_REPEATS = 3
SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP = 6, 7, 8, 4, 11, 5
SI_TKILL = -6
"""``si_code`` of a signal that a thread was sent by tkill(2), as raise(3) and abort(3) do."""

OUR_LIMITS = frozenset({Limit.OBSERVER, Limit.TREE})
"""Where one is reached, it is not the program that failed."""

SIGNAL_CLASSES: Mapping[int, str] = {
    SIGABRT: "ABRT",
    SIGBUS: "BUS",
    SIGFPE: "FPE",
    SIGILL: "ILL",
    SIGSEGV: "SEGV",
    SIGTRAP: "TRAP",
}
"""As sanitizers call them (sanitizer_symbolizer_report.cpp, SignalContext::Describe)."""

_REPORTING = re.compile(
    r"__asan::(?:Report|ScopedInErrorReport)|__ubsan::(?:ScopedReport|Diag|UBsanOnDeadlySignal)|__ubsan_handle_"
    r"|__tsan::(?:ReportRace|OutputReport)|__sanitizer::(?:HandleDeadlySignal|ReportDeadlySignal)"
)
_DEADLY = re.compile(
    r"__asan::ReportDeadlySignal|__sanitizer::(?:HandleDeadlySignal|ReportDeadlySignal)|__ubsan::UBsanOnDeadlySignal"
)
_UNDEFINED = re.compile(r"__ubsan_handle_(\w+?)(?:_v\d)?(?:_abort|_minimal)*\Z")
_RACE = re.compile(r"__tsan::ReportRace")
_CLAIM = re.compile(
    rb"(?:ERROR|WARNING): (?:Address|HWAddress|Memory|Thread|UndefinedBehavior)Sanitizer"
    rb"|(?:Address|HWAddress|UndefinedBehavior)Sanitizer:DEADLYSIGNAL"
    rb"|SUMMARY: (?:(?:HWAddress|Memory|Thread|UndefinedBehavior)Sanitizer:|AddressSanitizer: (?!\d+ byte\(s\) leaked))"
)


def wilson(hits: int, runs: int) -> Rate:
    """Return how often something showed, with its 95 % Wilson score interval (Wilson 1927), to two decimals."""
    share = hits / runs
    spread = Z_95 * math.sqrt(share * (1 - share) / runs + Z_95**2 / (4 * runs**2))
    middle = share + Z_95**2 / (2 * runs)
    scale = 1 + Z_95**2 / runs
    return Rate(hits, runs, round((middle - spread) / scale, 2), round((middle + spread) / scale, 2))


def judge_run(oracle: Oracle, run: SeenRun, scene: Scene) -> Judged:
    """Return what one run showed under ``oracle``."""
    if oracle is Oracle.HANG:
        return _judge_hang(run, scene)
    return _judge_sanitizer(run, scene)


def _judge_sanitizer(run: SeenRun, scene: Scene) -> Judged:
    judged = [_judge_report(report, scene) for report in run.reports]
    for wanted in (Showing.HIT, Showing.FOREIGN):
        for found in judged:
            if found.showing is wanted:
                return found
    if run.claims_report:
        return Judged(Showing.FORGED, "the output holds a sanitizer's report, but no runtime was seen making one")
    return _quiet(run)


def _quiet(run: SeenRun) -> Judged:
    if run.limit in OUR_LIMITS:
        return Judged(Showing.UNSEEN, f"{run.limit} was reached")
    if run.limit is not None:
        return Judged(Showing.STOPPED, f"{run.limit} was reached")
    if run.signal is not None:
        name = SIGNAL_CLASSES.get(run.signal, f"signal {run.signal}")
        return Judged(Showing.DIED, f"the program ended by {name} without a sanitizer's report")
    return Judged(Showing.QUIET, "nothing was seen")


def _judge_report(report: RuntimeReport, scene: Scene) -> Judged:
    runtime = [frame for frame in report.stack.native if origin_of(frame, report.stack, scene) is Origin.SANITIZER]
    functions = [name for frame in runtime if _REPORTING.match(name := _plain(frame.function))]
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
    return _judge_frames(frames, crash_class, access, unfairness(report.circumstances))


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
        doubt = unfair or _doubt_of_depth(frames, crash_class)
        if doubt:
            return Judged(Showing.FOREIGN, f"{crash_class} in {fault.text}, but {doubt}")
        crash = Crash(crash_class, access, frames, signature_of(crash_class, frames))
        return Judged(Showing.HIT, f"{crash_class} in {fault.text}", crash)
    return Judged(Showing.FOREIGN, f"{crash_class}, but {blame(fault)}")


def _doubt_of_depth(frames: Sequence[Frame], crash_class: str) -> str:
    """Return in words that others than the subject have used up a stack; empty if they have not.

    Whoever goes deep and calls the subject with what is left has it fail at its first step.
    """
    own = sum(1 for frame in frames if frame.origin is Origin.SUBJECT)
    others = sum(1 for frame in frames if frame.origin not in SKIPPED) - own
    return "most of its stack is not the subject's" if crash_class == "stack-overflow" and others > own else ""


def _judge_hang(run: SeenRun, scene: Scene) -> Judged:
    if run.limit is not Limit.TIME:
        if run.claims_report:
            return Judged(Showing.FORGED, "the output holds a sanitizer's report, but the run did not reach its limit")
        return _quiet(run)
    blamed = ["no thread of it was in the subject"]
    for samples in _by_thread(run):
        stacks = sorted((merged(sample.stack, scene) for sample in samples), key=_is_unreadable)
        read = [frames for frames in stacks if not _is_unreadable(frames)]
        inside = [frames for frames in read if _is_subjects(faulting_frame(frames))]
        if _is_most(len(read), len(run.samples)) and _is_most(len(inside), len(read)):
            common = common_stack(inside)
            if works(samples):
                return _hang_in(common)
            blamed.append(idleness(samples, next(filter(_is_subjects, common))))
            continue
        faults = [faulting_frame(frames) for frames in stacks]
        blamed += [blame(fault) for fault in faults if fault is not None and not _is_subjects(fault)]
    return Judged(Showing.FOREIGN, f"timeout, but {blamed[1] if len(blamed) > 1 else blamed[0]}")


def _is_unreadable(frames: tuple[Frame, ...]) -> bool:
    return frames[:1] == (UNREADABLE,)


def _is_most(part: int, whole: int) -> bool:
    """Tell whether a part is more than half.

    A generator that never ends hands on what it makes to a caller that takes its own time, so not every moment need be
    in the subject; and one in which a stack could not be read speaks for nobody.
    """
    return part * 2 > whole


def _by_thread(run: SeenRun) -> list[list[ThreadSample]]:
    threads: dict[tuple[int, int], list[ThreadSample]] = {}
    for moment in run.samples:
        for sample in moment:
            threads.setdefault((sample.process, sample.thread), []).append(sample)
    return [samples for _, samples in sorted(threads.items())]


def _hang_in(frames: tuple[Frame, ...]) -> Judged:
    innermost = next(frame for frame in frames if _is_subjects(frame))
    return Judged(
        Showing.HIT, f"timeout in {innermost.text}", Crash("timeout", "", frames, signature_of("timeout", frames))
    )


def _is_subjects(frame: Frame | None) -> bool:
    return frame is not None and frame.origin is Origin.SUBJECT


def signature_of(crash_class: str, frames: Sequence[Frame]) -> Digest:
    """Return a digest over the class and the first subject frames without lines.

    A recursion may run out of stack in any of its functions, so there it is taken over those that recur, sorted.
    """
    names = [_plain(frame.function) for frame in frames if frame.origin is Origin.SUBJECT]
    recurring = sorted(name for name, times in Counter(names).items() if times >= RECURSION_REPEATS)
    chosen = recurring if crash_class == "stack-overflow" and recurring else names[:SIGNATURE_FRAMES]
    return digest_of_parts(("leadtime.signature/1", crash_class, *chosen))


def _plain(function: str) -> str:
    """Return a function's name without its parameters."""
    return function.partition("(")[0].strip()


def conclude(build_failure: str, control: Judged | None, judged: Sequence[Judged]) -> tuple[Word, str, Crash | None]:
    """Return the verdict on the vulnerable release, why, and the crash that showed most often."""
    if build_failure:
        return Word.INCONCLUSIVE, build_failure, None
    if control is not None and control.showing is Showing.UNSEEN:
        return Word.INCONCLUSIVE, f"what the control input does could not be seen: {control.reason}", None
    if control is not None and control.showing is not Showing.QUIET:
        return Word.HARNESS_FAULT, f"the control input is not clean: {control.reason}", None
    crashes = [found.crash for found in judged if found.crash is not None]
    if crashes:
        often = Counter(crash.signature for crash in crashes).most_common(1)[0][0]
        crash = next(crash for crash in crashes if crash.signature == often)
        reason = next(found.reason for found in judged if found.crash is crash)
        return Word.REPRODUCED, reason, crash
    found = min(judged, key=lambda one: list(WITHOUT_HIT).index(one.showing))
    return WITHOUT_HIT[found.showing], found.reason, None


WITHOUT_HIT: Mapping[Showing, Word] = {
    Showing.FOREIGN: Word.HARNESS_FAULT,
    Showing.FORGED: Word.HARNESS_FAULT,
    Showing.UNSEEN: Word.INCONCLUSIVE,
    Showing.STOPPED: Word.INCONCLUSIVE,
    Showing.DIED: Word.NOT_REPRODUCED,
    Showing.QUIET: Word.NOT_REPRODUCED,
}
"""What the verdict is when no run showed the flaw in the subject: the first of these that any run showed."""


def judge_fixed(build_failure: str, judged: Sequence[Judged], crash: Crash | None, ran: Sequence[bool]) -> FixedSide:
    """Return what the fixed release showed, next to the ``crash`` that the vulnerable one showed.

    ``ran`` tells of each run whether it loaded the code that the crash lies in: what was not run is not clean.
    """
    if crash is None:
        return FixedSide(FixedWord.NOT_CHECKED, "the flaw did not show in the vulnerable release", 0, 0)
    if build_failure:
        return FixedSide(FixedWord.NOT_CHECKED, build_failure, 0, 0)
    failed = [found for found in judged if found.showing is not Showing.QUIET]
    return _failing(failed, len(judged), crash) if failed else _quiet_side(len(judged), crash, ran)


def _quiet_side(runs: int, crash: Crash, ran: Sequence[bool]) -> FixedSide:
    if not all(ran):
        file = crash.subject_frames[0].file or "code"
        return FixedSide(FixedWord.NOT_CHECKED, f"nothing made of its {file} was seen to run", runs, 0)
    return FixedSide(FixedWord.CLEAN, "nothing was seen", runs, 0)


def _failing(failed: Sequence[Judged], runs: int, crash: Crash) -> FixedSide:
    same = [found for found in failed if found.crash is not None and found.crash.signature == crash.signature]
    if same:
        return FixedSide(FixedWord.STILL_FAILS, same[0].reason, runs, len(same))
    seen = [found for found in failed if found.showing is not Showing.UNSEEN]
    if not seen:
        return FixedSide(FixedWord.NOT_CHECKED, failed[0].reason, runs, 0)
    return FixedSide(FixedWord.FAILS_OTHERWISE, seen[0].reason, runs, len(seen))


def claims_report(output: bytes) -> bool:
    """Tell whether an output holds text that only a sanitizer's report should; leaks do not count."""
    return _CLAIM.search(output) is not None


_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")


def plain_input_name(name: str) -> str:
    """Return the name that an input gets in the box: its own last part if that is plain and needs no quoting."""
    last = name.rpartition("/")[2]
    return last if _PLAIN_NAME.match(last) else "input"
