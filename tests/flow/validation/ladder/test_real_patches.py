"""Published software: the project's own fix reaches the top, and one for the reported input alone does not."""

from __future__ import annotations

import base64
import difflib
import math
import os
from dataclasses import replace
from pathlib import Path

import pytest

from leadtime.flow.validation.ladder import try_patch
from leadtime.flow.validation.ladder.diffs import read_patch
from leadtime.flow.validation.ladder.judge_patch import ladder_of
from leadtime.flow.validation.ladder.records import Ladder, Rung
from leadtime.flow.validation.recipe import parse_recipe
from leadtime.flow.validation.run import carry_out
from leadtime.flow.validation.sides import shown
from leadtime.flow.validation.task import CarriedFile, Task, prepare, read_folder
from leadtime.packages.fetch import open_fetcher
from leadtime.packages.unpack import unpack

pytestmark = [pytest.mark.fetch, pytest.mark.sandbox]

REPORT = Path(__file__).parents[4] / "examples" / "first-flaw" / "reports" / "ujson-nested"
ENCODER = "lib/ultrajsonenc.c"
BEGINNING = "  enc->level = 0;\n"
REPORTED_ALONE = f"{BEGINNING}  if (enc->indent == 9000) enc->indent = 9;\n"


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Task:
    """Return the task of a real report, with both releases fetched."""
    home = tmp_path_factory.mktemp("real-patches")
    with open_fetcher(home / "releases", os.environ) as fetcher:
        return prepare(
            read_folder(REPORT / "recipe.json", REPORT / "nested.json"),
            fetcher,
            python=None,
            sandbox_user="nobody",
            cache=home / "cache",
            evidence=home / "evidence",
            tell=lambda _: None,
        )


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for no more inputs than it takes, however long this machine takes for them."""
    monkeypatch.setattr(try_patch, "VARIANTS_WANTED", 3)
    monkeypatch.setattr(try_patch, "HARMLESS_WANTED", 2)
    monkeypatch.setattr(try_patch, "VARIANT_SECONDS_MAX", math.inf)
    monkeypatch.setattr(try_patch, "HARMLESS_SECONDS_MAX", math.inf)


def source_of(archive: str, place: Path) -> str:
    return (unpack(Path(archive), place).root / ENCODER).read_text()


def ladder_on(task: Task, old: str, new: str) -> Ladder:
    names = (f"a/{ENCODER}", f"b/{ENCODER}")
    patch = "".join(difflib.unified_diff(old.splitlines(keepends=True), new.splitlines(keepends=True), *names)).encode()
    carried = CarriedFile("patch", base64.b64encode(patch).decode())
    asked = replace(task, fixed=None, patched=replace(task.vulnerable, patch=carried), seed=1)
    seen = carry_out(asked, lambda *_: None, runs=1)
    recipe = parse_recipe(task.recipe.encode())
    ladder = ladder_of(recipe.oracle, shown(recipe, seen.vulnerable), read_patch(patch), seen)
    assert ladder is not None
    return ladder


def test_the_projects_own_fix_reaches_the_top(task: Task, tmp_path: Path) -> None:
    assert task.fixed is not None
    old, new = source_of(task.vulnerable.archive, tmp_path / "old"), source_of(task.fixed.archive, tmp_path / "new")

    ladder = ladder_on(task, old, new)

    assert ladder.is_climbed, ladder


def test_a_patch_for_the_reported_input_alone_stops_at_variants(task: Task, tmp_path: Path) -> None:
    old = source_of(task.vulnerable.archive, tmp_path / "old")
    assert old.count(BEGINNING) == 1

    ladder = ladder_on(task, old, old.replace(BEGINNING, REPORTED_ALONE))

    assert ladder.reached is Rung.REPRODUCER, ladder
    assert ladder.steps[3].reason.endswith(f"stack-buffer-overflow in Buffer_AppendIndentUnchecked {ENCODER}:518")
