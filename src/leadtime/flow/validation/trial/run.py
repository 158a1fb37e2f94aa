"""The process that runs a task: reads it from standard input, answers on standard output.

Started by `prove`, isolated, with no database, no secrets and no network of its own. Lines of the answer are
``{"doing": TEXT, "done": N, "of": M}``; the last one is ``{"seen": …}`` or
``{"problem": {"kind", "what", "where", "next_step"}}``.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from leadtime.flow.validation.ladder.records import SeenPatch
from leadtime.flow.validation.ladder.try_patch import try_patch
from leadtime.flow.validation.plain import from_plain, to_plain
from leadtime.flow.validation.recipe import Recipe
from leadtime.flow.validation.records import SeenSide
from leadtime.flow.validation.smaller.look import look_for_smaller
from leadtime.flow.validation.task import CarriedFile, Task
from leadtime.flow.validation.trial.runs import Target
from leadtime.flow.validation.trial.sides import Progress, open_sides, shown
from leadtime.flow.validation.trial.toolchain import Toolchain
from leadtime.foundation.digests import Digest, canonical_json, digest_of_parts
from leadtime.foundation.errors import LeadtimeError
from leadtime.foundation.strict_json import JsonBounds, read_json

RUNS = 5

TASK_BOUNDS = JsonBounds(bytes_max=256 << 20, depth_max=8, values_max=4_000_000)


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that a run saw, both sides, with the digests of the evidence it kept.

    ``patch``: what was seen with the task's patch; None without one, or where the flaw did not show. ``smaller``: an
    input that shows the flaw, if one was looked for.
    """

    vulnerable: SeenSide
    fixed: SeenSide | None
    environment: Digest
    evidence: tuple[Digest, ...]
    patch: SeenPatch | None = None
    smaller: CarriedFile | None = None


def carry_out(task: Task, progress: Progress, *, runs: int = RUNS) -> Seen:
    """Build and run both sides of a task and return what was seen; the fixed side only if the flaw showed."""
    sides = open_sides(task, progress, runs=runs)
    with sides.built(task.vulnerable) as target:
        vulnerable = sides.see(task.vulnerable, target, with_control=True)
        crash, patch, smaller = shown(sides.recipe, vulnerable), None, None
        if task.patched is not None and crash is not None and isinstance(target, Target):
            patch = try_patch(sides, task.patched, target, vulnerable, crash)
        if task.smaller and crash is not None and isinstance(target, Target):
            smaller = look_for_smaller(sides, target, crash)
    fixed = None
    if task.fixed is not None and crash is not None:
        with sides.built(task.fixed) as target:
            fixed = sides.see(task.fixed, target, with_control=False)
    environment = _environment(sides.recipe, sides.toolchain)
    return Seen(vulnerable, fixed, environment, tuple(sides.evidence.digests), patch, smaller)


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
