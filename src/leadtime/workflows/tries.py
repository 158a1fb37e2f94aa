"""How often a job has failed, each cause counted apart: an outage of an hour does not use up the tries of a fault."""

from __future__ import annotations

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from leadtime.foundation.database import Transaction
from leadtime.workflows.rules import Cause, Tries
from leadtime.workflows.tables import failed_tries

_OVER = text("""
    delete from failed_tries where not exists (
        select from procrastinate_jobs job where job.id = failed_tries.job and job.status in ('todo', 'doing'))""")


def count_try(tx: Transaction, job: int, cause: Cause) -> Tries:
    """Count one more failed try of a job, and return how often each cause had ended one before it."""
    held = failed_tries.c
    rows = tx.connection.execute(select(held.cause, held.times).where(held.job == job).with_for_update())
    before = {Cause(row.cause): row.times for row in rows}
    statement = upsert(failed_tries).values(job=job, cause=cause.value, times=1)
    counted = statement.on_conflict_do_update(index_elements=["job", "cause"], set_={"times": held.times + 1})
    tx.connection.execute(counted)
    return Tries(
        faults=before.get(Cause.FAULT, 0), outages=before.get(Cause.OUTAGE, 0), deaths=before.get(Cause.DEATH, 0)
    )


def forget_ended(tx: Transaction) -> None:
    """Forget the tries of jobs that have come to an end."""
    tx.connection.execute(_OVER)
