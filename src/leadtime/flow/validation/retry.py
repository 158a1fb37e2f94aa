"""Let a validation that came to nothing be run again: a build that failed, a limit that was hit, a package missing."""

from __future__ import annotations

from sqlalchemy import select, update

from leadtime.flow.intake import ReportId
from leadtime.flow.validation.states import Move, State, apply, check_retry
from leadtime.flow.validation.tables import validations
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing

UNDECIDED = ("verdict", "signature", "result", "decided_at")


def retry_validation(tx: Transaction, report: ReportId) -> bool:
    """Let the report's inconclusive validation wait to be run again; False if it waits or runs already.

    Only coordinators may. Raises `Refused` for one that was decided (a verdict is not asked for until it pleases), and
    for one whose report carries nothing to run.
    """
    tx.require(Act.COORDINATE_CASE)
    mine = validations.c.report == report
    found = select(validations.c.state, validations.c.verdict, validations.c.claimed).where(mine).with_for_update()
    row = tx.connection.execute(found).one_or_none()
    if row is None:
        raise Missing("this report has no validation", where=str(report), next_step="Check the report's id.")
    state = State(row.state)
    if state in (State.QUEUED, State.RUNNING):
        return False
    check_retry(state, row.verdict, runnable=row.claimed is None)
    tx.connection.execute(
        update(validations)
        .where(mine)
        .values(state=apply(state, Move.RETRY).value, called_at=None, **dict.fromkeys(UNDECIDED))
    )
    return True
