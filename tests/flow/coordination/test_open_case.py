from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import select, update

from leadtime.flow.coordination import (
    CaseState,
    Embargo,
    EventKind,
    absorb_case,
    add_participant,
    close_case,
    deliver,
    find_case,
    list_cases,
    open_case,
    read_case,
    set_embargo,
)
from leadtime.flow.coordination.tables import case_events, cases
from leadtime.flow.intake import read_report
from leadtime.flow.merging import VulnerabilityId, split
from leadtime.flow.merging.tables import merged_reports
from leadtime.foundation.access import SYSTEM, Role
from leadtime.foundation.database import Database
from leadtime.foundation.errors import Conflict, Malformed, Missing, Refused
from leadtime.foundation.labels import Tlp
from tests.conftest import SettableClock
from tests.flow.coordination.factories import a_scene, handed_in, house
from tests.flow.parties.factories import enrol


def test_a_vulnerability_gets_one_case_with_its_finder_taking_part(database: Database, clock: SettableClock) -> None:
    scene = a_scene(database)
    case = scene.open()
    assert (case.state, case.title, case.tlp, case.opened_at, case.embargo, case.reach) == (
        CaseState.OPEN, "Stack overflow in ujson", Tlp.AMBER_STRICT, clock.now(), None, None,
    )  # fmt: skip
    assert case.vulnerability == scene.vulnerability
    assert case.number.startswith("LT-2026-")
    with database.transaction(scene.coordinator) as tx:
        found = read_case(tx, case.id)
    assert found.case == case
    assert found.reports == (scene.report,)
    assert [(p.organisation, p.name) for p in found.participants] == [(house(scene.finder), "Example Lab")]
    assert found.deliveries == ()
    assert [(e.kind, e.note, e.organisation, e.person) for e in found.history] == [
        (EventKind.OPENED, "", scene.coordinator.organisation, scene.coordinator.person),
        (EventKind.PARTICIPANT_ADDED, "Example Lab", scene.coordinator.organisation, scene.coordinator.person),
        (EventKind.REPORT_JOINED, str(scene.report), scene.coordinator.organisation, scene.coordinator.person),
    ]


def test_opened_again_it_is_the_same_case_and_nothing_is_doubled(database: Database) -> None:
    scene = a_scene(database)
    case = scene.open()
    with database.transaction(SYSTEM) as tx:
        assert open_case(tx, scene.vulnerability, title="Another title", tlp=Tlp.RED) == case
        assert len(read_case(tx, case.id).history) == 3
        assert find_case(tx, scene.vulnerability) == case
        assert find_case(tx, VulnerabilityId(UUID(int=1))) is None


def test_opened_from_many_places_at_once_it_is_one_case(database: Database) -> None:
    scene = a_scene(database)
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: scene.open(), range(4)))
    assert len(set(opened)) == 1
    with database.transaction(SYSTEM) as tx:
        assert len(read_case(tx, opened[0].id).history) == 3


def test_a_report_that_is_merged_later_joins_with_its_finder(database: Database) -> None:
    scene = a_scene(database)
    case = scene.open()
    with database.transaction(scene.coordinator) as tx:
        deliver(tx, case.id, scene.maintainers)
    _, _, second = enrol(database, Role.FINDER, "Example Second Lab")
    report, vulnerability = handed_in(database, second)
    assert vulnerability == scene.vulnerability
    with database.transaction(second) as tx, pytest.raises(Missing):
        read_case(tx, case.id)
    scene.open()
    for viewer in (scene.coordinator, scene.maintainer):
        with database.transaction(viewer) as tx:
            assert set(read_case(tx, case.id).reports) == {scene.report, report}
    for viewer in (second, scene.maintainer, SYSTEM):
        with database.transaction(viewer) as tx:
            assert read_report(tx, report).id == report
    with database.transaction(scene.finder) as tx, pytest.raises(Missing):
        read_report(tx, report)


def test_a_finder_whose_evidence_matches_learns_where_the_case_stands_and_nothing_that_others_wrote(
    database: Database,
) -> None:
    scene = a_scene(database)
    case = scene.open("CANARY of the first finder")
    with database.transaction(scene.coordinator) as tx:
        deliver(tx, case.id, scene.maintainers)
        set_embargo(tx, case.id, ends_at="2027-01-01T12:00", zone="UTC")
    _, _, second = enrol(database, Role.FINDER, "Example Second Lab")
    report, _ = handed_in(database, second)
    scene.open()
    for viewer, own in ((second, report), (scene.finder, scene.report)):
        with database.transaction(viewer) as tx:
            seen = read_case(tx, case.id)
            (listed,) = list_cases(tx).cases
            assert listed == find_case(tx, scene.vulnerability) == seen.case
        assert (seen.case.title, seen.case.number, seen.case.reach) == (case.number, case.number, None)
        assert seen.case.embargo == Embargo(datetime(2027, 1, 1, 12, tzinfo=UTC), "UTC")
        assert (seen.reports, seen.deliveries) == ((own,), ())
        assert [each.organisation for each in seen.participants] == [viewer.organisation]
        assert [(each.kind, each.organisation, each.person, each.note) for each in seen.history] == [
            (EventKind.OPENED, None, None, ""),
            (EventKind.DELIVERED, None, None, ""),
            (EventKind.EMBARGO_SET, None, None, ""),
        ]


