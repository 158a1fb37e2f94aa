"""Put a validation aside when no further try of its job would mend it, so that nobody waits for it in vain."""

from __future__ import annotations

from sqlalchemy import select, update

from leadtime.flow.intake import ReportId
from leadtime.flow.validation.states import Move, State, apply, may
from leadtime.flow.validation.tables import validations
from leadtime.foundation.access import Role
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Refused


def put_aside(tx: Transaction, report: ReportId) -> None:
    """Let the report's validation say that it waits for a person; one that is decided stays so.

    Only Leadtime's own workers may. Beginning it again, once its cause is gone, takes it up.
    """
    if tx.viewer.role is not Role.SYSTEM:
        raise Refused("only a worker puts validations aside", next_step="Run leadtime worker.")
    mine = validations.c.report == report
    row = tx.connection.execute(select(validations.c.state).where(mine).with_for_update()).one_or_none()
    if row is not None and may(State(row.state), Move.SET_ASIDE):
        state = apply(State(row.state), Move.SET_ASIDE)
        tx.connection.execute(update(validations).where(mine).values(state=state.value))
