"""Oracle ``canary``: the subject's own code read the secret, wrote outside, started a process or tried the network."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile

from leadtime.flow.validation.acts.records import Act
from leadtime.flow.validation.blame.rules import (
    EVALUATOR,
    SCRIPT_EVALUATOR,
    SKIPPED,
    blame,
    faulting_frame,
    merged,
    origin_of,
)
from leadtime.flow.validation.fairness.rules import is_own
from leadtime.flow.validation.oracles.crashes import is_subjects, quiet, signature_of
from leadtime.flow.validation.records import Crash, Frame, Judged, Origin, Scene, SeenRun, Showing
from leadtime.flow.validation.stacks.records import NativeFrame, Stack

ANOTHER_MODULE = "@plt"
"""What a debugger adds to a function's name where a module calls it by that name in another one."""

_BY_NODE = "asked for by Node in its thread pool or in a later turn, where no stack tells who wanted it"
_NODE = re.compile(r"(?:.*/)?node(?:js)?\Z")
_FOREIGN_CALLS = re.compile(r"(?:libffi|_ctypes)[.-]")


def judge_canary(run: SeenRun, scene: Scene) -> Judged:
    """Return what one run showed of acts; the system's own programs that start the target do nothing that counts."""
    judged = [found for act in run.acts if (found := _judge_act(act, scene)) is not None]
    for wanted in (Showing.HIT, Showing.FOREIGN, Showing.UNSEEN):
        for found in judged:
            if found.showing is wanted:
                return found
    return quiet(run)


def _judge_act(act: Act, scene: Scene) -> Judged | None:
    """Return what an act shows; None for one in which nobody but the system had a part."""
    if not act.stack.native:
        return Judged(Showing.UNSEEN, f"the stack of a {act.kind} could not be read")
    frames = merged(act.stack, scene)
    fault = faulting_frame(frames)
    if fault is None:
        return Judged(Showing.UNSEEN, f"{act.kind}, but {_BY_NODE}") if _NODE.match(act.program) else None
    if fault.origin is not Origin.SUBJECT:
        return Judged(Showing.FOREIGN, f"{act.kind}, but {blame(fault)}")
    doubt = doubt_of_call(act.stack, frames, scene) or _doubt_of_start(act, scene) or _doubt_of_node(act, scene)
    if doubt:
        return Judged(Showing.FOREIGN, f"{act.kind} in {fault.text}, but {doubt}")
    crash = Crash(act.kind.value, act.what, frames, signature_of(act.kind.value, frames))
    return Judged(Showing.HIT, f"{act.kind} in {fault.text}", crash)


def doubt_of_call(stack: Stack, frames: Sequence[Frame], scene: Scene) -> str:
    """Return in words why the subject may not have called what its faulting frame seems to call; empty if it did.

    What jumps on instead of calling leaves no frame. So a subject of machine code must itself call by name what lies
    in another module: what it calls through a pointer, or in its own module, may be its harness's.
    """
    if any(frame.origin is Origin.SIGNAL for frame in takewhile(lambda one: not is_subjects(one), frames)):
        return "a signal's handler did it"
    inner = list(takewhile(lambda one: _is_passed_over(one, stack, scene), stack.native))
    if any(_FOREIGN_CALLS.match(frame.module.rpartition("/")[2]) for frame in inner):
        return "it was done through ctypes, by which anything can be called from anywhere"
    if len(inner) in (0, len(stack.native)) or stack.native[len(inner)].function in (EVALUATOR, SCRIPT_EVALUATOR):
        return ""
    caller = stack.native[len(inner)]
    return "" if caller.calls.endswith(ANOTHER_MODULE) else "it does not call by name what did it"


def _is_passed_over(frame: NativeFrame, stack: Stack, scene: Scene) -> bool:
    return frame.function != EVALUATOR and origin_of(frame, stack, scene) in SKIPPED


def _doubt_of_start(act: Act, scene: Scene) -> str:
    """Return in words why a process that shared the subject's memory may have been another's when it went on."""
    if act.then is None:
        return ""
    then = act.then
    own = next((origin for frame in then.native if (origin := origin_of(frame, then, scene)) not in SKIPPED), None)
    if own not in (None, Origin.SUBJECT) or then.python != act.stack.python:
        return "the new process was not the subject's when it started a program"
    return ""


def _doubt_of_node(act: Act, scene: Scene) -> str:
    """Return in words why what was read of JavaScript may have been written there; empty if nobody could."""
    if all(frame.script is None for frame in act.stack.native):
        return ""
    modules = act.stack.modules.values()
    is_clean = all(module.is_intact and is_own(module.digest, scene) for module in modules)
    return "" if is_clean else "machine code that is not the release's own was in its program"
