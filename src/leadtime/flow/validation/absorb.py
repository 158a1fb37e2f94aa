"""Absorb what a run brought back, unless another has taken the validation since."""

from __future__ import annotations

from sqlalchemy import select, update

from leadtime.flow.validation.kept import Begun, Outcome
from leadtime.flow.validation.states import Move, State, apply, counts
from leadtime.flow.validation.tables import RESULT, validations
from leadtime.flow.validation.turns.call import count_run
from leadtime.foundation.access import Role
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Refused


def absorb_validation(tx: Transaction, begun: Begun, outcome: Outcome) -> bool:
    """Decide the validation by ``outcome`` and return True, or change nothing and return False.

    False: it was decided meanwhile, or taken again, so that this attempt counts no more.
    """
    if tx.viewer.role is not Role.SYSTEM:
        raise Refused("only a worker decides validations", next_step="Run leadtime worker.")
    columns = validations.c
    found = select(columns.state, columns.attempt, columns.organisation, columns.called_at, columns.begun_at)
    found = found.where(columns.id == begun.validation)
    row = tx.connection.execute(found.with_for_update()).one()
    if not counts(State(row.state), row.attempt, of=begun.attempt):
        return False
    tx.connection.execute(
        update(validations)
        .where(validations.c.id == begun.validation)
        .values(
            state=apply(State(row.state), Move.ABSORB).value,
            verdict=outcome.verdict,
            signature=outcome.signature and tx.keys.blind("validation.signature", outcome.signature),
            result=tx.seal(begun.report, RESULT, outcome.result),
            decided_at=tx.now,
        )
    )
    if row.called_at is not None:
        count_run(tx, row.organisation, begun_at=row.begun_at, verdict=outcome.verdict)
    return True
