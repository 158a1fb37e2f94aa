"""Put a validation aside when no further try of its job would mend it, so that nobody waits for it in vain."""

from __future__ import annotations

from sqlalchemy import select, update

from leadtime.flow.intake import ReportId
from leadtime.flow.validation.states import Move, State, apply, may
from leadtime.flow.validation.tables import validations
from leadtime.flow.validation.turns.call import count_attempt
from leadtime.foundation.access import Role
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Refused


def put_aside(tx: Transaction, report: ReportId) -> None:
    """Let the report's validation say that it waits for a person; one that is decided stays so.

    Only Leadtime's own workers may. What its last attempt held counts towards its finder's turns. Beginning it again,
    once its cause is gone, takes it up.
    """
    if tx.viewer.role is not Role.SYSTEM:
        raise Refused("only a worker puts validations aside", next_step="Run leadtime worker.")
    mine = validations.c.report == report
    columns = validations.c
    found = select(columns.state, columns.organisation, columns.begun_at).where(mine).with_for_update()
    row = tx.connection.execute(found).one_or_none()
    if row is None or not may(State(row.state), Move.SET_ASIDE):
        return
    if State(row.state) is State.RUNNING:
        count_attempt(tx, row.organisation, begun_at=row.begun_at)
    state = apply(State(row.state), Move.SET_ASIDE)
    tx.connection.execute(update(validations).where(mine).values(state=state.value))
