from __future__ import annotations

import json

from sqlalchemy import text

from leadtime.doors.read_models.attention import STUCK_DAYS, Attention
from leadtime.doors.read_models.cases import cve_of, read_cases
from leadtime.flow import coordination, priority
from leadtime.flow.coordination import EventKind
from leadtime.foundation.access import SYSTEM
from leadtime.workflows.drafting import draft_advisory
from tests.doors.world import KEV, URL, words


def test_within_a_group_the_most_urgent_case_comes_first(world):
    coordinator = world.people["coordinator"].viewer
    told, quiet = world.told.case, world.quiet.case
    kev = {**KEV, "count": 1, "vulnerabilities": [{"cveID": "CVE-2021-45958", "dateAdded": "2026-07-01"}]}
    orders = []
    for listed in (KEV, kev):
        with world.database.transaction(coordinator) as tx:
            priority.load_source(tx, kind=priority.SourceKind.KEV, raw=json.dumps(listed).encode())
            for case in (told, quiet):
                if coordination.read_case(tx, case.id).case.state is coordination.CaseState.PUBLISHED:
                    coordination.reopen_case(tx, case.id, reason="More came.")
            rows = [row for group in read_cases(tx, None).groups for row in group.rows]
        orders.append({row.number: row.urgency for row in rows})
    assert orders[0] != orders[1]
    assert all(rank[0] == 2 for rank in orders[0].values())
    assert all(rank[0] == 0 for rank in orders[1].values())
    with world.database.transaction(coordinator) as tx:
        draft_advisory(tx, quiet.id, words("another"), namespace=URL)
        for group in read_cases(tx, None).groups:
            assert list(group.rows) == sorted(group.rows, key=lambda row: row.urgency)


def test_one_more_report_leaves_a_stuck_case_stuck(clock, world):
    coordinator = world.people["coordinator"].viewer
    reopened = world.quiet.case
    with world.database.transaction(coordinator) as tx:
        coordination.lift_embargo(tx, reopened.id, reason="It is known.")
        moved = tx.now
    clock.advance(days=STUCK_DAYS)
    with world.database.transaction(SYSTEM) as tx:
        for kind in (EventKind.REPORT_JOINED, EventKind.PARTICIPANT_ADDED, EventKind.REACH_NOTED):
            tx.connection.execute(
                text(
                    "insert into case_events (id, case_id, at, kind, note)"
                    " values (gen_random_uuid(), :case, :at, :kind, '')"
                ),
                {"case": reopened.id, "at": tx.now, "kind": kind},
            )
    with world.database.transaction(coordinator) as tx:
        found = {row.number: (group.name, row.since) for group in read_cases(tx, None).groups for row in group.rows}
    assert found[reopened.number] == (Attention.STUCK.value, moved)


def test_once_it_is_public_a_finder_reads_what_comes_first_as_its_coordinator_does(database, world):
    def cve(who, flaw):
        with database.transaction(world.people[who].viewer) as tx:
            return cve_of(tx, coordination.read_case(tx, flaw.case.id).case)

    assert cve("coordinator", world.told) == cve("finder", world.told) == "CVE-2021-45958"
    assert (cve("coordinator", world.quiet), cve("finder", world.quiet)) == ("CVE-2021-45958", None)
