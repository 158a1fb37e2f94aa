"""Reports are called up in fair turns, each once; what is exploited now takes a lane of its own."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from sqlalchemy import text

from leadtime.flow.intake import ReportId, receive
from leadtime.flow.validation import (
    Begun,
    Outcome,
    absorb_validation,
    begin_validation,
    call_next,
    give_back,
    note_urgency,
    put_aside,
    queue_validation,
    retry_validation,
)
from leadtime.foundation.access import SYSTEM, Role, Viewer
from leadtime.foundation.errors import Refused

BULK = Viewer(Role.FINDER, organisation=UUID(int=1), person=UUID(int=2))
SMALL = Viewer(Role.FINDER, organisation=UUID(int=3), person=UUID(int=4))
COORDINATOR = Viewer(Role.COORDINATOR, organisation=UUID(int=5), person=UUID(int=6))
LISTED = "CVE-2026-0001"


def hand_in(database, viewer: Viewer, *, cves=(), exploited: bool = False) -> ReportId:
    database.clock.advance(seconds=1)
    report = {
        "schema": "leadtime.report/1",
        "title": "A deep document overflows the stack",
        "description": str(database.clock.now()),
        "component": "pkg:pypi/ujson@5.0.0",
        "found_by": {"tool": "example-fuzzer", "person_reviewed": True},
    }
    with database.transaction(viewer) as tx:
        receipt = receive(tx, json.dumps(report).encode())
        assert queue_validation(tx, receipt.id, cves=cves, exploited=exploited)
        return receipt.id


def call(database) -> ReportId | None:
    with database.transaction(SYSTEM) as tx:
        return call_next(tx)


def run(database, report: ReportId, *, seconds: float, verdict: str = "reproduced") -> None:
    with database.transaction(SYSTEM) as tx:
        begun = begin_validation(tx, report)
    database.clock.advance(seconds=seconds)
    with database.transaction(SYSTEM) as tx:
        assert absorb_validation(tx, begun, Outcome(verdict, None, b'{"crash":null}'))


def shares(database) -> dict[UUID, tuple[float, int, int]]:
    with database.transaction(SYSTEM) as tx:
        rows = tx.connection.execute(text("select * from validation_shares"))
        return {row.organisation: (row.served_seconds, row.decided, row.refuted) for row in rows}


def test_where_nothing_waits_nobody_is_called(database):
    assert call(database) is None


def test_each_finder_is_called_in_turn_and_its_oldest_report_first(database):
    bulk = [hand_in(database, BULK) for _ in range(4)]
    small = [hand_in(database, SMALL) for _ in range(2)]

    assert [call(database) for _ in range(7)] == [bulk[0], small[0], bulk[1], small[1], bulk[2], bulk[3], None]


def test_a_report_that_was_called_is_not_called_again_while_it_waits_to_be_taken(database):
    report = hand_in(database, BULK)

    assert [call(database), call(database)] == [report, None]
    run(database, report, seconds=1)
    assert call(database) is None


def test_one_that_is_to_be_run_again_waits_for_its_turn_again(database):
    report = hand_in(database, BULK)
    call(database)
    run(database, report, seconds=1, verdict="inconclusive")
    with database.transaction(COORDINATOR) as tx:
        assert retry_validation(tx, report)

    assert [call(database), call(database)] == [report, None]


def test_one_that_was_put_aside_is_not_called(database):
    report = hand_in(database, BULK)
    with database.transaction(SYSTEM) as tx:
        put_aside(tx, report)

    assert call(database) is None


def test_a_run_counts_by_what_it_took(database):
    long, _, _ = (hand_in(database, BULK) for _ in range(3))
    quick = [hand_in(database, SMALL) for _ in range(3)]
    assert call(database) == long
    run(database, long, seconds=150)

    called = [call(database) for _ in range(3)]

    assert called == quick
    assert shares(database) == {BULK.organisation: (150.0, 1, 0), SMALL.organisation: (180.0, 0, 0)}


@pytest.mark.parametrize(
    ("verdict", "decided", "refuted"),
    [("not_reproduced", 1, 1), ("harness_fault", 1, 1), ("inconclusive", 0, 0), ("reproduced", 1, 0)],
)
def test_what_was_refuted_is_counted_and_tells_equals_apart(database, verdict, decided, refuted):
    first = hand_in(database, BULK)
    assert call(database) == first
    run(database, first, seconds=10, verdict=verdict)
    second = hand_in(database, SMALL)
    assert call(database) == second
    run(database, second, seconds=10)
    assert shares(database) == {BULK.organisation: (10.0, decided, refuted), SMALL.organisation: (10.0, 1, 0)}

    older, newer = hand_in(database, BULK), hand_in(database, SMALL)

    assert call(database) == (newer if refuted else older)


def test_a_report_that_was_never_called_counts_nothing(database):
    run(database, hand_in(database, BULK), seconds=10)

    assert shares(database) == {}


def begin(database, report: ReportId) -> Begun:
    with database.transaction(SYSTEM) as tx:
        begun = begin_validation(tx, report)
    assert begun is not None
    return begun


def test_an_attempt_whose_worker_died_counts_what_it_held(database):
    report = hand_in(database, BULK)
    call(database)
    for _ in range(2):
        begin(database, report)
        database.clock.advance(seconds=100)

    run(database, report, seconds=10)

    assert shares(database) == {BULK.organisation: (210.0, 1, 0)}


def test_an_attempt_that_came_to_nothing_counts_what_it_held_and_not_the_pause_after_it(database):
    report = hand_in(database, BULK)
    call(database)
    begun = begin(database, report)
    database.clock.advance(seconds=100)
    with database.transaction(SYSTEM) as tx:
        give_back(tx, begun)
        give_back(tx, begun)
    assert shares(database) == {BULK.organisation: (160.0, 0, 0)}

    database.clock.advance(seconds=3_600)
    run(database, report, seconds=10)

    assert shares(database) == {BULK.organisation: (110.0, 1, 0)}
    with database.transaction(SYSTEM) as tx:
        give_back(tx, begun)
    assert shares(database) == {BULK.organisation: (110.0, 1, 0)}


def test_an_attempt_that_another_has_taken_since_gives_nothing_back(database):
    report = hand_in(database, BULK)
    call(database)
    late = begin(database, report)
    database.clock.advance(seconds=100)
    latest = begin(database, report)
    database.clock.advance(seconds=10)

    with database.transaction(SYSTEM) as tx:
        give_back(tx, late)

    assert shares(database) == {BULK.organisation: (160.0, 0, 0)}
    with database.transaction(SYSTEM) as tx:
        assert absorb_validation(tx, latest, Outcome("reproduced", None, b'{"crash":null}'))
    assert shares(database) == {BULK.organisation: (110.0, 1, 0)}


def test_what_kills_its_workers_until_it_is_put_aside_counts_what_it_held(database):
    report = hand_in(database, BULK)
    call(database)
    begin(database, report)
    database.clock.advance(seconds=100)
    with database.transaction(SYSTEM) as tx:
        put_aside(tx, report)
        put_aside(tx, report)
    assert shares(database) == {BULK.organisation: (160.0, 0, 0)}

    database.clock.advance(seconds=3_600)
    run(database, report, seconds=70)

    assert shares(database) == {BULK.organisation: (170.0, 1, 0)}


def test_a_finder_whose_runs_all_crash_waits_like_one_whose_runs_are_long(database):
    crash, *_ = (hand_in(database, BULK) for _ in range(3))
    quick = [hand_in(database, SMALL) for _ in range(3)]
    assert call(database) == crash
    begin(database, crash)
    database.clock.advance(seconds=100)
    with database.transaction(SYSTEM) as tx:
        put_aside(tx, crash)

    assert [call(database) for _ in range(3)] == quick


def test_what_is_exploited_goes_first_every_fourth_time(database):
    plain = [hand_in(database, BULK) for _ in range(4)]
    urgent = [hand_in(database, SMALL, exploited=True) for _ in range(3)]

    called = [call(database) for _ in range(8)]

    assert called == [urgent[0], plain[0], plain[1], urgent[1], urgent[2], plain[2], plain[3], None]


def test_the_urgent_reports_of_a_finder_come_before_its_others(database):
    plain, urgent = hand_in(database, BULK), hand_in(database, BULK, exploited=True)

    assert [call(database), call(database)] == [urgent, plain]


def test_what_waits_becomes_urgent_when_it_is_listed(database, keys):
    hand_in(database, BULK)
    listed = hand_in(database, BULK, cves=(LISTED, "CVE-2026-0002"))
    hand_in(database, BULK, cves=("CVE-2026-0003",))

    with database.transaction(COORDINATOR) as tx:
        assert note_urgency(tx, {LISTED, "CVE-2026-9999"}) == 1
        assert note_urgency(tx, {LISTED}) == 0
        assert note_urgency(tx, ()) == 0

    assert call(database) == listed
    with database.transaction(SYSTEM) as tx:
        (row,) = tx.connection.execute(text("select * from validations where urgent")).all()
    assert LISTED not in str(row)


def test_what_is_decided_stays_as_it_was(database):
    report = hand_in(database, BULK, cves=(LISTED,))
    run(database, report, seconds=1)

    with database.transaction(COORDINATOR) as tx:
        assert note_urgency(tx, {LISTED}) == 0


def test_only_workers_ask_whose_turn_it_is_and_only_coordinators_say_what_is_urgent(database):
    with database.transaction(COORDINATOR) as tx, pytest.raises(Refused, match="only a worker asks whose turn it is"):
        call_next(tx)
    begun = Begun(UUID(int=1), UUID(int=2), 1, None)
    with database.transaction(COORDINATOR) as tx, pytest.raises(Refused, match="only a worker gives validations back"):
        give_back(tx, begun)
    with database.transaction(BULK) as tx, pytest.raises(Refused):
        note_urgency(tx, {LISTED})
