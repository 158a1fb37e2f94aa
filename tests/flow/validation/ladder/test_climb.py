"""Patches of a tiny release, each built, run and judged: the one that fixes it climbs to the top, the others stop."""

from __future__ import annotations

import base64
import difflib
import math
from dataclasses import replace
from pathlib import Path

import pytest

from leadtime.flow.validation.ladder import try_patch
from leadtime.flow.validation.ladder.diffs import read_patch
from leadtime.flow.validation.ladder.judge_patch import ladder_of
from leadtime.flow.validation.ladder.records import Applied, Ladder, Rung
from leadtime.flow.validation.recipe import parse_recipe
from leadtime.flow.validation.task import CarriedFile
from leadtime.flow.validation.trial.run import carry_out
from leadtime.flow.validation.trial.sides import shown
from tests.flow.validation.brittle import C_BUILD, LIBRARY, VERSIONS, Trial, task_of

pytestmark = pytest.mark.sandbox

BRITTLE = LIBRARY % VERSIONS["1.0"]
HONEST = Trial(control="harmless")
UNCHECKED = replace(
    HONEST,
    build=("grep -q Brittle {src}/README && f=-fsanitize=address; " + C_BUILD.replace("-fsanitize=address", "$f"),),
)
NO_CHECKS = b"--- a/README\n+++ b/README\n@@ -1 +1 @@\n-Brittle.\n+Hardened.\n"
SUM = "  char *copy = malloc(size);\n"


def diff_of(new: str, old: str = BRITTLE) -> bytes:
    lines = difflib.unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), "a/lib/brittle.c", "b/lib/brittle.c"
    )
    return "".join(lines).encode()


def before_sum(text: str) -> bytes:
    return diff_of(BRITTLE.replace(SUM, f"  {text}\n{SUM}"))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home that all patches share, so that what they are made for is built once."""
    return tmp_path_factory.mktemp("ladder")


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for no more inputs than it takes, however long this machine takes for them."""
    monkeypatch.setattr(try_patch, "VARIANTS_WANTED", 3)
    monkeypatch.setattr(try_patch, "HARMLESS_WANTED", 2)
    monkeypatch.setattr(try_patch, "VARIANT_SECONDS_MAX", math.inf)
    monkeypatch.setattr(try_patch, "HARMLESS_SECONDS_MAX", math.inf)


def ladder_on(patch: bytes, place: Path, trial: Trial = HONEST, **more: object) -> Ladder:
    task = task_of(trial, place)
    carried = CarriedFile("patch", base64.b64encode(patch).decode())
    task = replace(task, patched=replace(task.vulnerable, patch=carried), seed=7, **more)  # type: ignore[arg-type]
    seen = carry_out(task, lambda *_: None, runs=1)
    recipe = parse_recipe(task.recipe.encode())
    ladder = ladder_of(recipe.oracle, shown(recipe, seen.vulnerable), read_patch(patch), seen)
    assert ladder is not None
    return ladder


def reason_at(rung: Rung, ladder: Ladder) -> str:
    return next(step.reason for step in ladder.steps if step.rung is rung)


def test_the_real_fix_reaches_the_top(place: Path) -> None:
    trial = replace(HONEST, tests=("./target {src}/README", "false"))

    ladder = ladder_on(diff_of(LIBRARY % VERSIONS["1.3"]), place, trial)

    assert ladder.is_climbed, ladder
    assert ladder.applied == Applied(("lib/brittle.c",), (), "")
    assert reason_at(Rung.TESTS, ladder) == "1 of 2 tests pass without the patch, and all of them with it"
    assert reason_at(Rung.BEHAVIOUR, ladder) == "2 harmless inputs end as before and print the same, watched or not"


def test_a_patch_for_the_reported_input_alone_stops_at_variants(place: Path) -> None:
    ladder = ladder_on(before_sum('if (size == 9 && !memcmp(text, "!overflow", 9)) return 0;'), place)

    assert ladder.reached is Rung.REPRODUCER, ladder
    assert reason_at(Rung.VARIANTS, ladder).endswith("): heap-buffer-overflow in read_one lib/brittle.c:5")


