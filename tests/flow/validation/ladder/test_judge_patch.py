"""A patch is judged in the child that runs everything hostile; what is no diff is refused before that."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadtime.flow.intake import NamedFile
from leadtime.flow.validation import PatchJudgement, Word, Workshop, judge_patch
from leadtime.flow.validation.ladder.records import Rung
from leadtime.foundation.errors import Malformed, Refused
from tests.flow.validation.brittle import Shelf, Trial

PATCH = b"--- a/lib/brittle.c\n+++ b/lib/brittle.c\n@@ -5 +5 @@\n-%s\n+no C\n"
FIFTH_LINE = b"static int read_one(const char *place) { return *place; }"


def judged(patch: bytes, place: Path, trial: Trial) -> PatchJudgement:
    workshop = Workshop(place / "cache", place / "evidence", python=None, sandbox_user="nobody")
    shelf = Shelf(place)
    return judge_patch(trial.reproducer(), patch, shelf, workshop, known=[NamedFile("x", b"!x")])  # type: ignore[arg-type]


@pytest.mark.sandbox
def test_a_patch_is_judged_beside_its_release(tmp_path: Path) -> None:
    found = judged(PATCH % FIFTH_LINE, tmp_path, Trial())

    assert (found.verdict.word, found.verdict.reason) == (
        Word.REPRODUCED,
        "heap-buffer-overflow in read_one lib/brittle.c:5",
    )
    assert found.ladder is not None
    assert found.ladder.reached is Rung.APPLIES
    said = "the build of pkg:pypi/brittle@1.0 failed with exit code 1: /box/src/lib/brittle.c:5:"
    assert found.ladder.steps[1].reason.startswith(said)


@pytest.mark.sandbox
def test_where_no_flaw_shows_no_patch_is_judged(tmp_path: Path) -> None:
    found = judged(PATCH % FIFTH_LINE, tmp_path, Trial(given="harmless"))

    assert (found.verdict.word, found.ladder) == (Word.NOT_REPRODUCED, None)


@pytest.mark.parametrize(("patch", "error"), [(b"no diff", Malformed), (b"rename from x\n" + PATCH, Refused)])
def test_what_is_no_diff_of_text_files_is_refused_at_once(patch: bytes, error: type[Exception], tmp_path: Path) -> None:
    with pytest.raises(error):
        judged(patch, tmp_path, Trial(vulnerable="9.9"))
