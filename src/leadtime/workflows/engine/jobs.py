"""Enqueue jobs, and see which of them wait."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from uuid import UUID

from procrastinate import SyncPsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from procrastinate.manager import JobManager
from procrastinate.schema import SchemaManager
from sqlalchemy import text

from leadtime.foundation.access import SYSTEM
from leadtime.foundation.database import Database, Transaction
from leadtime.foundation.database.roles import APP
from leadtime.workflows.records import Kind, Priority, Queue

PRIORITIES: Mapping[Queue, Priority] = MappingProxyType(
    {Queue.FLOW: Priority.FIRST, Queue.VALIDATION: Priority.UNTIL_CALLED}
)
"""What a job of each queue is enqueued with: what is proven goes on before anything else is proven."""


def enqueue(tx: Transaction, kind: Kind, entity: UUID, *, priority: Priority | None = None) -> None:
    """Enqueue a job in the caller's transaction: it is there if the transaction commits, and only then.

    ``priority``: that of its queue if not said.
    """
    enqueue_all(tx, kind, (entity,), priority=priority)


def enqueue_all(tx: Transaction, kind: Kind, entities: Sequence[UUID], *, priority: Priority | None = None) -> None:
    """Enqueue a job for each entity as `enqueue` does, in one statement."""
    jobs = [
        Job(
            priority=(PRIORITIES[kind.queue] if priority is None else priority).value,
            queue=kind.queue.value,
            task_name=kind.name,
            task_kwargs={"entity": str(entity)},
            lock=f"{kind.name}:{entity}",
            queueing_lock=None,
        )
        for entity in entities
    ]
    if jobs:
        connection = tx.connection.connection.driver_connection
        try:
            JobManager(SyncPsycopgConnector()).batch_defer_jobs(jobs, connection=connection)
        except ConnectorException as error:
            # The database's own error, as every other statement of the transaction raises it.
            raise error.__cause__ or error from None


def job_schema() -> Iterable[str]:
    """Yield the statements that make the library's tables and let the serving role use them; run as the owner."""
    yield SchemaManager.get_schema()
    yield "create index ix_jobs_entity on procrastinate_jobs ((args ->> 'entity')) where status = 'todo'"
    for name in ("jobs", "workers", "events", "periodic_defers"):
        yield f"grant select, insert, update, delete on procrastinate_{name} to {APP}"
    yield f"grant usage on all sequences in schema public to {APP}"


_OPEN = text("select count(*) from procrastinate_jobs where queue_name = :queue and status in ('todo', 'doing')")


def count_open(tx: Transaction, queue: Queue) -> int:
    """Return how many jobs of a queue wait or run."""
    return int(tx.connection.execute(_OPEN, {"queue": queue.value}).scalar_one())


_DUE = text("""
    select exists (select from procrastinate_jobs where status = 'todo' and queue_name = any(:queues)
        and (scheduled_at is null or scheduled_at <= now()))""")


def is_due(database: Database, queues: list[Queue]) -> bool:
    """Tell whether a job of these queues waits that may be taken now; a step may have enqueued it since."""
    with database.transaction(SYSTEM) as tx:
        return bool(tx.connection.scalar(_DUE, {"queues": [queue.value for queue in queues]}))
