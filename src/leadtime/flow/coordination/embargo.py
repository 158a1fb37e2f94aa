"""Set and lift a case's embargo."""

from __future__ import annotations

from sqlalchemy import update

from leadtime.flow.coordination.history import hold_case, remember
from leadtime.flow.coordination.records import CaseId, Embargo, EventKind
from leadtime.flow.coordination.rules import check_reason, parse_embargo
from leadtime.flow.coordination.tables import cases
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction


def set_embargo(tx: Transaction, case: CaseId, *, ends_at: str, zone: str) -> Embargo:
    """Set until when a case is kept quiet: a local time (``2026-12-01T17:00``) of an IANA zone; both are kept.

    Raises as `rules.parse_embargo`. The embargo that stands already changes nothing.
    """
    tx.require(Act.COORDINATE_CASE, case)
    held = hold_case(tx, case)
    embargo = parse_embargo(ends_at, zone, tx.now)
    if (held["embargo_ends_at"], held["embargo_zone"]) != (embargo.ends_at, embargo.zone):
        tx.connection.execute(
            update(cases).where(cases.c.id == case).values(embargo_ends_at=embargo.ends_at, embargo_zone=embargo.zone)
        )
        remember(tx, case, EventKind.EMBARGO_SET, f"until {embargo.ends_at.isoformat()}, agreed in {zone}")
    return embargo


def lift_embargo(tx: Transaction, case: CaseId, *, reason: str) -> None:
    """Lift a case's embargo before its end, with a reason that the history keeps; without one to lift, nothing."""
    tx.require(Act.COORDINATE_CASE, case)
    held = hold_case(tx, case)
    note = check_reason(reason)
    if held["embargo_ends_at"] is None:
        return
    tx.connection.execute(update(cases).where(cases.c.id == case).values(embargo_ends_at=None, embargo_zone=None))
    remember(tx, case, EventKind.EMBARGO_LIFTED, note)
