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
from leadtime.flow.coordination.rules import NOTE_CHARS_MAX, check_line, check_reach, move_delivery
from leadtime.flow.coordination.tables import cases, deliveries
from leadtime.flow.merging import VulnerabilityId
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
    _close(tx, hold_case(tx, case), check_line(reason, where="reason", chars_max=NOTE_CHARS_MAX))


def reopen_case(tx: Transaction, case: CaseId, *, reason: str) -> None:
    """Open a published or closed case again, with a reason that the history keeps; deliveries are sent anew."""
    tx.require(Act.COORDINATE_CASE, case)
    held = hold_case(tx, case)
    note = check_line(reason, where="reason", chars_max=NOTE_CHARS_MAX)
    advance(tx, held, CaseMove.REOPEN)
    remember(tx, case, EventKind.REOPENED, note)


def absorb_case(tx: Transaction, vulnerability: VulnerabilityId, *, into: CaseId) -> None:
    """Close the case of a vulnerability that turned out to be another's flaw; without a case, or again, nothing.

    Its reports come to ``into`` with their credits when `open_case` is called for the surviving vulnerability.
    """
    tx.require(Act.COORDINATE_CASE, into)
    found = tx.connection.scalar(select(cases.c.id).where(cases.c.vulnerability == vulnerability))
    if found is not None and found != into:
        number = hold_case(tx, into)["number"]
        _close(tx, hold_case(tx, CaseId(found)), f"the same flaw as {number}")


def _close(tx: Transaction, held: RowMapping, note: str) -> None:
    if CaseState(held["state"]) is CaseState.CLOSED:
        return
    advance(tx, held, CaseMove.CLOSE)
    in_case = deliveries.c.case_id == held["id"]
    for state in tx.connection.scalars(select(deliveries.c.state).where(in_case).distinct()).all():
        closed = move_delivery(DeliveryState(state), DeliveryMove.CLOSE)
        tx.connection.execute(update(deliveries).where(in_case, deliveries.c.state == state).values(state=closed.value))
    remember(tx, CaseId(held["id"]), EventKind.CLOSED, note)
