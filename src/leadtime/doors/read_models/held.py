"""Whom a finder talks to, and the cases that its own reports are in."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import bindparam, text

from leadtime.flow import merging, parties
from leadtime.foundation.access import SYSTEM, Role
from leadtime.foundation.database import Database, Transaction

_CASES = text("""select report, cases.number from case_reports join cases on cases.id = case_reports.case_id
    where report in :reports order by cases.state <> 'closed', cases.opened_at""").bindparams(
    bindparam("reports", expanding=True)
)
"""The case that goes on comes last, after those that were taken into it."""


def own_cases(tx: Transaction) -> Mapping[str, tuple[bytes, ...]]:
    """Return the numbers of the cases that the viewer's own reports are in, each with those reports' fingerprints."""
    marks = merging.own_marks(tx)
    rows = tx.connection.execute(_CASES, {"reports": list(marks)}).all() if marks else ()
    case_of: dict[UUID, str] = {row.report: row.number for row in rows}
    found: dict[str, set[bytes]] = {}
    for report, mine in marks.items():
        if report in case_of:
            found.setdefault(case_of[report], set()).update(mine)
    return {number: tuple(sorted(mine)) for number, mine in found.items()}


def coordinators(database: Database) -> tuple[str, ...]:
    """Return what the coordinating organisations are called."""
    with database.transaction(SYSTEM) as tx:
        return tuple(each.name for each in parties.list_organisations(tx) if each.role is Role.COORDINATOR)
