"""Oracle ``exit``: a program that is the release's own, and nothing else, ended itself by an exit code of the flaw."""

from __future__ import annotations

from collections.abc import Sequence

from leadtime.flow.validation.acts.records import ProgramEnd
from leadtime.flow.validation.blame.rules import blame, faulting_frame, merged
from leadtime.flow.validation.fairness.rules import is_own, unfairness
from leadtime.flow.validation.oracles.crashes import quiet, signature_of
from leadtime.flow.validation.records import (
    Circumstances,
    Crash,
    Frame,
    Judged,
    Origin,
    Scene,
    SeenRun,
    Showing,
)


def judge_exit(run: SeenRun, scene: Scene) -> Judged:
    """Return what one run showed of exit codes.

    The code of the run command is what the recipe speaks of; a program of the release's must have ended by the same.
    """
    if run.exit_code is None or scene.exits is None:
        return quiet(run)
    if run.exit_code in scene.exits.fixed:
        return Judged(Showing.QUIET, f"it ended with exit code {run.exit_code}, as without the flaw")
    if run.exit_code not in scene.exits.vulnerable:
        return Judged(Showing.DIED, f"it ended with exit code {run.exit_code}, which the recipe does not name")
    return _judge_ends([end for end in run.ends if end.code == run.exit_code], run.exit_code, scene)


def _judge_ends(ends: Sequence[ProgramEnd], code: int, scene: Scene) -> Judged:
    if not all(end.stack.native for end in ends):
        return Judged(Showing.UNSEEN, "the stack of a program's end could not be read")
    blamed = "no program of the release ended by it"
    for end in ends:
        blamed = _doubt(end, scene)
        if not blamed:
            program = _program(end, scene)
            frames = (*merged(end.stack, scene), program)
            crash = Crash(f"exit-{code}", "", frames, signature_of(f"exit-{code}", (program,)))
            return Judged(Showing.HIT, f"exit code {code} of {program.text}", crash)
    return Judged(Showing.FOREIGN, f"exit code {code}, but {blamed}")


def _doubt(end: ProgramEnd, scene: Scene) -> str:
    """Return in words why an end may not be the subject's doing; empty if all of the program is the release's."""
    if not all(module.is_intact and is_own(module.digest, scene) for module in end.stack.modules.values()):
        return "code that is not the release's own was in its program"
    if end.opened is None and end.program not in end.stack.modules:
        return "its program is not the release's own"
    if end.opened is not None and not (end.opened and all(digest in scene.release for digest in end.opened)):
        return "its interpreter ran or read what is not the release's own"
    fault = faulting_frame(merged(end.stack, scene))
    if fault is not None and fault.origin is not Origin.SUBJECT:
        return blame(fault)
    return unfairness(Circumstances(lowered=end.lowered))


def _program(end: ProgramEnd, scene: Scene) -> Frame:
    """Return the program itself as the outermost frame: what has ended by itself has left all others."""
    digest = end.opened[0] if end.opened else end.stack.modules[end.program].digest
    file = scene.release.get(digest, "")
    return Frame("(program)" if file else end.program.rpartition("/")[2], file, None, Origin.SUBJECT)
