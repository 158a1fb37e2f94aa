"""Give back a validation whose attempt came to nothing: what that held counts, the pause after it does not."""

from __future__ import annotations

from sqlalchemy import select, update

from leadtime.flow.validation.kept import Begun
from leadtime.flow.validation.states import State, counts
from leadtime.flow.validation.tables import validations
from leadtime.flow.validation.turns.call import count_attempt
from leadtime.foundation.access import Role
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Refused


def give_back(tx: Transaction, begun: Begun) -> None:
    """End an attempt that failed, ran out of time or was stopped; nothing changes if another has taken it since.

    Only Leadtime's own workers may. Its job says when it is begun again, or puts it aside.
    """
    if tx.viewer.role is not Role.SYSTEM:
        raise Refused("only a worker gives validations back", next_step="Run leadtime worker.")
    columns, mine = validations.c, validations.c.id == begun.validation
    found = select(columns.state, columns.attempt, columns.organisation, columns.begun_at).where(mine)
    row = tx.connection.execute(found.with_for_update()).one()
    if counts(State(row.state), row.attempt, of=begun.attempt):
        count_attempt(tx, row.organisation, begun_at=row.begun_at)
        tx.connection.execute(update(validations).where(mine).values(begun_at=None))
