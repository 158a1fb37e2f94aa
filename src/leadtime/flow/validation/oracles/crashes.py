"""What all oracles share: a crash's signature, whose a frame is, and what a run is called in which nothing showed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from leadtime.flow.validation.blame.rules import SKIPPED
from leadtime.flow.validation.records import Crash, Frame, Judged, Limit, Origin, SeenRun, Showing
from leadtime.foundation.digests import Digest, digest_of_parts

SIGNATURE_FRAMES = 3
RECURSION_REPEATS = 3
RECURSIONS = frozenset({"stack-overflow", "RecursionError"})
SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP = 6, 7, 8, 4, 11, 5

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


def quiet(run: SeenRun) -> Judged:
    """Return what a run is called that showed no flaw by itself."""
    if run.limit in OUR_LIMITS:
        return Judged(Showing.UNSEEN, f"{run.limit} was reached")
    if run.limit is not None:
        return Judged(Showing.STOPPED, f"{run.limit} was reached")
    if run.signal is not None:
        name = SIGNAL_CLASSES.get(run.signal, f"signal {run.signal}")
        return Judged(Showing.DIED, f"the program ended by {name} without a sanitizer's report")
    return Judged(Showing.QUIET, "nothing was seen")


def is_subjects(frame: Frame | None) -> bool:
    """Tell whether there is a frame, and it is the subject's."""
    return frame is not None and frame.origin is Origin.SUBJECT


def signature_of(crash_class: str, frames: Sequence[Frame]) -> Digest:
    """Return a digest over the class and the first subject frames without lines.

    A recursion may run out of stack in any of its functions, so there it is taken over those that recur, sorted.
    """
    names = [plain_function(frame.function) for frame in frames if frame.origin is Origin.SUBJECT]
    recurring = sorted(name for name, times in Counter(names).items() if times >= RECURSION_REPEATS)
    chosen = recurring if crash_class in RECURSIONS and recurring else names[:SIGNATURE_FRAMES]
    return digest_of_parts(("leadtime.signature/1", crash_class, *chosen))


def is_same_flaw(crash: Crash, other: Crash) -> bool:
    """Tell whether two crashes have one signature, or lie in one function of a file of one name.

    Callers change from release to release, folders too.
    """
    if crash.signature == other.signature:
        return True
    places = [_place_of(one.frames) for one in (crash, other)]
    return places[0] is not None and places[0] == places[1]


def _place_of(frames: Sequence[Frame]) -> tuple[str, str] | None:
    """Return the subject's innermost function, without parameters, and its file's name; None if there is none."""
    fault = next(filter(is_subjects, frames), None)
    return None if fault is None else (plain_function(fault.function), fault.file.rpartition("/")[2])


def doubt_of_depth(frames: Sequence[Frame]) -> str:
    """Return in words that others than the subject have used up a stack; empty if they have not.

    Whoever goes deep and calls the subject with what is left has it fail at its first step.
    """
    own = sum(1 for frame in frames if frame.origin is Origin.SUBJECT)
    others = sum(1 for frame in frames if frame.origin not in SKIPPED) - own
    return "most of its stack is not the subject's" if others > own else ""


def plain_function(function: str) -> str:
    """Return a function's name without its parameters."""
    return function.partition("(")[0].strip()
