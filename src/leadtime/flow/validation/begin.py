"""Begin a validation: take it, raising its attempt number, and read what is to be run."""

from __future__ import annotations

from sqlalchemy import select, update

from leadtime.flow.intake import ReportId, read_finding
from leadtime.flow.validation.kept import Begun, ValidationId
from leadtime.flow.validation.states import Move, State, apply, may
from leadtime.flow.validation.tables import validations
from leadtime.flow.validation.turns.call import count_attempt
from leadtime.foundation.access import Role
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing, Refused


def begin_validation(tx: Transaction, report: ReportId) -> Begun | None:
    """Take the report's validation for a run, from now on the only one that counts; None if it is decided.

    An attempt whose worker died counts towards its finder's turns until now.
    Only Leadtime's own workers may. Raises `Missing` for a report that was never queued.
    """
    if tx.viewer.role is not Role.SYSTEM:
        raise Refused("only a worker takes validations", next_step="Run leadtime worker.")
    columns = validations.c
    found = select(columns.id, columns.state, columns.attempt, columns.organisation, columns.begun_at)
    found = found.where(columns.report == report)
    row = tx.connection.execute(found.with_for_update()).one_or_none()
    if row is None:
        raise Missing("this report has no validation", where=str(report), next_step="Hand the report in again.")
    state = State(row.state)
    if not may(state, Move.BEGIN):
        return None
    if state is State.RUNNING:
        count_attempt(tx, row.organisation, begun_at=row.begun_at)
    attempt = row.attempt + 1
    tx.connection.execute(
        update(validations)
        .where(validations.c.id == row.id)
        .values(state=apply(state, Move.BEGIN).value, attempt=attempt, begun_at=tx.now)
    )
    return Begun(ValidationId(row.id), report, attempt, read_finding(tx, report).reproducer)
