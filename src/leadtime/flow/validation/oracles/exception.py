"""Oracle ``exception``: one that nothing caught ended the program, and the subject's own code raised it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby

from leadtime.flow.validation.blame.rules import (
    EVALUATOR,
    blame,
    faulting_frame,
    is_evaluator,
    merged,
    origin_of_python,
)
from leadtime.flow.validation.fairness.rules import unfairness
from leadtime.flow.validation.oracles.crashes import doubt_of_depth, quiet, signature_of
from leadtime.flow.validation.records import Circumstances, Crash, Frame, Judged, Origin, Scene, SeenRun, Showing
from leadtime.flow.validation.stacks.records import RaisedException, Stack

MACHINE_FRAMES_MAX = 400
"""How much of a stack the debugger reads (guest/observe_gdb.py)."""

RECURSION_LIMIT_DEFAULT = 1000
"""Of CPython: what an interpreter starts with."""

ENDINGS = frozenset({"SystemExit", "KeyboardInterrupt", "GeneratorExit"})
"""Exceptions that end a program, or a generator, because somebody wants that."""

DOUBTS: Mapping[str, str] = {
    "asynchronous": "it was set from outside, by a signal or another thread",
    "thrown": "it was not raised there: it was thrown into that frame, or raised again where it could not be followed",
    "traced": "a trace or profile function was set, which can raise it anywhere",
    "patched": "the interpreter's code was changed in its memory",
    "deep": "it left more frames than are followed",
    "many": "more exceptions were under way than are followed",
}
"""What the observer says against an exception, and that in words."""

_NAME = re.compile(r"[A-Za-z_][\w.<>]{0,199}\Z")
_TRACEBACK = re.compile(rb"^Traceback \(most recent call last\):$", re.MULTILINE)
_FOREIGN_CALLS = re.compile(r"(?:libffi|_ctypes)[.-]")


def judge_exception(run: SeenRun, scene: Scene) -> Judged:
    """Return what one run showed of an exception that nothing caught.

    The first that left anybody's frames counts: before it the interpreter may have caught its own while it started, and
    what comes after it comes of what the program does about it. Where that may have been any of several that passed
    through one frame, all of them must be the subject's.
    """
    for _, together in groupby(run.raised, key=lambda raised: raised.ending):
        first = list(together)
        if all(faulting_frame(merged(raised.stack, scene)) is None for raised in first):
            continue
        judged = [_judge_raised(raised, scene) for raised in first]
        found = next((one for one in judged if one.showing is not Showing.HIT), judged[-1])
        return quiet(run) if run.limit is not None and found.showing is Showing.QUIET else found
    if run.unwatched:
        return Judged(Showing.UNSEEN, run.unwatched)
    if run.claims_traceback:
        return Judged(Showing.FORGED, "the output holds a traceback, but no exception was seen to end the program")
    return quiet(run)


def _judge_raised(raised: RaisedException, scene: Scene) -> Judged:
    name = class_name(raised)
    ending = next((kind for kind in raised.ancestors if kind in ENDINGS), "")
    if ending:
        return Judged(Showing.QUIET, f"the program ended by {ending}, which is no failure")
    frames = merged(_in_sight(raised.stack, scene), scene)
    fault = faulting_frame(frames)
    if fault is None or fault.origin is not Origin.SUBJECT:
        why = next((DOUBTS[word] for word in raised.doubts if word in DOUBTS), "") or blame(fault)
        return Judged(Showing.FOREIGN, f"{name}, but {why}")
    doubt = _doubt(raised, scene)
    if doubt:
        return Judged(Showing.FOREIGN, f"{name} in {fault.text}, but {doubt}")
    return Judged(Showing.HIT, f"{name} in {fault.text}", Crash(name, "", frames, signature_of(name, frames)))


def class_name(raised: RaisedException) -> str:
    """Return an exception's class by its full name; without a module only what is built into the interpreter."""
    name = raised.name.removeprefix("builtins.") if raised.ancestors[:1] != (raised.name,) else raised.name
    is_built_in = raised.ancestors[:1] == (name,)
    if not _NAME.match(name):
        return "exception of an unreadable name"
    return name if is_built_in or "." in name else f"?.{name}"


def _in_sight(stack: Stack, scene: Scene) -> Stack:
    """Return a stack with the Python only that lies within the machine frames that were read of it."""
    if len(stack.native) < MACHINE_FRAMES_MAX:
        return stack
    evaluators = sum(1 for frame in stack.native if is_evaluator(frame, scene))
    entries = [number for number, frame in enumerate(stack.python, start=1) if frame.is_entry]
    return replace(stack, python=stack.python[: entries[evaluators - 1]]) if 0 < evaluators < len(entries) else stack


def _doubt(raised: RaisedException, scene: Scene) -> str:
    """Return in words why it may not be the subject's doing; empty if it is."""
    for word in raised.doubts:
        return DOUBTS.get(word, "the observer doubts it")
    if _raised_by_foreign_call(raised.stack):
        return "it was raised through ctypes, by which anything can be raised anywhere"
    if "MemoryError" in raised.ancestors:
        return "who used up the memory cannot be told"
    if "RecursionError" in raised.ancestors:
        if raised.recursion_limit < RECURSION_LIMIT_DEFAULT:
            return f"the recursion limit was lowered to {raised.recursion_limit}"
        owners = (origin_of_python(frame, raised.stack, scene) for frame in raised.stack.python)
        return doubt_of_depth([Frame("", "", None, owner) for owner in owners])
    return unfairness(Circumstances(lowered=raised.lowered))


def _raised_by_foreign_call(stack: Stack) -> bool:
    """Tell whether the interpreter called a function by its address, from the frame in which it was raised."""
    for frame in stack.native:
        if frame.function == EVALUATOR:
            return False
        if _FOREIGN_CALLS.match(frame.module.rpartition("/")[2]):
            return True
    return False


def claims_traceback(output: bytes) -> bool:
    """Tell whether an output holds what Python prints of an exception that nothing caught."""
    return _TRACEBACK.search(output) is not None
