"""The jobs that no further try will mend: list them, and try one again when its cause is gone."""

from __future__ import annotations

from sqlalchemy import delete, select

from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing
from leadtime.workflows.engine import enqueue
from leadtime.workflows.records import Kind, Priority, Queue, SetAside
from leadtime.workflows.tables import set_aside

LISTED_MAX = 200


def list_set_aside(tx: Transaction) -> tuple[SetAside, ...]:
    """Return the jobs that were set aside, the newest first, at most `LISTED_MAX`."""
    tx.require(Act.COORDINATE_CASE)
    rows = tx.connection.execute(
        select(set_aside).order_by(set_aside.c.at.desc(), set_aside.c.job.desc()).limit(LISTED_MAX)
    )
    return tuple(
        SetAside(row.job, Kind(row.step, Queue(row.queue)), row.entity, row.attempts, row.reason, row.at)
        for row in rows
    )


def try_again(tx: Transaction, job: int) -> None:
    """Enqueue a job that was set aside anew, before others; raises `Missing` if it is not there (any more)."""
    tx.require(Act.COORDINATE_CASE)
    statement = delete(set_aside).where(set_aside.c.job == job).returning(set_aside)
    row = tx.connection.execute(statement).one_or_none()
    if row is None:
        raise Missing("this job is not set aside", where=str(job), next_step="Look at the list again.")
    enqueue(tx, Kind(row.step, Queue(row.queue)), row.entity, priority=Priority.FIRST)