def test_a_report_that_is_split_off_leaves_its_case_for_one_of_its_own(database: Database) -> None:
    scene = a_scene(database)
    _, _, second = enrol(database, Role.FINDER, "Example Second Lab")
    report, _ = handed_in(database, second)
    case = scene.open()
    with database.transaction(scene.coordinator) as tx:
        apart = split(tx, scene.vulnerability, (report,))
        other = open_case(tx, apart, title="Another flaw")
        scene_case = open_case(tx, scene.vulnerability, title="")
        assert read_case(tx, scene_case.id).reports == (scene.report,)
        assert read_case(tx, other.id).reports == (report,)
    assert (scene_case, other.number != case.number) == (case, True)
    with database.transaction(second) as tx:
        assert read_report(tx, report).id == report


def test_the_case_of_a_flaw_that_turned_out_to_be_anothers_is_closed(database: Database) -> None:
    scene = a_scene(database)
    survivor = scene.open()
    _, other = handed_in(database, scene.finder, function="elsewhere")
    with database.transaction(SYSTEM) as tx:
        absorbed = open_case(tx, other, title="The same after all")
        deliver(tx, absorbed.id, scene.maintainers)
        for _ in range(2):
            absorb_case(tx, other, into=survivor.id)
        absorb_case(tx, scene.vulnerability, into=survivor.id)
        absorb_case(tx, VulnerabilityId(UUID(int=1)), into=survivor.id)
        found = read_case(tx, absorbed.id)
        assert (found.case.state, found.deliveries) == ("closed", ())
        assert [(e.kind, e.note) for e in found.history][-1] == (
            EventKind.CLOSED,
            f"the same flaw as {survivor.number}",
        )
        assert sum(e.kind is EventKind.CLOSED for e in found.history) == 1
        went_on = read_case(tx, survivor.id)
        assert (went_on.case.state, [each.state for each in went_on.deliveries]) == ("delivered", ["sent"])
        assert [e.note for e in went_on.history if e.kind is EventKind.TOOK_IN] == [absorbed.number]


def test_a_vulnerability_that_was_absorbed_has_no_case_opened(database: Database) -> None:
    scene = a_scene(database)
    _, other = handed_in(database, scene.finder, function="elsewhere")
    with database.transaction(SYSTEM) as tx:
        tx.connection.execute(update(merged_reports).values(vulnerability=other))
        with pytest.raises(Conflict, match="this vulnerability holds no report any more"):
            open_case(tx, scene.vulnerability, title="Gone")


def test_a_stranger_sees_no_case_and_a_finder_opens_none(database: Database) -> None:
    scene = a_scene(database)
    case = scene.open()
    with database.transaction(scene.stranger) as tx:
        with pytest.raises(Missing):
            read_case(tx, case.id)
        assert list_cases(tx).cases == ()
        assert find_case(tx, scene.vulnerability) is None
    with database.transaction(scene.finder) as tx:
        assert [each.id for each in list_cases(tx).cases] == [case.id]
        with pytest.raises(Refused):
            open_case(tx, scene.vulnerability, title="Mine")
        with pytest.raises(Refused):
            add_participant(tx, case.id, scene.maintainers)


def test_participants_are_added_once(database: Database) -> None:
    scene = a_scene(database)
    case = scene.open()
    with database.transaction(scene.coordinator) as tx:
        for _ in range(2):
            add_participant(tx, case.id, house(scene.stranger))
        found = read_case(tx, case.id)
    assert [p.name for p in found.participants] == ["Example Lab", "Example Other Project"]
    assert [e.note for e in found.history if e.kind is EventKind.PARTICIPANT_ADDED] == [
        "Example Lab",
        "Example Other Project",
    ]
    with database.transaction(scene.stranger) as tx:
        assert read_case(tx, case.id).case == case


def test_cases_are_listed_newest_first_page_by_page_and_by_state(database: Database, clock: SettableClock) -> None:
    scene = a_scene(database)
    numbers = [scene.open()]
    for function in ("second", "third"):
        clock.advance(seconds=1)
        _, vulnerability = handed_in(database, scene.finder, function=function)
        with database.transaction(SYSTEM) as tx:
            numbers.append(open_case(tx, vulnerability, title=function))
    one, two, three = numbers
    with database.transaction(scene.coordinator) as tx:
        close_case(tx, two.id, reason="no flaw")
        first = list_cases(tx, page_cases=2)
        assert ([c.id for c in first.cases], first.after) == ([three.id, two.id], two.id)
        second = list_cases(tx, page_cases=2, after=first.after)
        assert ([c.id for c in second.cases], second.after) == ([one.id], None)
        assert [c.id for c in list_cases(tx, state=CaseState.OPEN).cases] == [three.id, one.id]
        assert len(list_cases(tx, page_cases=0).cases) == 1


def test_what_a_case_says_is_sealed(database: Database) -> None:
    scene = a_scene(database)
    canary = "canary-4711"
    case = scene.open(canary)
    with database.transaction(scene.coordinator) as tx:
        close_case(tx, case.id, reason=canary)
        rows = [tx.connection.execute(select(cases)).one(), *tx.connection.execute(select(case_events))]
    stored = b"".join(bytes(v) if isinstance(v, bytes) else str(v).encode() for row in rows for v in row)
    assert canary.encode() not in stored


def test_a_case_needs_a_title_and_a_vulnerability(database: Database) -> None:
    scene = a_scene(database)
    with database.transaction(scene.coordinator) as tx, pytest.raises(Malformed, match="title: this is empty"):
        open_case(tx, scene.vulnerability, title=" ")
    with database.transaction(scene.coordinator) as tx, pytest.raises(Missing):
        open_case(tx, VulnerabilityId(UUID(int=1)), title="Nothing")
