"""A report that nobody but its finder reproduced goes on only by a coordinator's word, which is kept (I5)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from leadtime.flow import coordination, merging, validation
from leadtime.flow.coordination import EventKind
from leadtime.flow.validation import Outcome, State
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.errors import Conflict, Malformed, Missing, Refused
from leadtime.workflows.report_to_operator import open_unproven, validate_again
from tests.workflows.story import Cast, a_story_report


@pytest.fixture
def cast(database) -> Cast:
    return Cast(database)


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
    with database.transaction(cast.coordinator) as tx, pytest.raises(Refused, match="I5"):
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
