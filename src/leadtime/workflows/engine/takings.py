"""Take jobs in their queues' turns, and end a taking: where the job was taken anew since, nothing changes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from procrastinate import PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager, NotificationCallback
from sqlalchemy import text

from leadtime.foundation.access import SYSTEM
from leadtime.foundation.database import Database
from leadtime.foundation.errors import Unavailable
from leadtime.workflows.engine.plan import Call, Plan, Station
from leadtime.workflows.records import Priority, Queue
from leadtime.workflows.rules import PAUSE_SECONDS_MAX

AGAIN_SECONDS = 1.0
"""After which what the database could not do is asked of it again."""

_MINE = """with mine as materialized (select id from procrastinate_jobs
    where id = %(job_id)s and status = 'doing' and attempts = %(attempts)s for update)"""
_FINISH_MINE = f"{_MINE} select procrastinate_finish_job_v1(id, %(status)s, %(delete_job)s) from mine"  # noqa: S608
_RETRY_MINE = f"{_MINE} select procrastinate_retry_job_v2(id, %(retry_at)s, null, null, null) from mine"  # noqa: S608

_CALLED = text("""update procrastinate_jobs set priority = :priority
    where status = 'todo' and queue_name = :queue and priority < :priority and args ->> 'entity' = :entity""")
_TAKE = text("""select id, status::text, task_name, priority, lock, queueing_lock, args, scheduled_at, queue_name,
    attempts, worker_id from procrastinate_fetch_job_v2(:queues, :worker)""")


def _take(database: Database, calls: Mapping[Queue, Call], queues: list[str], worker: int) -> Job | None:
    """Call up whoever's turn it is in each of these queues, and take the first job, in one transaction."""
    with database.transaction(SYSTEM) as tx:
        for queue, call in calls.items():
            if queue.value in queues and (entity := call(tx)) is not None:
                called = {"queue": queue.value, "priority": Priority.CALLED.value, "entity": str(entity)}
                tx.connection.execute(_CALLED, called)
        row = tx.connection.execute(_TAKE, {"queues": queues, "worker": worker}).mappings().one()
    return Job.from_row(dict(row)) if row["id"] is not None else None


class FencedJobManager(JobManager):
    """The library's, but for three things that it lets go wrong.

    A taking that is no longer the job's last one changes nothing, and turns are kept. What the database cannot do just
    now ends neither the listening nor the heartbeat. A taking's end is written as soon as it can be: a job that nobody
    finishes would stay with its worker for as long as that lives.
    """

    def __init__(self, connector: PsycopgConnector, station: Station, plan: Plan) -> None:
        super().__init__(connector)
        self._station, self._plan = station, plan

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """Take the next job, if one waits and the database can give it."""
        try:
            return await asyncio.to_thread(
                _take, self._station.database, self._plan.calls, list(queues or ()), worker_id
            )
        except Unavailable:
            return None

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:  # noqa: FBT001
        """Set the job's final state if this taking still has it; a kind that this worker does not know goes back."""
        if job.task_name not in {kind.name for kind in self._plan.steps}:
            await self.retry_job(job, datetime.now(UTC) + timedelta(seconds=PAUSE_SECONDS_MAX))
            return
        await self._end(_FINISH_MINE, job, status=status.value, delete_job=delete_job)

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime | None = None,
        priority: int | None = None,  # noqa: ARG002
        queue: str | None = None,  # noqa: ARG002
        lock: str | None = None,  # noqa: ARG002
    ) -> None:
        """Give the job back to its queue if this taking still has it; nothing else of it ever changes."""
        await self._end(_RETRY_MINE, job, retry_at=retry_at)

    async def _end(self, statement: str, job: Job, **changes: str | bool | datetime | None) -> None:
        """Write how a taking ended, again until it is written or the worker is told to stop."""
        while True:
            try:
                await self.connector.execute_query_async(statement, job_id=job.id, attempts=job.attempts, **changes)
            except ConnectorException:
                if self._station.stopping.is_set():
                    raise
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                return

    async def update_heartbeat(self, worker_id: int) -> None:
        """Say that the worker lives; what cannot be said now is said with the next beat."""
        with suppress(ConnectorException):
            await super().update_heartbeat(worker_id)

    async def listen_for_jobs(
        self, *, on_notification: NotificationCallback, queues: Iterable[str] | None = None
    ) -> None:
        """Listen for new jobs, through losses of the connection."""
        while True:
            with suppress(ConnectorException):
                await super().listen_for_jobs(on_notification=on_notification, queues=queues)
            await asyncio.sleep(AGAIN_SECONDS)
