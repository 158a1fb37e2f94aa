"""Patches of a tiny release, each built, run and judged: the one that fixes it climbs to the top, the others stop."""

from __future__ import annotations

import base64
import difflib
from dataclasses import replace
from pathlib import Path

import pytest

from leadtime.flow.validation.ladder.diffs import read_patch
from leadtime.flow.validation.ladder.judge_patch import ladder_of
from leadtime.flow.validation.ladder.records import Ladder, Rung
from leadtime.flow.validation.recipe import parse_recipe
from leadtime.flow.validation.run import carry_out
from leadtime.flow.validation.sides import shown
from leadtime.flow.validation.task import CarriedFile
from tests.flow.validation.brittle import LIBRARY, VERSIONS, Trial, task_of

pytestmark = pytest.mark.sandbox

BRITTLE = LIBRARY % VERSIONS["1.0"]
SUM = "  char *copy = malloc(size);\n"


def diff_of(new: str, old: str = BRITTLE) -> bytes:
    lines = difflib.unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), "a/lib/brittle.c", "b/lib/brittle.c"
    )
    return "".join(lines).encode()


def before_sum(text: str) -> bytes:
    return diff_of(BRITTLE.replace(SUM, f"  {text}\n{SUM}"))


def ladder_on(patch: bytes, place: Path, trial: Trial | None = None, **more: object) -> Ladder:
    task = task_of(trial or Trial(control="harmless"), place)
    carried = CarriedFile("patch", base64.b64encode(patch).decode())
    task = replace(task, patched=replace(task.vulnerable, patch=carried), seed=7, **more)  # type: ignore[arg-type]
    seen = carry_out(task, lambda *_: None, runs=1)
    recipe = parse_recipe(task.recipe.encode())
    ladder = ladder_of(recipe.oracle, shown(recipe, seen.vulnerable), read_patch(patch), seen)
    assert ladder is not None
    return ladder


def told(ladder: Ladder) -> dict[str, str]:
    return {step.rung.value: f"{step.standing.value}: {step.reason}" for step in ladder.steps}


def test_the_real_fix_reaches_the_top(tmp_path: Path) -> None:
    ladder = ladder_on(diff_of(LIBRARY % VERSIONS["1.3"]), tmp_path)

    assert ladder.is_climbed, told(ladder)


def test_a_patch_for_the_reported_input_alone_stops_at_variants(tmp_path: Path) -> None:
    ladder = ladder_on(before_sum('if (size == 9 && !memcmp(text, "!overflow", 9)) return 0;'), tmp_path)

    assert ladder.reached is Rung.REPRODUCER, told(ladder)
