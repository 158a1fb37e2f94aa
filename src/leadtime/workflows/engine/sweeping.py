"""Take jobs over from workers that died."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from uuid import UUID

import structlog
from sqlalchemy import text

from leadtime.foundation.access import SYSTEM
from leadtime.foundation.database import Database, Transaction
from leadtime.workflows.engine.asides import lay_aside
from leadtime.workflows.engine.plan import NO_ASIDES, PutAside, Station
from leadtime.workflows.records import Kind, Queue, SetAside, Timings
from leadtime.workflows.rules import Again, Cause, decide_after_death
from leadtime.workflows.tries import count_try, forget_ended

SWEEP_JOBS_MAX = 500

log = structlog.get_logger()

_STALLED = text("""
    select job.id, job.task_name, job.queue_name, job.args ->> 'entity', job.attempts
    from procrastinate_jobs job
    where job.status = 'doing' and not exists (
        select from procrastinate_workers worker
        where worker.id = job.worker_id and worker.last_heartbeat >= now() - make_interval(secs => :dead_after_seconds))
    order by job.id limit :jobs_max for update of job skip locked""")
_RETRY = text("select procrastinate_retry_job_v2(:job, now(), null, null, null)")
_FAIL = text("select procrastinate_finish_job_v1(:job, 'failed', false)")
_WAKE = text("select pg_notify('procrastinate_any_queue_v1', json_build_object('type', 'job_inserted')::text)")


def sweep(tx: Transaction, *, dead_after_seconds: float, asides: Mapping[Kind, PutAside] = NO_ASIDES) -> int:
    """Give the jobs of dead workers back to their queues and return how many; one that kills workers is set aside.

    Safe with any number of sweepers: a job is locked while it is looked at.
    """
    bounds = {"dead_after_seconds": dead_after_seconds, "jobs_max": SWEEP_JOBS_MAX}
    stalled = tx.connection.execute(_STALLED, bounds).all()
    for job, step, queue, entity, attempts in stalled:
        outcome = decide_after_death(count_try(tx, job, Cause.DEATH))
        if isinstance(outcome, Again):
            tx.connection.execute(_RETRY, {"job": job})
        else:
            kind = Kind(step, Queue(queue))
            lay_aside(tx, SetAside(job, kind, UUID(entity), attempts + 1, outcome.reason, tx.now), asides)
            tx.connection.execute(_FAIL, {"job": job})
    if stalled:
        tx.connection.execute(_WAKE)
    forget_ended(tx)
    return len(stalled)


async def keep_sweeping(station: Station, timings: Timings, asides: Mapping[Kind, PutAside]) -> None:
    """Sweep every ``sweep_seconds``; a sweep that cannot reach the database is left to the next."""
    while True:
        try:
            await asyncio.to_thread(_sweep_once, station.database, timings.dead_after_seconds, asides)
        except Exception as error:  # noqa: BLE001  # the outermost loop of the sweep
            log.warning("sweep failed", error=type(error).__name__)
        await asyncio.sleep(timings.sweep_seconds)


def _sweep_once(database: Database, dead_after_seconds: float, asides: Mapping[Kind, PutAside]) -> None:
    """Sweep in a transaction of its own."""
    with database.transaction(SYSTEM) as tx:
        if count := sweep(tx, dead_after_seconds=dead_after_seconds, asides=asides):
            log.warning("took jobs over from dead workers", jobs=count)
