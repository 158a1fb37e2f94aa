"""What a terminal shows of a survey: one mark a release, and what may be said of them."""

from __future__ import annotations

import pytest

from leadtime.doors.cli.validate_survey import survey_lines
from leadtime.flow.validation import AffectedRange, NewestRelease, ReleaseWord, Survey, Tried
from leadtime.flow.validation.affected.records import Bound, Event

LEGEND = "  x fails   ~ fails otherwise   . clean   ? not known   - not run; oldest first"


@pytest.mark.parametrize(
    ("found", "lines"),
    [
        (
            Survey(NewestRelease(Tried("3", ReleaseWord.FAILS_OTHERWISE, "it spins"), ""), None, ""),
            ["newest release 3: fails otherwise: it spins"],
        ),
        (
            Survey(NewestRelease(None, "no index"), None, "no list"),
            ["newest release: not known: no index", "affected releases: not known: no list"],
        ),
    ],
)
def test_the_newest_release_is_told_or_why_it_is_not(found: Survey, lines: list[str]) -> None:
    assert survey_lines(found) == lines


def test_a_range_is_a_picture_with_one_mark_a_release() -> None:
    releases = tuple(str(number) for number in range(75))
    words = (ReleaseWord.FAILS, ReleaseWord.FAILS_OTHERWISE, ReleaseWord.CLEAN, ReleaseWord.UNKNOWN)
    tried = tuple(Tried(str(number), word, "") for number, word in enumerate(words))
    events = (Event(Bound.INTRODUCED, "0"), Event(Bound.FIXED, "2"))

    lines = survey_lines(
        Survey(NewestRelease(None, "none"), AffectedRange("ECOSYSTEM", events, releases, tried, ("1", "3")), "")
    )

    assert lines[1:] == [
        "affected releases: introduced 0, fixed 2 (4 of 75 run)",
        "  x~.?" + "-" * 68,
        "  ---",
        LEGEND,
        "  seen failing: 0",
        "  not decided: 2 releases; beside one that fails they count as affected",
    ]


def test_where_all_is_decided_nothing_is_said_of_the_rest() -> None:
    affected = AffectedRange("SEMVER", (), ("1",), (Tried("1", ReleaseWord.CLEAN, ""),), ())

    assert survey_lines(Survey(NewestRelease(None, "none"), affected, ""))[1:] == [
        "affected releases: none (1 of 1 run)",
        "  .",
        LEGEND,
    ]
