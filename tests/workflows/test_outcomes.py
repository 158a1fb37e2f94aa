"""Said once: a rejected or re-rated root cause answers later finders at once, and new evidence reopens it."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from leadtime.flow import coordination, merging
from leadtime.flow.coordination import CaseState
from leadtime.flow.merging import OutcomeKind
from leadtime.flow.merging.outcomes import FOLLOWING
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.errors import Conflict, Malformed, Missing, Refused
from leadtime.foundation.settings import read_settings
from leadtime.workflows import outcomes
from leadtime.workflows.engine import Station
from leadtime.workflows.report_to_operator import join, merge, open_case, split
from tests.workflows.story import Cast, a_story_report

REJECTED, RE_RATED, REOPENED = OutcomeKind


@pytest.fixture
def cast(database) -> Cast:
    return Cast(database)


@pytest.fixture
def prove(cast, database, clock):
    """Hand a report in and take it to its case, as workers do; return the report and its flaw."""
    station = Station(database, None, read_settings({"LEADTIME_RANGE_RELEASES": "0"}))

    def take(reference: str, *, by=None, **told):
        clock.advance(minutes=1)
        report = cast.hand_in(a_story_report(reference, **told), by=by)
        cast.decide(report)
        merge(station, report)
        with database.transaction(SYSTEM) as tx:
            flaw = merging.vulnerability_of(tx, report)
        open_case(station, flaw)
        return report, flaw

    return take


def decide(cast, flaw, kind, reason="It needs root already.", severity=""):
    with cast.database.transaction(cast.coordinator) as tx:
        return outcomes.decide(tx, flaw, kind, reason=reason, severity=severity)


def answer(cast, report, viewer):
    with cast.database.transaction(viewer) as tx:
        found = merging.answer_to(tx, report)
    return found and (found.kind, found.severity, found.reason)


def test_a_later_finder_reads_the_recorded_reason_at_once_and_nobody_is_asked(cast, prove):
    first, flaw = prove("A-1")
    assert answer(cast, first, cast.finder) is None
    told = decide(cast, flaw, REJECTED)
    assert (told.person, told.organisation) == (cast.coordinator.person, cast.coordinator.organisation)
    later, same = prove("B-1", by=cast.other_finder)
    assert same == flaw
    said = (REJECTED, "", "It needs root already.")
    assert answer(cast, later, cast.other_finder) == answer(cast, first, cast.finder) == said
    case = cast.case(later)
    assert (case.case.state, set(case.reports)) == (CaseState.CLOSED, {first, later})


def test_a_re_rating_answers_and_leaves_the_case_open(cast, prove):
    report, flaw = prove("A-1")
    decide(cast, flaw, RE_RATED, severity=" low ")
    assert answer(cast, report, cast.finder) == (RE_RATED, "low", "It needs root already.")
    assert cast.case(report).case.state is CaseState.OPEN


def test_new_evidence_reopens_it_by_another_persons_word_and_everything_said_is_kept(cast, prove, database):
    report, flaw = prove("A-1")
    decide(cast, flaw, REJECTED)
    colleague = replace(cast.coordinator, person=UUID(int=9))
    with database.transaction(colleague) as tx:
        outcomes.decide(tx, flaw, REOPENED, reason="A second reproducer needs no root.")
    assert answer(cast, report, cast.finder) is None
    assert cast.case(report).case.state is CaseState.OPEN
    with database.transaction(cast.coordinator) as tx:
        listed = [(each.kind, each.person) for each in merging.list_outcomes(tx, flaw)]
    assert listed == [(REOPENED, colleague.person), (REJECTED, cast.coordinator.person)]


def test_opening_the_case_again_reopens_what_was_decided(cast, prove, database):
    report, flaw = prove("A-1")
    decide(cast, flaw, REJECTED)
    with database.transaction(cast.coordinator) as tx:
        outcomes.reopen_case(tx, cast.case(report).case.id, reason="Seen in the wild.")
        assert merging.outcome_of(tx, flaw).kind is REOPENED
    assert answer(cast, report, cast.finder) is None


def test_opening_a_case_again_of_which_nothing_was_decided_decides_nothing(cast, prove, database):
    report, flaw = prove("A-1")
    case = cast.case(report).case.id
    with database.transaction(cast.coordinator) as tx:
        coordination.close_case(tx, case, reason="done")
        outcomes.reopen_case(tx, case, reason="Not done.")
        assert merging.outcome_of(tx, flaw) is None


def test_what_was_decided_of_one_flaw_is_not_said_of_another_that_it_takes_in(cast, prove, database):
    _, flaw = prove("A-1")
    other, second = prove("B-1", function="root", by=cast.other_finder)
    decide(cast, flaw, REJECTED)
    with database.transaction(cast.coordinator) as tx:
        assert join(tx, flaw, second, reason="one loop") == flaw
        assert merging.outcome_of(tx, flaw).reason == outcomes.JOINED
    assert answer(cast, other, cast.other_finder) is None
    assert cast.case(other).case.state is CaseState.OPEN


def test_two_flaws_of_which_the_same_was_decided_stay_decided(cast, prove, database):
    _, flaw = prove("A-1")
    other, second = prove("B-1", function="root", by=cast.other_finder)
    decide(cast, flaw, RE_RATED, severity="low")
    decide(cast, second, RE_RATED, severity="low", reason="Hardly.")
    with database.transaction(cast.coordinator) as tx:
        join(tx, flaw, second, reason="one loop")
    assert answer(cast, other, cast.other_finder) == (RE_RATED, "low", "It needs root already.")


def test_two_flaws_that_were_rated_differently_are_decided_anew(cast, prove, database):
    _, flaw = prove("A-1")
    other, second = prove("B-1", function="root", by=cast.other_finder)
    decide(cast, flaw, RE_RATED, severity="low")
    decide(cast, second, RE_RATED, severity="high")
    with database.transaction(cast.coordinator) as tx:
        join(tx, flaw, second, reason="one loop")
    assert answer(cast, other, cast.other_finder) is None


def test_what_is_split_off_is_not_answered(cast, prove, database):
    first, flaw = prove("A-1")
    later, _ = prove("B-1", by=cast.other_finder)
    decide(cast, flaw, RE_RATED, severity="low")
    with database.transaction(cast.coordinator) as tx:
        split(tx, flaw, [later])
    assert answer(cast, later, cast.other_finder) is None
    assert answer(cast, first, cast.finder) == (RE_RATED, "low", "It needs root already.")


@pytest.mark.parametrize("held", [None, *OutcomeKind])
@pytest.mark.parametrize("next_one", OutcomeKind)
def test_what_does_not_follow_is_refused(cast, prove, held, next_one):
    _, flaw = prove("A-1")
    for kind in {None: (), REOPENED: (REJECTED, REOPENED)}.get(held, (held,)):
        decide(cast, flaw, kind, severity="low" if kind is RE_RATED else "")
    severity = "high" if next_one is RE_RATED else ""
    if next_one in FOLLOWING[held]:
        assert decide(cast, flaw, next_one, severity=severity).kind is next_one
        return
    with pytest.raises(Conflict) as refused:
        decide(cast, flaw, next_one, severity=severity)
    said = (
        f"a root cause that is {held} cannot be {next_one}" if held else f"nothing was decided that could be {next_one}"
    )
    assert str(refused.value) == f"outcome: {said}. Read its outcomes again."


def test_what_follows_what():
    assert {
        None: {REJECTED, RE_RATED},
        REJECTED: {REOPENED},
        RE_RATED: {REJECTED, RE_RATED, REOPENED},
        REOPENED: {REJECTED, RE_RATED},
    } == FOLLOWING


@pytest.mark.parametrize(("kind", "severity"), [(RE_RATED, " "), (REJECTED, "low"), (REOPENED, "low")])
def test_a_severity_belongs_to_a_re_rating(cast, prove, kind, severity):
    _, flaw = prove("A-1")
    with pytest.raises(Malformed, match="a re-rating names a severity, and nothing else does"):
        decide(cast, flaw, kind, severity=severity)


def test_only_a_named_coordinator_decides_and_a_stranger_reads_nothing(cast, prove, database):
    report, flaw = prove("A-1")
    with database.transaction(cast.finder) as tx, pytest.raises(Missing):
        merging.note_outcome(tx, flaw, REJECTED, reason="No.")
    nobody = replace(cast.coordinator, person=None)
    with database.transaction(nobody) as tx, pytest.raises(Refused, match="only a named person decides"):
        merging.note_outcome(tx, flaw, REJECTED, reason="No.")
    with database.transaction(cast.other_finder) as tx, pytest.raises(Missing):
        merging.answer_to(tx, report)