def test_the_inputs_of_other_reports_are_variants_too(place: Path) -> None:
    patch = before_sum('if (memcmp(text, "!other", 6)) return 0;')

    ladder = ladder_on(patch, place, known=(CarriedFile("o", base64.b64encode(b"!other").decode()),))

    assert ladder.reached is Rung.REPRODUCER, ladder
    assert reason_at(Rung.VARIANTS, ladder).startswith("another input that shows the flaw (of another report, sha256:")


@pytest.mark.parametrize(
    ("patch", "trial", "reached", "reason"),
    [
        (
            before_sum("").replace(b"malloc", b"calloc"),
            HONEST,
            None,
            "hunk 1 of b/lib/brittle.c has no place in the release",
        ),
        (before_sum("this is no C"), HONEST, Rung.APPLIES, "the build of pkg:pypi/brittle@1.0 failed with exit code 1"),
        (
            NO_CHECKS,
            UNCHECKED,
            Rung.APPLIES,
            "fewer of its compiled files hold the checks of asan: silence would show nothing",
        ),
        (
            diff_of(BRITTLE.replace("int brittle_sum", '__attribute__((no_sanitize("address"))) int brittle_sum')),
            HONEST,
            Rung.BUILDS,
            "the patch speaks to sanitizers or of fatal signals in b/lib/brittle.c: silence would show nothing",
        ),
        (
            before_sum("if (size > 100) size--;"),
            HONEST,
            Rung.BUILDS,
            "the reproducer: heap-buffer-overflow in read_one lib/brittle.c:5",
        ),
        (
            before_sum("exit(0);"),
            replace(HONEST, tests=("./target {src}/README | grep .", "true")),
            Rung.VARIANTS,
            "test 1 of 2 passes without the patch and fails with it",
        ),
    ],
    ids=["elsewhere", "no C", "unchecked", "speaks", "no fix", "leaves early"],
)
def test_a_patch_that_fixes_nothing_stops(
    patch: bytes, trial: Trial, reached: Rung | None, reason: str, place: Path
) -> None:
    ladder = ladder_on(patch, place, trial)

    assert ladder.reached is reached, ladder
    assert [step for step in ladder.steps if step.reason.startswith(reason)], ladder


def test_a_patch_that_leaves_before_the_flaw_does_not_keep_behaviour(place: Path) -> None:
    ladder = ladder_on(before_sum("exit(0);"), place)

    assert ladder.reached is Rung.VARIANTS, ladder
    assert reason_at(Rung.BEHAVIOUR, ladder).startswith("a harmless input (the control, sha256:")
    assert reason_at(Rung.BEHAVIOUR, ladder).endswith(") prints something else with the patch")


WATCHED = """  char line[256]; int filters = 0;
  for (FILE *status = fopen(PLACE "c/self/status", "r"); fgets(line, sizeof line, status);)
    sscanf(line, "Sec" "comp_filters: %d", &filters);
"""
"""How many filters a watched run has, in words that no reader of the patch looks for."""


@pytest.mark.parametrize(
    ("text", "rung", "reason"),
    [
        ("if (filters == 2 || *text == '!') return 0;", Rung.BEHAVIOUR, "(the control, watched, sha256:"),
        (
            "if (filters == 2) return 0;",
            Rung.REPRODUCER,
            "the reproducer: with nobody watching, it fails as it does without the patch",
        ),
    ],
    ids=["harmless input too", "the reproducer"],
)
def test_a_patch_that_knows_that_it_is_watched_stops(text: str, rung: Rung, reason: str, place: Path) -> None:
    knows = BRITTLE.replace(SUM, f"{WATCHED}  {text}\n{SUM}").replace(
        "#include <stdlib.h>", '#include <stdlib.h>\n#include <stdio.h>\n#define PLACE "/pro"'
    )

    ladder = ladder_on(diff_of(knows), place)

    assert reason in reason_at(rung, ladder), ladder
    assert not ladder.is_climbed
