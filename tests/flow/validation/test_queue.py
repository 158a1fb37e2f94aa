"""Reports wait for their validation, many in one statement, once each, and only their own organisation's."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from leadtime.flow.intake import receive_all
from leadtime.flow.validation import (
    Outcome,
    State,
    Waiting,
    begin_validation,
    call_next,
    queue_validation,
    queue_validations,
    read_validation,
    retry_validation,
)
from leadtime.flow.validation.tables import validations
from leadtime.flow.validation.turns.urgency import blind_cves
from leadtime.foundation.access import SYSTEM, Role
from leadtime.foundation.digests import canonical_json
from leadtime.foundation.errors import Missing, Refused
from tests.flow.intake.factories import a_report, as_bytes
from tests.flow.parties.factories import enrol


def received(tx, references):
    raws = [as_bytes(a_report(reference=each)) for each in references]
    return [each.receipt.id for each in receive_all(tx, raws)]


def test_many_wait_at_once_each_with_its_cves_and_its_lane(database, clock, keys):
    finder = enrol(database, Role.FINDER)[2]
    cves = ("CVE-2026-0001", "CVE-2026-0002")
    with database.transaction(finder) as tx:
        first, second = received(tx, "AB")
        waiting = (Waiting(first, cves, exploited=True), Waiting(second))
        assert set(queue_validations(tx, waiting)) == {first, second}
        assert queue_validations(tx, waiting) == ()
        assert queue_validations(tx, ()) == ()
        assert queue_validation(tx, first) is False
    with database.transaction(SYSTEM) as tx:
        rows = {row.report: row for row in tx.connection.execute(select(validations))}
    assert [(row.state, row.attempt, row.queued_at) for row in rows.values()] == [("queued", 0, clock.now())] * 2
    assert {row.organisation for row in rows.values()} == {finder.organisation}
    assert (rows[first].urgent, [bytes(each) for each in rows[first].named]) == (True, blind_cves(keys, cves))
    assert (rows[second].urgent, rows[second].named) == (False, [])


def test_one_that_carries_nothing_to_run_waits_for_no_machine_and_is_never_run(database, clock):
    finder, coordinator = enrol(database, Role.FINDER)[2], enrol(database, Role.COORDINATOR)[2]
    with database.transaction(finder) as tx:
        bare, other = received(tx, "AB")
        assert queue_validations(tx, (Waiting(bare, claimed="place"), Waiting(other))) == (other,)
        kept = read_validation(tx, bare)
    assert (kept.state, kept.runnable, kept.decided_at) == (State.DECIDED, False, clock.now())
    told = {"verdict": "inconclusive", "reason": "the report carries no reproducer"}
    nothing = {"crash": None, "fixed": None, "evidence": []}
    assert kept.outcome == Outcome("inconclusive", None, canonical_json(told | nothing))
    with database.transaction(SYSTEM) as tx:
        assert begin_validation(tx, bare) is None
        assert call_next(tx) == other
    with database.transaction(coordinator) as tx, pytest.raises(Refused, match="a report without a reproducer is not"):
        retry_validation(tx, bare)


def test_another_organisations_report_does_not_wait_by_ones_word(database):
    finder, other = enrol(database, Role.FINDER)[2], enrol(database, Role.FINDER, "Other")[2]
    with database.transaction(finder) as tx:
        (theirs,) = received(tx, "A")
    with database.transaction(other) as tx:
        (own,) = received(tx, "B")
        with pytest.raises(Missing):
            queue_validations(tx, (Waiting(own), Waiting(theirs)))
