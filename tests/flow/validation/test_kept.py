"""A validation in the database: queued with its report, taken, decided once, and read by those who may."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from sqlalchemy import text

from leadtime.flow.intake import receive
from leadtime.flow.validation import (
    KeptValidation,
    Outcome,
    State,
    absorb_validation,
    begin_validation,
    queue_validation,
    read_validation,
)
from leadtime.foundation.access import SYSTEM, Role, Viewer
from leadtime.foundation.errors import Missing, Refused

FINDER = Viewer(Role.FINDER, organisation=UUID(int=1), person=UUID(int=2))
RIVAL = Viewer(Role.FINDER, organisation=UUID(int=3), person=UUID(int=4))
COORDINATOR = Viewer(Role.COORDINATOR, organisation=UUID(int=5), person=UUID(int=6))
REPORT = json.dumps(
    {
        "schema": "leadtime.report/1",
        "title": "A deep document overflows the stack",
        "description": "As titled.",
        "component": "pkg:pypi/ujson@5.0.0",
        "found_by": {"tool": "example-fuzzer", "person_reviewed": True},
    }
).encode()
REPRODUCED = Outcome("reproduced", "sha256:1", b'{"crash":{"signature":"sha256:1"},"verdict":"reproduced"}')
SILENT = Outcome("not_reproduced", None, b'{"crash":null,"verdict":"not_reproduced"}')


@pytest.fixture
def report(database) -> UUID:
    with database.transaction(FINDER) as tx:
        receipt = receive(tx, REPORT)
        assert queue_validation(tx, receipt.id) is True
        return receipt.id


def begin(database, report):
    with database.transaction(SYSTEM) as tx:
        return begin_validation(tx, report)


def absorb(database, begun, outcome):
    with database.transaction(SYSTEM) as tx:
        return absorb_validation(tx, begun, outcome)


def test_a_queued_validation_waits_and_is_one_a_report(database, report, clock):
    with database.transaction(FINDER) as tx:
        first = read_validation(tx, report)
        assert queue_validation(tx, report) is False
        assert read_validation(tx, report) == first

    assert first == KeptValidation(
        id=first.id,
        report=report,
        organisation=FINDER.organisation,
        state=State.QUEUED,
        attempt=0,
        queued_at=clock.now(),
        begun_at=None,
        decided_at=None,
        outcome=None,
    )


def test_a_run_is_begun_and_absorbed(database, report, clock):
    clock.advance(seconds=1)
    began_at = clock.now()
    begun = begin(database, report)
    clock.advance(seconds=9)

    assert absorb(database, begun, REPRODUCED) is True

    with database.transaction(FINDER) as tx:
        decided = read_validation(tx, report)
    assert (begun.attempt, begun.reproducer, begun.report, begun.validation) == (1, None, report, decided.id)
    assert (decided.state, decided.attempt, decided.outcome) == (State.DECIDED, 1, REPRODUCED)
    assert (decided.begun_at, decided.decided_at) == (began_at, clock.now())


def test_an_outcome_without_a_crash_has_no_signature(database, report):
    absorb(database, begin(database, report), SILENT)

    with database.transaction(FINDER) as tx:
        assert read_validation(tx, report).outcome == SILENT
    with database.engine.begin() as connection:
        connection.execute(text("select set_config('leadtime.role', 'system', true)"))
        assert connection.execute(text("select verdict, signature from validations")).one() == ("not_reproduced", None)


def test_a_late_run_does_not_count(database, report):
    late, current = begin(database, report), begin(database, report)

    assert (late.attempt, current.attempt) == (1, 2)
    assert absorb(database, late, REPRODUCED) is False
    assert absorb(database, current, SILENT) is True
    assert absorb(database, late, REPRODUCED) is False
    assert absorb(database, current, REPRODUCED) is False
    assert begin(database, report) is None
    with database.transaction(FINDER) as tx:
        assert read_validation(tx, report).outcome == SILENT


def test_equal_signatures_meet_and_nothing_is_in_clear(database, report, keys):
    absorb(database, begin(database, report), REPRODUCED)

    with database.engine.begin() as connection:
        connection.execute(text("select set_config('leadtime.role', 'system', true)"))
        (row,) = connection.execute(text("select * from validations")).mappings()
    assert row["signature"] == keys.blind("validation.signature", "sha256:1")
    assert b"signature" not in row["result"]


def test_a_stranger_learns_nothing_and_the_coordinator_reads(database, report):
    for read in (read_validation, queue_validation):
        with database.transaction(RIVAL) as tx, pytest.raises(Exception):  # noqa: B017
            read(tx, report)
    with database.transaction(COORDINATOR) as tx:
        assert read_validation(tx, report).report == report


def test_only_workers_take_and_decide(database, report):
    begun = begin(database, report)
    with database.transaction(COORDINATOR) as tx:
        with pytest.raises(Refused, match="only a worker takes validations"):
            begin_validation(tx, report)
        with pytest.raises(Refused, match="only a worker decides validations"):
            absorb_validation(tx, begun, SILENT)


def test_what_was_never_queued_is_missing(database):
    with database.transaction(SYSTEM) as tx:
        for use in (begin_validation, read_validation):
            with pytest.raises(Missing, match="this report has no validation"):
                use(tx, UUID(int=9))
    with database.transaction(FINDER) as tx, pytest.raises(Missing):
        queue_validation(tx, UUID(int=9))
