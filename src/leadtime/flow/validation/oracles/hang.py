"""Oracle ``hang``: the time limit was reached with a working thread in the subject, most of the times one looked."""

from __future__ import annotations

from leadtime.flow.validation.blame.rules import UNREADABLE, blame, common_stack, faulting_frame, merged
from leadtime.flow.validation.fairness.rules import idleness, was_starved, works
from leadtime.flow.validation.oracles.crashes import is_subjects, quiet, signature_of
from leadtime.flow.validation.records import (
    Crash,
    Frame,
    Judged,
    Limit,
    Scene,
    SeenRun,
    Showing,
    ThreadSample,
)


def judge_hang(run: SeenRun, scene: Scene) -> Judged:
    """Return what one run showed of a hang."""
    if run.limit is not Limit.TIME:
        if run.claims_report:
            return Judged(Showing.FORGED, "the output holds a sanitizer's report, but the run did not reach its limit")
        return quiet(run)
    blamed, starved = ["no thread of it was in the subject"], False
    for samples in _by_thread(run):
        stacks = sorted((merged(sample.stack, scene) for sample in samples), key=_is_unreadable)
        read = [frames for frames in stacks if not _is_unreadable(frames)]
        inside = [frames for frames in read if is_subjects(faulting_frame(frames))]
        if _is_most(len(read), len(run.samples)) and _is_most(len(inside), len(read)):
            common = common_stack(inside)
            if works(samples):
                return _hang_in(common)
            starved |= was_starved(samples)
            blamed.append(idleness(samples, next(filter(is_subjects, common))))
            continue
        faults = [faulting_frame(frames) for frames in stacks]
        blamed += [blame(fault) for fault in faults if fault is not None and not is_subjects(fault)]
    if starved:
        return Judged(Showing.UNSEEN, "timeout, but this machine was too busy to let it run")
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
    innermost = next(frame for frame in frames if is_subjects(frame))
    return Judged(
        Showing.HIT, f"timeout in {innermost.text}", Crash("timeout", "", frames, signature_of("timeout", frames))
    )
