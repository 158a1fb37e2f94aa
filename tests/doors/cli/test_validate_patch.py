"""What a terminal shows of a ladder, and the exit code that goes with it."""

from __future__ import annotations

import pytest

from leadtime.doors.cli.validate import patch_exit_code
from leadtime.doors.cli.validate_patch import ladder_lines
from leadtime.flow.validation import FixedWord, Harness, Ladder, PatchJudgement, Standing, Verdict, Word
from leadtime.flow.validation.ladder.records import Applied, Rung, Step
from leadtime.flow.validation.ladder.spelling import ladder_as_json
from leadtime.flow.validation.records import FixedSide
from leadtime.foundation.digests import digest_of

PASSED, FAILED, OPEN = Standing.PASSED, Standing.FAILED, Standing.NOT_CHECKED
STOPPED = Ladder(
    (Step(Rung.APPLIES, PASSED, "it changes x.c"), Step(Rung.BUILDS, FAILED, "no"), Step(Rung.TESTS, OPEN, "none")),
    Applied(("x.c",), ("t/x.c",), ""),
)
CLIMBED = Ladder((Step(Rung.VARIANTS, PASSED, "a"), Step(Rung.BEHAVIOUR, PASSED, "b")), Applied(("x.c",), (), ""))
GROUND = Ladder((Step(Rung.APPLIES, FAILED, "hunk 1 has no place"),), None)


def judgement(word: Word, ladder: Ladder | None) -> PatchJudgement:
    fixed = FixedSide(FixedWord.NOT_CHECKED, "", 0, 0)
    return PatchJudgement(Verdict(word, "", None, None, fixed, Harness.FINDER, digest_of(b""), ()), ladder)


@pytest.mark.parametrize(
    ("ladder", "lines"),
    [
        (
            STOPPED,
            [
                "patch: reaches applies",
                "  ✓ applies            it changes x.c",
                "  ✗ builds             no",
                "  ? tests pass         none",
            ],
        ),
        (
            CLIMBED,
            [
                "patch: 2 of 2 machine rungs hold; no person has reviewed it yet",
                "  ✓ variants silent    a",
                "  ✓ behaviour kept     b",
            ],
        ),
        (GROUND, ["patch: reaches no rung", "  ✗ applies            hunk 1 has no place"]),
        (None, ["patch: not judged, for the flaw did not show without it"]),
    ],
)
def test_a_ladder_is_shown_rung_by_rung(ladder: Ladder | None, lines: list[str]) -> None:
    assert ladder_lines(ladder) == lines


@pytest.mark.parametrize(
    ("word", "ladder", "code"),
    [
        (Word.REPRODUCED, CLIMBED, 0),
        (Word.REPRODUCED, STOPPED, 3),
        (Word.NOT_REPRODUCED, None, 3),
        (Word.INCONCLUSIVE, None, 4),
    ],
)
def test_only_a_patch_that_reaches_the_top_ends_with_0(word: Word, ladder: Ladder | None, code: int) -> None:
    assert patch_exit_code(judgement(word, ladder)) == code


def test_a_ladder_in_json_names_what_was_reached_and_why() -> None:
    assert ladder_as_json(STOPPED) == {
        "reached": "applies",
        "rungs": [
            {"rung": "applies", "passed": True, "reason": "it changes x.c"},
            {"rung": "builds", "passed": False, "reason": "no"},
            {"rung": "tests_pass", "passed": None, "reason": "none"},
        ],
        "touched": ["x.c"],
        "left_out": ["t/x.c"],
        "archive": "",
    }
    assert ladder_as_json(GROUND)["touched"] == ladder_as_json(GROUND)["left_out"] == []
    assert ladder_as_json(GROUND)["reached"] is None
    assert ladder_as_json(None) == {"reached": None, "rungs": [], "touched": [], "left_out": [], "archive": ""}
