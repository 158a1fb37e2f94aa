"""Judge a patch: prove the flaw, build the release with the patch in it, and see how far that climbs."""

from __future__ import annotations

import base64
import random
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

from leadtime.flow.intake import NamedFile, Reproducer
from leadtime.flow.validation.ladder.diffs import FileDiff, read_patch
from leadtime.flow.validation.ladder.records import JudgedPatch, Ladder
from leadtime.flow.validation.ladder.rules import Climb, climb, doubt_of
from leadtime.flow.validation.prove import Progress, Workshop, judge, see_apart, task_for
from leadtime.flow.validation.recipe import parse_recipe
from leadtime.flow.validation.records import Crash, Oracle, Verdict
from leadtime.flow.validation.task import CarriedFile
from leadtime.flow.validation.trial.run import Seen
from leadtime.packages.fetch import Fetcher

SEED_BITS = 48
KNOWN_MAX = 50
"""Further inputs of the same flaw that are tried as variants."""


@dataclass(frozen=True, slots=True)
class PatchJudgement:
    """What the release without the patch showed, and how far the patch climbs; no ladder where no flaw showed."""

    verdict: Verdict
    ladder: Ladder | None

    @property
    def found(self) -> JudgedPatch:
        """Return what is kept of it."""
        return JudgedPatch(self.verdict.word, self.verdict.reason, self.verdict.environment, self.ladder)


def judge_patch(
    reproducer: Reproducer,
    patch: bytes,
    fetcher: Fetcher,
    workshop: Workshop,
    *,
    known: Sequence[NamedFile] = (),
    chance: random.Random | None = None,
    progress: Progress = lambda _doing, _done, _of: None,
    stopping: threading.Event | None = None,
) -> PatchJudgement:
    """Return how far a unified diff climbs, made for the vulnerable release that the reproducer's recipe names.

    ``known`` are inputs of other reports of the same flaw. Which variants are tried is drawn anew each time, unless
    ``chance`` is given, so that no patch can be written for them. Raises as `prove`, and `Malformed` or `Refused` for
    what is no diff of text files.
    """
    files = read_patch(patch)
    task = task_for(reproducer, fetcher, workshop, progress)
    task = replace(
        task,
        patched=replace(task.vulnerable, patch=_carried(NamedFile("patch", patch))),
        seed=(chance or secrets.SystemRandom()).getrandbits(SEED_BITS),
        known=tuple(_carried(file) for file in known[:KNOWN_MAX]),
    )
    seen = see_apart(task, workshop, progress, stopping or threading.Event())
    recipe = parse_recipe(reproducer.recipe)
    verdict = judge(recipe, task, seen)
    return PatchJudgement(verdict, ladder_of(recipe.oracle, verdict.crash, files, seen))


def ladder_of(oracle: Oracle, crash: Crash | None, files: tuple[FileDiff, ...], seen: Seen) -> Ladder | None:
    """Return how far a patch climbs by what was seen; None where there is no flaw that it could end; pure."""
    if crash is None or seen.patch is None:
        return None
    return climb(Climb(oracle, crash, seen.vulnerable.scene, seen.patch, doubt_of(files, oracle)))


def _carried(file: NamedFile) -> CarriedFile:
    return CarriedFile(file.name, base64.b64encode(file.content).decode())
