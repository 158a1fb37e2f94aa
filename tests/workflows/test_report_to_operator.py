"""The whole story over the database: from two finders' reports to an operator's list."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from leadtime.flow import coordination, merging, validation
from leadtime.flow.coordination import CaseState
from leadtime.flow.merging.rules import NEAR_LINES_MAX
from leadtime.flow.validation import State
from leadtime.flow.validation.turns.rules import SECONDS_EXPECTED
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.errors import Malformed, Refused
from leadtime.workflows.engine import work
from leadtime.workflows.records import Queue
from leadtime.workflows.report_to_operator import (
    MERGE,
    OPEN_CASE,
    VALIDATE,
    join,
    plan,
)
from leadtime.workflows.set_aside import list_set_aside, try_again
from tests.workflows.story import (
    QUICK,
    Cast,
    a_story_report,
    believe,
    patch_by,
    state_of,
    station_of,
    title_of,
    validation_of,
    work_until_idle,
)


@pytest.fixture
def cast(database) -> Cast:
    return Cast(database)


@pytest.fixture
def station(database, address, home):
    return station_of(database, address, str(home))


def case_of(database, report):
    with database.transaction(SYSTEM) as tx:
        vulnerability = merging.vulnerability_of(tx, report)
        case = coordination.find_case(tx, vulnerability)
        return coordination.read_case(tx, case.id)


def test_two_finders_reports_of_one_flaw_become_one_case_and_an_operators_line(cast, database, station):
    first = cast.hand_in(a_story_report("A-1"))
    second = cast.hand_in(a_story_report("B-1"), by=cast.other_finder)
    cast.keep_inventory()
    work_until_idle(station)

    file = case_of(database, first)
    assert case_of(database, second).case.id == file.case.id
    assert set(file.reports) == {first, second}
    assert file.case.title == title_of(database, first)

    cast.publish(first)
    work_until_idle(station)

    assert patch_by(database, cast.operator) == ["pkg:pypi/ujson on records server"]
    assert state_of(database)["jobs"] == []


def test_an_inventory_that_comes_after_the_advisory_is_held_against_it(cast, database, station):
    report = cast.hand_in(a_story_report("A-1"))
    work_until_idle(station)
    cast.publish(report)
    work_until_idle(station)
    assert patch_by(database, cast.operator) == []

    cast.keep_inventory()
    work_until_idle(station)

    assert patch_by(database, cast.operator) == ["pkg:pypi/ujson on records server"]


@pytest.mark.parametrize("verdict", ["not_reproduced", "harness_fault", "inconclusive"])
def test_what_was_not_reproduced_is_decided_and_goes_no_further(cast, database, station, verdict):
    report = cast.hand_in(a_story_report("A-1", verdict=verdict))
    work_until_idle(station)

    kept = validation_of(database, report)
    assert (kept.state, kept.outcome.verdict) == (State.DECIDED, verdict)
    left = state_of(database)
    assert (left["vulnerabilities"], left["cases"], left["jobs"]) == (0, 0, [])


def test_a_report_handed_in_twice_is_worked_once(cast, database, station):
    first = cast.hand_in(a_story_report("A-1"))
    assert cast.hand_in(a_story_report("A-1")) == first
    assert state_of(database)["jobs"] == [("validate", "todo")]
    work_until_idle(station)

    again = cast.hand_in(a_story_report("A-1"))

    assert again == first
    assert state_of(database)["jobs"] == []


def test_a_validation_whose_job_is_set_aside_says_so_and_can_be_tried_again(cast, database, station):
    report = cast.hand_in(a_story_report("A-1"))

    def fail(*_):
        database.clock.advance(seconds=100)
        raise Malformed("the recipe's answer makes no sense")

    timings = {"timings": QUICK, "until_idle": True}
    asyncio.run(work(station, plan(fail), queues=Queue, concurrency=1, **timings))
    assert validation_of(database, report).state is State.SET_ASIDE
    with database.transaction(SYSTEM) as tx:
        served = tx.connection.scalar(text("select served_seconds from validation_shares"))
    assert served == SECONDS_EXPECTED + 100

    with database.transaction(cast.coordinator) as tx:
        (aside,) = list_set_aside(tx)
        try_again(tx, aside.job)
    work_until_idle(station)
    assert validation_of(database, report).state is State.DECIDED
    with database.transaction(SYSTEM) as tx:
        validation.put_aside(tx, report)
    assert validation_of(database, report).state is State.DECIDED
    with database.transaction(cast.coordinator) as tx, pytest.raises(Refused, match="only a worker puts validations"):
        validation.put_aside(tx, report)


def test_every_step_may_run_twice_and_leaves_the_same(cast, database, station):
    report = cast.hand_in(a_story_report("A-1"))
    cast.keep_inventory()
    work_until_idle(station)
    advisory = cast.publish(report)
    inventory = cast.keep_inventory("second server")
    work_until_idle(station)
    before = state_of(database)
    with database.transaction(SYSTEM) as tx:
        vulnerability = merging.vulnerability_of(tx, report)

    entities = {VALIDATE: report, MERGE: report, OPEN_CASE: vulnerability}
    for kind, step in plan(believe).steps.items():
        later = advisory if kind.name == "match_advisory" else inventory
        step(station, entities.get(kind, later))

    assert state_of(database) == before


def test_two_flaws_with_a_third_report_between_end_in_one_case_when_a_coordinator_joins_them(
    cast, database, station, clock
):
    """The first two fail too far apart to link; the third lies between and goes to the older, which joins nothing."""
    first = cast.hand_in(a_story_report("A-1", line=500))
    work_until_idle(station)
    clock.advance(minutes=1)
    second = cast.hand_in(a_story_report("A-2", line=500 + 2 * NEAR_LINES_MAX))
    work_until_idle(station)
    older, younger = case_of(database, first), case_of(database, second)
    assert older.case.id != younger.case.id

    third = cast.hand_in(a_story_report("B-1", line=500 + NEAR_LINES_MAX), by=cast.other_finder)
    work_until_idle(station)

    assert case_of(database, third).case.id == older.case.id
    assert case_of(database, second).case.id == younger.case.id
    with database.transaction(SYSTEM) as tx:
        join(tx, younger.case.vulnerability, older.case.vulnerability, reason="one loop")
    work_until_idle(station)

    file = case_of(database, second)
    assert file.case.id == case_of(database, third).case.id == older.case.id
    assert set(file.reports) == {first, second, third}
    with database.transaction(SYSTEM) as tx:
        assert coordination.read_case(tx, younger.case.id).case.state is CaseState.CLOSED
    assert state_of(database)["jobs"] == []
