"""The affected releases of a new flaw are looked for once, kept sealed, and offered to whoever writes its advisory."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from leadtime.doors.read_models.evidence import strip_of
from leadtime.doors.read_models.pictures import ReleaseMark, ReleaseStrip
from leadtime.flow import merging, validation
from leadtime.flow.intake import NamedFile, Reproducer
from leadtime.flow.validation import (
    AffectedRange,
    Bound,
    NewestRelease,
    ReleaseWord,
    Survey,
    Tried,
    survey_as_json,
)
from leadtime.flow.validation.affected.records import Event
from leadtime.formats.advisories import AffectedSpan, Outcome
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.digests import canonical_json
from leadtime.foundation.errors import Malformed, Refused, Unavailable
from leadtime.foundation.settings import read_settings
from leadtime.workflows import survey_apart, surveying
from leadtime.workflows.drafting import offered_spans
from leadtime.workflows.engine import Station
from leadtime.workflows.report_to_operator import merge, open_case
from leadtime.workflows.surveying import find_range, look_over
from tests.workflows.story import CANARY, Cast, a_story_report, believe, state_of, validation_of

EVENTS = (
    Event(Bound.INTRODUCED, "0"),
    Event(Bound.FIXED, "5.1.0"),
    Event(Bound.INTRODUCED, "5.3.0"),
)
TRIED = (
    Tried("5.0.0", ReleaseWord.FAILS, f"it fails {CANARY}"),
    Tried("5.1.0", ReleaseWord.CLEAN, "nothing was seen"),
    Tried("5.3.0", ReleaseWord.FAILS, "again"),
)
FOUND = Survey(
    NewestRelease(TRIED[2], ""),
    AffectedRange("ECOSYSTEM", EVENTS, ("4.0.0", "5.0.0", "5.1.0", "5.3.0"), TRIED, ("4.0.0",)),
    "",
)


@pytest.fixture
def cast(database) -> Cast:
    return Cast(database)


@pytest.fixture
def station(database, home) -> Station:
    return Station(database, None, read_settings({"LEADTIME_HOME": str(home), "LEADTIME_RANGE_RELEASES": "7"}))


@pytest.fixture
def proven(cast, station):
    """Hand a report in, decide it and merge it."""

    def prove(reference: str, **told: object):
        report = cast.hand_in(a_story_report(reference, **told))
        if cast.decide(report).verdict == "reproduced":
            merge(station, report)
        return report

    return prove


def never(*_) -> Survey:
    raise AssertionError


def ranges_waiting(database) -> int:
    return [name for name, _ in state_of(database)["jobs"]].count("find_range")


def test_only_a_new_flaw_is_looked_over(proven, database):
    proven("A-1")
    assert ranges_waiting(database) == 1

    proven("A-2")
    assert ranges_waiting(database) == 1

    proven("A-3", function="other")
    assert ranges_waiting(database) == 2


def test_where_no_releases_are_to_be_run_none_are(cast, database, home):
    station = Station(database, None, read_settings({"LEADTIME_HOME": str(home), "LEADTIME_RANGE_RELEASES": "0"}))
    report = cast.hand_in(a_story_report("A-1"))
    with database.transaction(SYSTEM) as tx:
        begun = validation.begin_validation(tx, report)
        validation.absorb_validation(tx, begun, believe(begun, threading.Event()))

    merge(station, report)
    find_range(never, station, report)

    assert ranges_waiting(database) == 0
    assert validation_of(database, report).survey is None


def test_what_is_found_is_kept_sealed_once_and_read_with_the_validation(proven, database, station, clock):
    report = proven("A-1")
    asked = []

    def look(settings, reproducer, _stopping) -> Survey:
        asked.append((settings.range_releases, reproducer.input.name))
        return FOUND

    find_range(look, station, report)
    find_range(look, station, report)

    assert asked == [(7, "a.json")]
    kept = validation_of(database, report)
    assert kept.survey is not None
    assert (kept.survey.found, kept.survey.at) == (FOUND, clock.now())
    with database.transaction(SYSTEM) as tx:
        assert CANARY.encode() not in bytes(tx.connection.scalar(text("select survey from validations")))


def test_what_was_not_reproduced_is_not_looked_over(proven, station):
    report = proven("A-1", verdict="not_reproduced")

    find_range(never, station, report)


def test_only_a_worker_keeps_what_it_ran(cast, proven, database):
    report = proven("A-1")

    with database.transaction(cast.coordinator) as tx, pytest.raises(Refused) as caught:
        validation.keep_survey(tx, report, FOUND)
    assert caught.value.what == "only a worker keeps what it ran"


def test_an_advisory_names_every_release_that_was_seen_failing(cast, proven, station, database):
    report = proven("A-1")
    with database.transaction(SYSTEM) as tx:
        vulnerability = merging.vulnerability_of(tx, report)
    open_case(station, vulnerability)
    (first,) = cast.draft(report).document.packages
    proof = str(validation_of(database, report).id)
    assert [(run.version, run.outcome, run.validation) for run in first.runs] == [
        ("5.0.0", Outcome.AFFECTED, proof),
        ("5.2.0", Outcome.FIXED, proof),
    ]

    find_range(lambda *_: FOUND, station, report)
    (package,) = cast.draft(report).document.packages
    assert [(run.version, run.outcome, run.validation) for run in package.runs] == [
        ("5.0.0", Outcome.AFFECTED, proof),
        ("5.3.0", Outcome.AFFECTED, proof),
        ("5.2.0", Outcome.FIXED, proof),
    ]


def test_a_range_is_offered_with_where_it_comes_from(proven, database, station):
    report = proven("A-1")
    assert offered_spans([validation_of(database, report)]) == ()
    find_range(lambda *_: FOUND, station, report)
    kept = validation_of(database, report)
    kept = replace(kept, survey=replace(kept.survey, at=datetime(2026, 11, 23, 20, 0, tzinfo=UTC)))

    source = "run by this installation on 3 of 4 releases, 1 not decided (2026-11-23)"
    assert offered_spans([kept]) == (
        AffectedSpan("0", "5.1.0", None, source),
        AffectedSpan("5.3.0", None, None, source),
    )
    decided = replace(kept.survey.found.affected, undecided=())
    kept = replace(kept, survey=replace(kept.survey, found=replace(kept.survey.found, affected=decided)))
    assert offered_spans([kept])[0].source == "run by this installation on 3 of 4 releases (2026-11-23)"


def test_a_page_shows_one_mark_a_release():
    assert strip_of(FOUND) == ReleaseStrip(
        marks=(
            ReleaseMark("4.0.0", ""),
            ReleaseMark("5.0.0", "fails", f"it fails {CANARY}"),
            ReleaseMark("5.1.0", "clean", "nothing was seen"),
            ReleaseMark("5.3.0", "fails", "again"),
        ),
        events="introduced 0, fixed 5.1.0, introduced 5.3.0",
        newest="5.3.0: fails",
        undecided=1,
    )
    assert [mark.release for mark in strip_of(FOUND).tried] == ["5.0.0", "5.1.0", "5.3.0"]
    assert strip_of(FOUND).failing == ("5.0.0", "5.3.0")
    assert strip_of(Survey(NewestRelease(None, "no index"), None, "why")) == ReleaseStrip(
        (), "why", "not known: no index", 0
    )


GIVEN = Reproducer(b"{}", (), NamedFile("a.json", b"{}"))


def test_the_answer_of_its_process_is_read_strictly(home, monkeypatch):
    settings = read_settings({"LEADTIME_HOME": str(home)})
    told = canonical_json(survey_as_json(FOUND)).decode()
    monkeypatch.setattr(surveying, "APART", f"import sys\nsys.stdin.read()\nprint({told!r})")

    assert look_over(settings, GIVEN, threading.Event()) == FOUND

    monkeypatch.setattr(surveying, "APART", "print('{}')")
    with pytest.raises(Malformed):
        look_over(settings, GIVEN, threading.Event())
    monkeypatch.setattr(surveying, "APART", "import sys\nsys.exit('no index')")
    with pytest.raises(Unavailable) as caught:
        look_over(settings, GIVEN, threading.Event())
    assert caught.value.what == "the run ended without a verdict: no index"


def test_its_process_proves_the_report_again_before_it_goes_further(home, monkeypatch):
    settings = read_settings({"LEADTIME_HOME": str(home), "LEADTIME_RANGE_RELEASES": "3"})
    asked = []
    monkeypatch.setattr(survey_apart, "prove", lambda given, *_, **__: asked.append(given) or "verdict")

    def survey(given, verdict, *_, tried_max, **__):
        asked.append((given, verdict, tried_max))
        return FOUND

    monkeypatch.setattr(survey_apart, "survey", survey)

    assert survey_apart.answer(GIVEN, settings, threading.Event()) == canonical_json(survey_as_json(FOUND))
    assert asked == [GIVEN, (GIVEN, "verdict", 3)]
