"""A report that nobody but its finder reproduced goes on only by a coordinator's word, which is kept (I5)."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from sqlalchemy import event, text

from leadtime.flow import coordination, merging, validation
from leadtime.flow.coordination import CaseState, EventKind
from leadtime.flow.parties import OrganisationId
from leadtime.flow.validation import Outcome, State
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.errors import Conflict, Malformed, Missing, Refused
from leadtime.foundation.settings import read_settings
from leadtime.workflows.engine import Station
from leadtime.workflows.report_to_operator import merge, open_case, open_unproven, validate_again
from tests.workflows.story import Cast, a_story_report, believe


@pytest.fixture
def cast(database) -> Cast:
    return Cast(database)


@pytest.fixture
def station(database, tmp_path) -> Station:
    return Station(database, None, read_settings({"LEADTIME_HOME": str(tmp_path), "LEADTIME_RANGE_RELEASES": "9"}))


def decide(database, report, verdict):
    with database.transaction(SYSTEM) as tx:
        begun = validation.begin_validation(tx, report)
        assert begun is not None
        assert validation.absorb_validation(tx, begun, Outcome(verdict, None, b'{"crash": null}'))


def waiting(database, report):
    with database.transaction(SYSTEM) as tx:
        kept = validation.read_validation(tx, report)
        jobs = tx.connection.scalar(text("select count(*) from procrastinate_jobs where task_name = 'validate'"))
    return kept.state, kept.outcome and kept.outcome.verdict, jobs


def test_a_coordinator_opens_a_case_for_what_was_not_reproduced_and_the_history_keeps_why(cast, database):
    report = cast.hand_in(a_story_report("A-1"))
    other = cast.hand_in(a_story_report("A-2"))
    for each in (report, other):
        decide(database, each, "not_reproduced")
    with database.transaction(cast.coordinator) as tx:
        case = open_unproven(tx, report, reason=" Seen in the wild. ")
        assert open_unproven(tx, report, reason="Again.") == case
        assert open_unproven(tx, other, reason="Another.") != case
        found = coordination.read_case(tx, case)
        flaw = merging.read_vulnerability(tx, found.case.vulnerability)
        assert merging.read_evidence_of(tx, flaw.id)[0].release is None
    opened = [(e.note, e.person) for e in found.history if e.kind is EventKind.OPENED]
    assert opened == [("Seen in the wild.", cast.coordinator.person)]
    assert (found.reports, flaw.component) == ((report,), "pkg:pypi/ujson")
    with (
        database.transaction(cast.coordinator) as tx,
        pytest.raises(Refused, match="nobody but its finder has reproduced this flaw"),
    ):
        coordination.deliver(tx, case, cast.maintainer.organisation)
    with database.transaction(cast.maintainer) as tx, pytest.raises(Missing):
        coordination.read_case(tx, case)


def test_only_a_named_coordinator_with_a_reason_opens_it_and_only_once_it_is_decided(cast, database):
    report = cast.hand_in(a_story_report("A-1"))
    with database.transaction(cast.coordinator) as tx:
        with pytest.raises(Conflict, match="this report's validation is not decided yet"):
            open_unproven(tx, report, reason="I believe it.")
        with pytest.raises(Malformed, match="reason: this is empty"):
            open_unproven(tx, report, reason=" ")
    decide(database, report, "reproduced")
    with database.transaction(cast.coordinator) as tx, pytest.raises(Conflict, match="its case opens by itself"):
        open_unproven(tx, report, reason="I believe it.")
    with database.transaction(cast.finder) as tx, pytest.raises(Refused):
        open_unproven(tx, report, reason="I wrote it.")
    nobody = replace(cast.coordinator, person=None)
    with database.transaction(nobody) as tx, pytest.raises(Refused, match="only a named person gives a reason"):
        open_unproven(tx, report, reason="I believe it.")


def test_an_inconclusive_validation_is_run_again_and_no_other(cast, database):
    report = cast.hand_in(a_story_report("A-1"))
    decide(database, report, "inconclusive")
    with database.transaction(cast.finder) as tx, pytest.raises(Refused):
        validate_again(tx, report)
    with database.transaction(cast.coordinator) as tx:
        validate_again(tx, report)
        validate_again(tx, report)
    assert waiting(database, report) == (State.QUEUED, None, 2)
    decide(database, report, "not_reproduced")
    with database.transaction(cast.coordinator) as tx, pytest.raises(Refused, match="not_reproduced is not run again"):
        validate_again(tx, report)


def prove(station, report):
    """Validate a report as its input tells, and merge it as its jobs do."""
    database = station.database
    with database.transaction(SYSTEM) as tx:
        begun = validation.begin_validation(tx, report)
    with database.transaction(SYSTEM) as tx:
        assert validation.absorb_validation(tx, begun, believe(begun, threading.Event()))
    merge(station, report)
    with database.transaction(SYSTEM) as tx:
        flaw = merging.vulnerability_of(tx, report)
    open_case(station, flaw)


def open_and_run_again(cast, database, report):
    decide(database, report, "inconclusive")
    with database.transaction(cast.coordinator) as tx:
        case = open_unproven(tx, report, reason="Seen in the wild.")
        validate_again(tx, report)
    return case


def ranges_asked(database):
    with database.transaction(SYSTEM) as tx:
        jobs = text("select args ->> 'entity' from procrastinate_jobs where task_name = 'find_range'")
        return set(tx.connection.scalars(jobs))


def test_what_is_reproduced_after_a_case_was_opened_is_merged_like_any_other_and_keeps_its_case(
    cast, database, station, clock
):
    report = cast.hand_in(a_story_report("A-1"))
    case = open_and_run_again(cast, database, report)
    with database.transaction(cast.finder) as tx:
        before = merging.own_marks(tx)
    prove(station, report)
    assert ranges_asked(database) == {str(report)}
    clock.advance(seconds=1)
    same = cast.hand_in(a_story_report("B-1"), by=cast.other_finder)
    prove(station, same)

    file = cast.case(same)
    assert (file.case.id, file.reports) == (case, (report, same))
    assert ranges_asked(database) == {str(report)}
    with database.transaction(SYSTEM) as tx:
        (seen,) = merging.read_evidence_of(tx, file.case.vulnerability)
        flaw = merging.read_vulnerability(tx, file.case.vulnerability)
    assert (seen.report, seen.release, seen.frames[0].text) == (report, "5.0.0", "leaf lib/leaf.c:518")
    assert (flaw.releases, flaw.fixed_releases, flaw.frames) == (("5.0.0",), ("5.2.0",), seen.frames)
    with database.transaction(cast.finder) as tx:
        after = merging.own_marks(tx)
    with database.transaction(cast.other_finder) as tx:
        assert after == {report: merging.own_marks(tx)[same]}
    assert before.keys() == after.keys()
    assert before != after
    with database.transaction(cast.coordinator) as tx:
        coordination.deliver(tx, case, OrganisationId(cast.maintainer.organisation))


@pytest.mark.parametrize("opened_first", [True, False])
def test_its_case_and_that_of_the_same_flaw_become_one_under_the_older(cast, database, station, clock, opened_first):
    report = cast.hand_in(a_story_report("A-1"))
    same = cast.hand_in(a_story_report("B-1"), by=cast.other_finder)
    if opened_first:
        open_and_run_again(cast, database, report)
        clock.advance(seconds=1)
        prove(station, same)
    else:
        prove(station, same)
        clock.advance(seconds=1)
        open_and_run_again(cast, database, report)
    older, younger = (report, same) if opened_first else (same, report)
    kept, closed = cast.case(older).case, cast.case(younger).case
    clock.advance(seconds=1)
    prove(station, report)

    file = cast.case(report)
    assert (file.case.id, set(file.reports)) == (kept.id, {report, same})
    assert cast.case(same).case.id == kept.id
    assert ranges_asked(database) == {str(same)}
    with database.transaction(SYSTEM) as tx:
        assert coordination.read_case(tx, closed.id).case.state is CaseState.CLOSED
    before = cast.case(report)
    merge(station, report)
    assert cast.case(report) == before


def test_bringing_a_case_up_to_date_takes_as_many_statements_whatever_it_holds(cast, database, station):
    counts = []
    for number in range(3):
        report = cast.hand_in(a_story_report(f"A-{number}"))
        prove(station, report)
        flaw = cast.case(report).case.vulnerability
        statements: list[str] = []

        def count(*told, kept=statements):
            kept.append(told[2])

        event.listen(database.engine, "before_cursor_execute", count)
        open_case(station, flaw)
        event.remove(database.engine, "before_cursor_execute", count)
        counts.append(len(statements))
    assert counts == [counts[0]] * 3
