"""The process that runs a task: reads it from standard input, answers on standard output.

Started by `prove`, isolated, with no database, no secrets and no network of its own. Lines of the answer are
``{"doing": TEXT, "done": N, "of": M}``; the last one is ``{"seen": …}`` or
``{"problem": {"kind", "what", "where", "next_step"}}``.
"""

from __future__ import annotations

import dataclasses
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from leadtime.flow.validation.build import BuildFailure, build
from leadtime.flow.validation.evidence import Evidence
from leadtime.flow.validation.plain import from_plain, to_plain
from leadtime.flow.validation.recipe import Recipe, parse_recipe
from leadtime.flow.validation.records import Scene, SeenSide
from leadtime.flow.validation.rules import conclude, judge_run
from leadtime.flow.validation.runs import Target
from leadtime.flow.validation.task import Fetched, Task
from leadtime.flow.validation.toolchain import Toolchain, find_toolchain, memory_of_machine_mib
from leadtime.foundation.digests import Digest, canonical_json, digest_of_parts
from leadtime.foundation.errors import LeadtimeError, Unavailable
from leadtime.foundation.strict_json import JsonBounds, read_json
from leadtime.sandbox import discard

RUNS = 5
MEMORY_PERCENT_MAX = 75
"""Of the machine's memory, for one program: the rest is ours and the observer's."""

FREE_BYTES_MIN = 1 << 30
"""Below it nothing is begun: evidence is not removed to make room."""

TASK_BOUNDS = JsonBounds(bytes_max=256 << 20, depth_max=8, values_max=4_000_000)

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that a run saw, both sides, with the digests of the evidence it kept."""

    vulnerable: SeenSide
    fixed: SeenSide | None
    environment: Digest
    evidence: tuple[Digest, ...]


def carry_out(task: Task, progress: Progress, *, runs: int = RUNS) -> Seen:
    """Build and run both sides of a task and return what was seen; the fixed side only if the flaw showed."""
    recipe = within_machine(parse_recipe(task.recipe.encode()), memory_of_machine_mib())
    _refuse_full(Path(task.cache))
    progress("looking at the toolchain", 0, 1)
    toolchain = find_toolchain(task.python, task.sandbox_user)
    evidence = Evidence(Path(task.evidence), in_clear=task.evidence_in_clear)
    side = _Side(task, recipe, toolchain, evidence, progress, runs)
    vulnerable = side.see(task.vulnerable, with_control=True)
    fixed = None
    if task.fixed is not None and _shows(recipe, vulnerable):
        fixed = side.see(task.fixed, with_control=False)
    return Seen(vulnerable, fixed, _environment(recipe, toolchain), tuple(evidence.digests))


@dataclass(frozen=True, slots=True)
class _Side:
    """What both sides have in common."""

    task: Task
    recipe: Recipe
    toolchain: Toolchain
    evidence: Evidence
    progress: Progress
    runs: int

    def see(self, release: Fetched, *, with_control: bool) -> SeenSide:
        with tempfile.TemporaryDirectory(prefix="leadtime-build-", ignore_cleanup_errors=True) as place:
            tree = Path(place, "tree")
            tree.mkdir()
            try:
                return self._see(release, tree, with_control=with_control)
            finally:
                discard(tree)

    def _see(self, release: Fetched, place: Path, *, with_control: bool) -> SeenSide:
        self.progress(f"building {release.purl}", 0, 1)
        built = build(self.task, self.recipe, release, self.toolchain, self.evidence, place=place)
        interpreter = self.toolchain.interpreter
        if isinstance(built, BuildFailure):
            scene = Scene({}, {}, interpreter.files, interpreter.places)
            return SeenSide(release.purl, release.digest, built.reason, scene)
        target = Target(built, self.recipe, self.toolchain, self.task.sandbox_user, self.evidence)
        raw = []
        control = self.task.control if with_control else None
        inputs = [*([control] if control is not None else []), *[self.task.input] * self.runs]
        for number, given in enumerate(inputs):
            self.progress(f"running {release.purl}", number, len(inputs))
            raw.append(target.run(given))
        runs = target.read(raw)
        return SeenSide(
            purl=release.purl,
            release_digest=release.digest,
            build_failure="",
            scene=Scene(built.note.release, built.note.proofs, interpreter.files, interpreter.places),
            control=runs[0] if control is not None else None,
            runs=runs[-self.runs :],
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


def _shows(recipe: Recipe, side: SeenSide) -> bool:
    control = judge_run(recipe.oracle, side.control, side.scene) if side.control is not None else None
    judged = [judge_run(recipe.oracle, run, side.scene) for run in side.runs]
    return conclude(side.build_failure, control, judged)[2] is not None


def _environment(recipe: Recipe, toolchain: Toolchain) -> Digest:
    limits = recipe.limits
    env = [f"{name}={value}" for name, value in recipe.env]
    return digest_of_parts(
        ("leadtime.environment/1", toolchain.digest, str(limits.run_s), str(limits.memory_mib), recipe.oracle, *env)
    )


def main() -> None:
    """Read the task, carry it out, answer."""

    def answer(line: dict[str, object]) -> None:
        sys.stdout.write(canonical_json(line).decode() + "\n")
        sys.stdout.flush()

    def progress(doing: str, done: int, of: int) -> None:
        answer({"doing": doing, "done": done, "of": of})

    try:
        task = from_plain(Task, read_json(sys.stdin.buffer.read(TASK_BOUNDS.bytes_max + 1), TASK_BOUNDS))
        answer({"seen": to_plain(carry_out(task, progress))})
    except LeadtimeError as problem:
        told = {"what": problem.what, "where": problem.where, "next_step": problem.next_step}
        answer({"problem": {"kind": type(problem).__name__, **told}})
