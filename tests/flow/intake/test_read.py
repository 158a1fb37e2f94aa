from __future__ import annotations

import pytest

from leadtime.flow.intake import ReportId, list_reports, read_finding, read_receipt, read_report, receive
from leadtime.foundation.access import ANYONE, SYSTEM, Relation, Role, Viewer
from leadtime.foundation.database import Database
from leadtime.foundation.errors import Missing
from leadtime.foundation.ids import new_id
from tests.conftest import SettableClock
from tests.flow.intake.factories import a_report, as_bytes
from tests.flow.parties.factories import enrol


def hand_in(database: Database, finder: Viewer, clock: SettableClock, *titles: str) -> list[ReportId]:
    ids = []
    for title in titles:
        clock.advance(seconds=1)
        with database.transaction(finder) as tx:
            ids.append(receive(tx, as_bytes(a_report(title=title, reference=f"R-{title}"))).id)
    return ids


def titles(database: Database, viewer: Viewer) -> list[str]:
    with database.transaction(viewer) as tx:
        return [report.title for report in list_reports(tx).reports]


def test_a_finder_reads_its_own_reports_newest_first(database: Database, clock: SettableClock) -> None:
    _, _, finder = enrol(database, Role.FINDER)
    ids = hand_in(database, finder, clock, "one", "two", "three")
    with database.transaction(finder) as tx:
        page = list_reports(tx)
        finding = read_finding(tx, ids[0])
    assert [(row.id, row.title, row.reference, row.component) for row in page.reports] == [
        (ids[2], "three", "R-three", "pkg:pypi/ujson@5.0.0"),
        (ids[1], "two", "R-two", "pkg:pypi/ujson@5.0.0"),
        (ids[0], "one", "R-one", "pkg:pypi/ujson@5.0.0"),
    ]
    assert page.after is None
    assert (finding.report, finding.title, finding.software) == (ids[0], "one", "pkg:pypi/ujson")


def test_a_list_is_read_page_by_page(database: Database, clock: SettableClock) -> None:
    _, _, finder = enrol(database, Role.FINDER)
    ids = hand_in(database, finder, clock, "one", "two", "three")
    with database.transaction(finder) as tx:
        first = list_reports(tx, page_reports=2)
        second = list_reports(tx, page_reports=2, after=first.after)
        assert [row.id for row in first.reports] == [ids[2], ids[1]]
        assert first.after == ids[1]
        assert [row.id for row in second.reports] == [ids[0]]
        assert second.after is None
        assert len(list_reports(tx, page_reports=0).reports) == 1


def test_a_coordinator_reads_all_and_a_stranger_nothing(database: Database, clock: SettableClock) -> None:
    _, _, finder = enrol(database, Role.FINDER)
    _, _, other = enrol(database, Role.FINDER, "Example Other")
    _, _, coordinator = enrol(database, Role.COORDINATOR)
    (report,) = hand_in(database, finder, clock, "one")
    assert titles(database, coordinator) == ["one"]
    assert titles(database, SYSTEM) == ["one"]
    assert titles(database, other) == []
    for viewer in (other, ANYONE):
        with database.transaction(viewer) as tx:
            with pytest.raises(Missing):
                read_report(tx, report)
            with pytest.raises(Missing):
                read_receipt(tx, report)
    with database.transaction(coordinator) as tx, pytest.raises(Missing, match="there is no such report"):
        read_report(tx, ReportId(new_id(clock.now())))


def test_a_maintainer_reads_a_report_that_was_delivered_to_it(database: Database, clock: SettableClock) -> None:
    _, _, finder = enrol(database, Role.FINDER)
    house, _, maintainer = enrol(database, Role.MAINTAINER)
    (report,) = hand_in(database, finder, clock, "one")
    with database.transaction(maintainer) as tx, pytest.raises(Missing):
        read_report(tx, report)
    with database.transaction(SYSTEM) as tx:
        tx.relate(report, house.id, Relation.PARTICIPANT)
    with database.transaction(maintainer) as tx:
        assert read_report(tx, report).body.title == "one"
