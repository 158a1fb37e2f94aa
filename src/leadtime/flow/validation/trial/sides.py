"""The releases of one task: how each is built, held while it is used, and run on the task's input."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from leadtime.flow.validation.evidence import Evidence
from leadtime.flow.validation.recipe import Recipe, parse_recipe
from leadtime.flow.validation.records import Crash, Scene, SeenSide
from leadtime.flow.validation.rules import conclude, judge_run
from leadtime.flow.validation.task import Fetched, Task
from leadtime.flow.validation.trial.build import BuildFailure, Built, build
from leadtime.flow.validation.trial.runs import Target
from leadtime.flow.validation.trial.toolchain import Toolchain, find_toolchain, memory_of_machine_mib
from leadtime.foundation.errors import Unavailable
from leadtime.sandbox import discard

MEMORY_PERCENT_MAX = 75
"""Of the machine's memory, for one program: the rest is ours and the observer's."""

FREE_BYTES_MIN = 1 << 30
"""Below it nothing is begun: evidence is not removed to make room."""

Progress = Callable[[str, int, int], None]
"""Hears what is being done, and how many of how many of it are done."""


def open_sides(task: Task, progress: Progress, *, runs: int) -> Sides:
    """Look at the machine and the toolchain, and return what builds and runs the task's releases, ``runs`` times each.

    Raises `Unavailable` where there is no room or no Python, and what `parse_recipe` raises.
    """
    recipe = within_machine(parse_recipe(task.recipe.encode()), memory_of_machine_mib())
    _refuse_full(Path(task.cache))
    progress("looking at the toolchain", 0, 1)
    toolchain = find_toolchain(task.python, task.sandbox_user)
    evidence = Evidence(Path(task.evidence), in_clear=task.evidence_in_clear)
    return Sides(task, recipe, toolchain, evidence, progress, runs)


@dataclass(frozen=True, slots=True)
class Sides:
    """What the releases of one task have in common: each is built, and then run on the task's input."""

    task: Task
    recipe: Recipe
    toolchain: Toolchain
    evidence: Evidence
    progress: Progress
    runs: int

    @contextmanager
    def built(self, release: Fetched) -> Iterator[Target | BuildFailure]:
        """Hold a release built, as something to run, as long as the block runs."""
        with tempfile.TemporaryDirectory(prefix="leadtime-build-", ignore_cleanup_errors=True) as place:
            tree = Path(place, "tree")
            tree.mkdir()
            try:
                self.progress(f"building {release.purl}", 0, 1)
                made = build(self.task, self.recipe, release, self.toolchain, self.evidence, place=tree)
                yield made if isinstance(made, BuildFailure) else self._target(made)
            finally:
                discard(tree)

    def _target(self, built: Built) -> Target:
        return Target(built, self.recipe, self.toolchain, self.task.sandbox_user, self.evidence)

    def see(self, release: Fetched, target: Target | BuildFailure, *, with_control: bool) -> SeenSide:
        """Run a release on the input, again and again, and before that once on the control."""
        if isinstance(target, BuildFailure):
            interpreter = self.toolchain.interpreter
            scene = Scene({}, {}, interpreter.files, interpreter.places)
            return SeenSide(release.purl, release.digest, target.reason, scene, network=target.network)
        control = self.task.control if with_control else None
        before = [control] if control is not None else []
        of = len(before) + self.runs
        self.progress(f"running {release.purl}", 0, of)
        raw = [target.run(given) for given in before]
        for found in target.repeat(self.task.input, self.runs):
            raw.append(found)
            self.progress(f"running {release.purl}", len(raw), of)
        runs = target.read(raw)
        return SeenSide(
            purl=release.purl,
            release_digest=release.digest,
            build_failure="",
            scene=target.scene,
            control=runs[0] if control is not None else None,
            runs=runs[-self.runs :],
            network=target.network,
        )


def within_machine(recipe: Recipe, memory_mib: int) -> Recipe:
    """Return the recipe with no more memory than a machine of that size can give one program."""
    bound = max(1, memory_mib * MEMORY_PERCENT_MAX // 100)
    limits = recipe.limits
    return dataclasses.replace(recipe, limits=dataclasses.replace(limits, memory_mib=min(limits.memory_mib, bound)))


def _refuse_full(cache: Path) -> None:
    """Return if there is room for a validation and its evidence; raises `Unavailable` before anything is begun."""
    cache.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(cache).free < FREE_BYTES_MIN:
        raise Unavailable(
            f"less than {FREE_BYTES_MIN >> 30} GiB of disk are free", where=str(cache), next_step="Make room."
        )


def shown(recipe: Recipe, side: SeenSide) -> Crash | None:
    """Return the crash that a vulnerable side showed; None if what it showed is no flaw of the subject's."""
    control = judge_run(recipe.oracle, side.control, side.scene) if side.control is not None else None
    judged = [judge_run(recipe.oracle, run, side.scene) for run in side.runs]
    return conclude(side.build_failure, control, judged)[2]
