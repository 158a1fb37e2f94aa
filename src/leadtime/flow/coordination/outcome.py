"""What happens to a case at its end and from its right: published, closed, reopened, how far it reaches."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import RowMapping, select, update

from leadtime.flow.coordination.history import advance, hold_case, remember
from leadtime.flow.coordination.records import (
    CaseId,
    CaseMove,
    CaseState,
    DeliveryMove,
    DeliveryState,
    EventKind,
)
from leadtime.flow.coordination.rules import check_reach, check_reason, move_delivery
from leadtime.flow.coordination.tables import cases, deliveries
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction


def note_published(tx: Transaction, case: CaseId, advisory: UUID) -> None:
    """Record that the case's advisory was published; again changes nothing. *advisory* judges the embargo."""
    tx.require(Act.COORDINATE_CASE, case)
    held = hold_case(tx, case)
    if CaseState(held["state"]) is not CaseState.PUBLISHED:
        advance(tx, held, CaseMove.PUBLISH)
        remember(tx, case, EventKind.PUBLISHED, str(advisory))


def note_reach(tx: Transaction, case: CaseId, operators: int) -> None:
    """Record how many operators are known to run the software; the same number again changes nothing."""
    tx.require(Act.COORDINATE_CASE, case)
    held = hold_case(tx, case)
    if held["reach"] != check_reach(operators):
        tx.connection.execute(update(cases).where(cases.c.id == case).values(reach=operators))
        remember(tx, case, EventKind.REACH_NOTED, str(operators))


def close_case(tx: Transaction, case: CaseId, *, reason: str) -> None:
    """Close a case and its deliveries, with a reason that the history keeps; a closed one stays as it is."""
    tx.require(Act.COORDINATE_CASE, case)
    close(tx, hold_case(tx, case), check_reason(reason))


def reopen_case(tx: Transaction, case: CaseId, *, reason: str) -> None:
    """Open a published or closed case again, with a reason that the history keeps; deliveries are sent anew."""
    tx.require(Act.COORDINATE_CASE, case)
    held = hold_case(tx, case)
    note = check_reason(reason)
    advance(tx, held, CaseMove.REOPEN)
    remember(tx, case, EventKind.REOPENED, note)


def close(tx: Transaction, held: RowMapping, note: str) -> None:
    """Close a case that is held, and its deliveries, for a caller who has asked access."""
    if CaseState(held["state"]) is CaseState.CLOSED:
        return
    advance(tx, held, CaseMove.CLOSE)
    in_case = deliveries.c.case_id == held["id"]
    for state in tx.connection.scalars(select(deliveries.c.state).where(in_case).distinct()).all():
        closed = move_delivery(DeliveryState(state), DeliveryMove.CLOSE)
        tx.connection.execute(update(deliveries).where(in_case, deliveries.c.state == state).values(state=closed.value))
    remember(tx, CaseId(held["id"]), EventKind.CLOSED, note)
