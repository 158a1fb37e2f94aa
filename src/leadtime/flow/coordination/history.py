"""Write a case's history; every verb that changes a case leaves a line."""

from __future__ import annotations

from sqlalchemy import RowMapping, insert, select, update

from leadtime.flow.coordination.records import CaseEvent, CaseId, CaseMove, CaseState, EventKind
from leadtime.flow.coordination.rules import move_case
from leadtime.flow.coordination.tables import case_events, cases, note_column
from leadtime.flow.parties import OrganisationId, PersonId
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing
from leadtime.foundation.ids import new_id

EVENTS_MAX = 10_000


def hold_case(tx: Transaction, case: CaseId) -> RowMapping:
    """Return a case's row, locked until the transaction ends; every verb that changes a case takes it first."""
    row = tx.connection.execute(select(cases).where(cases.c.id == case).with_for_update()).mappings().one_or_none()
    if row is None:
        raise Missing("there is no such case", where=str(case), next_step="Check the id.")
    return row


def advance(tx: Transaction, held: RowMapping, move: CaseMove) -> CaseState:
    """Make a move of a case that is held, and return its new state; raises `Conflict`."""
    state = move_case(CaseState(held["state"]), move)
    tx.connection.execute(update(cases).where(cases.c.id == held["id"]).values(state=state.value))
    return state


def remember(tx: Transaction, case: CaseId, kind: EventKind, note: str = "") -> None:
    """Append a line to the case's history: who, when, what, and the words given with it (sealed)."""
    now = tx.now
    event = new_id(now)
    row = {
        "id": event,
        "case_id": case,
        "at": now,
        "organisation": tx.viewer.organisation,
        "person": tx.viewer.person,
        "kind": kind.value,
        "note": tx.seal(case, note_column(event), note.encode()),
    }
    tx.connection.execute(insert(case_events).values(row))


def history_of(tx: Transaction, case: CaseId) -> tuple[CaseEvent, ...]:
    """Return a case's history, oldest first, at most its last `EVENTS_MAX` lines."""
    newest = (
        select(case_events).where(case_events.c.case_id == case).order_by(case_events.c.turn.desc()).limit(EVENTS_MAX)
    )
    rows = tx.connection.execute(newest).mappings().all()
    return tuple(_event(tx, row) for row in reversed(rows))


def _event(tx: Transaction, row: RowMapping) -> CaseEvent:
    return CaseEvent(
        at=row["at"],
        organisation=None if row["organisation"] is None else OrganisationId(row["organisation"]),
        person=None if row["person"] is None else PersonId(row["person"]),
        kind=EventKind(row["kind"]),
        note=tx.unseal(CaseId(row["case_id"]), note_column(row["id"]), row["note"]).decode(),
    )
