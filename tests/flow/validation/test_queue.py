"""Reports wait for their validation, many in one statement, once each, and only their own organisation's."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from leadtime.flow.intake import receive_all
from leadtime.flow.validation import Waiting, queue_validation, queue_validations
from leadtime.flow.validation.tables import validations
from leadtime.flow.validation.turns.urgency import blind_cves
from leadtime.foundation.access import SYSTEM, Role
from leadtime.foundation.errors import Missing
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


def test_another_organisations_report_does_not_wait_by_ones_word(database):
    finder, other = enrol(database, Role.FINDER)[2], enrol(database, Role.FINDER, "Other")[2]
    with database.transaction(finder) as tx:
        (theirs,) = received(tx, "A")
    with database.transaction(other) as tx:
        (own,) = received(tx, "B")
        with pytest.raises(Missing):
            queue_validations(tx, (Waiting(own), Waiting(theirs)))
