"""Durable jobs as rows in our own database: enqueue, take, retry, set aside. It alone imports the job library.

A job is a step's name and one id, never content. It is enqueued on the caller's own connection, so it exists if and
only if the state that calls for it does. A taking is told from the next by the job's attempt number, which every retry
raises: a worker that was paused, declared dead and comes back late cannot finish what another has taken since.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from uuid import UUID

import structlog
from procrastinate import App, BaseRetryStrategy, JobContext, PsycopgConnector, RetryDecision, SyncPsycopgConnector
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from procrastinate.schema import SchemaManager
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import OperationalError

from leadtime.foundation.access import SYSTEM
from leadtime.foundation.database import Database, Transaction
from leadtime.foundation.database.connect import Address, bounded
from leadtime.foundation.database.roles import APP
from leadtime.foundation.settings import Settings
from leadtime.workflows.records import Kind, Priority, Queue, SetAside, Timings
from leadtime.workflows.rules import (
    PAUSE_SECONDS_FIRST,
    Again,
    Aside,
    Cause,
    cause_of,
    decide_after,
    decide_after_death,
)
from leadtime.workflows.tables import set_aside
from leadtime.workflows.tries import count_try, forget_ended

SWEEP_JOBS_MAX = 500
WORKER_CONNECTIONS_MORE = 3
"""Of a worker, beside one for each job it runs: the listener, the heartbeat, taking."""

THREADS_MORE = 2
"""Of a worker, beside one for each job it runs: taking, sweeping."""

RESTART_SECONDS = 2

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Station:
    """What a step works with: the database, the settings, and the event that says that the worker is to stop."""

    database: Database
    address: Address
    settings: Settings
    stopping: threading.Event = field(default_factory=threading.Event)


Step = Callable[[Station, UUID], None]
"""Does one step for one entity, or nothing if its move has been made; its transactions are its own."""


PutAside = Callable[[Transaction, UUID], None]
"""Lets an entity say of itself that its job was set aside; in the transaction that sets the job aside."""

Call = Callable[[Transaction], UUID | None]
"""Says whose turn it is in a queue, each entity once; None leaves the queue as it is. In the transaction that takes."""

NO_ASIDES: Mapping[Kind, PutAside] = MappingProxyType({})
NO_CALLS: Mapping[Queue, Call] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Plan:
    """What a worker does: each kind's step, what is done for those that are set aside, who keeps a queue's turns."""

    steps: Mapping[Kind, Step]
    asides: Mapping[Kind, PutAside] = field(default_factory=lambda: NO_ASIDES)
    calls: Mapping[Queue, Call] = field(default_factory=lambda: NO_CALLS)


@dataclass(frozen=True, slots=True)
class Work:
    """One kind of job with its step, and what is done for each kind that is set aside."""

    kind: Kind
    step: Step
    asides: Mapping[Kind, PutAside]


PRIORITIES: Mapping[Queue, Priority] = MappingProxyType(
    {Queue.FLOW: Priority.FIRST, Queue.VALIDATION: Priority.UNTIL_CALLED}
)
"""What a job of each queue is enqueued with: what is proven goes on before anything else is proven."""


class StepFailed(Exception):
    """A step ended with an error; carries what becomes of it, and no content into the library's log."""

    def __init__(self, outcome: Again | None) -> None:
        super().__init__("again" if outcome else "set aside")
        self.outcome = outcome


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
        JobManager(SyncPsycopgConnector()).batch_defer_jobs(jobs, connection=connection)


def job_schema() -> Iterable[str]:
    """Yield the statements that make the library's tables and let the serving role use them; run as the owner."""
    yield SchemaManager.get_schema()
    yield "create index ix_jobs_entity on procrastinate_jobs ((args ->> 'entity')) where status = 'todo'"
    for name in ("jobs", "workers", "events", "periodic_defers"):
        yield f"grant select, insert, update, delete on procrastinate_{name} to {APP}"
    yield f"grant usage on all sequences in schema public to {APP}"


_STALLED = text("""
    select job.id, job.task_name, job.queue_name, job.args ->> 'entity', job.attempts
    from procrastinate_jobs job
    where job.status = 'doing' and not exists (
        select from procrastinate_workers worker
        where worker.id = job.worker_id and worker.last_heartbeat >= now() - make_interval(secs => :dead_after_seconds))
    order by job.id limit :jobs_max for update of job skip locked""")
_DUE = text("""
    select exists (select from procrastinate_jobs where status = 'todo' and queue_name = any(:queues)
        and (scheduled_at is null or scheduled_at <= now()))""")
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
            _set_aside(tx, SetAside(job, kind, UUID(entity), attempts + 1, outcome.reason, tx.now), asides)
            tx.connection.execute(_FAIL, {"job": job})
    if stalled:
        tx.connection.execute(_WAKE)
    forget_ended(tx)
    return len(stalled)


_OPEN = text("select count(*) from procrastinate_jobs where queue_name = :queue and status in ('todo', 'doing')")


def count_open(tx: Transaction, queue: Queue) -> int:
    """Return how many jobs of a queue wait or run."""
    return int(tx.connection.execute(_OPEN, {"queue": queue.value}).scalar_one())


def _set_aside(tx: Transaction, aside: SetAside, asides: Mapping[Kind, PutAside]) -> None:
    """Write down, once, that a job waits for a person, and let its entity say so."""
    row = {"job": aside.job, "step": aside.kind.name, "queue": aside.kind.queue.value, "entity": aside.entity}
    row |= {"attempts": aside.attempts, "reason": aside.reason, "at": aside.at}
    tx.connection.execute(upsert(set_aside).values(row).on_conflict_do_nothing())
    if (put_aside := asides.get(aside.kind)) is not None:
        put_aside(tx, aside.entity)


_MINE = """with mine as materialized (select id from procrastinate_jobs
    where id = %(job_id)s and status = 'doing' and attempts = %(attempts)s for update)"""
_STILL_MINE = text("""select id from procrastinate_jobs
    where id = :job and status = 'doing' and attempts = :attempts for update""")
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


class _FencedJobManager(JobManager):
    """The library's, but a taking that is no longer the job's last one changes nothing, and turns are kept."""

    def __init__(self, connector: PsycopgConnector, database: Database, calls: Mapping[Queue, Call]) -> None:
        super().__init__(connector)
        self._database, self._calls = database, calls

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """Take the next job, if one waits."""
        return await asyncio.to_thread(_take, self._database, self._calls, list(queues or ()), worker_id)

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:  # noqa: FBT001
        """Set the job's final state if this taking still has it."""
        changes = {"status": status.value, "delete_job": delete_job}
        await self.connector.execute_query_async(_FINISH_MINE, job_id=job.id, attempts=job.attempts, **changes)

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime | None = None,
        priority: int | None = None,  # noqa: ARG002
        queue: str | None = None,  # noqa: ARG002
        lock: str | None = None,  # noqa: ARG002
    ) -> None:
        """Give the job back to its queue if this taking still has it; nothing else of it ever changes."""
        await self.connector.execute_query_async(_RETRY_MINE, job_id=job.id, attempts=job.attempts, retry_at=retry_at)


class _Decided(BaseRetryStrategy):
    """Does what `_perform` has decided."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:  # noqa: ARG002
        outcome = exception.outcome if isinstance(exception, StepFailed) else None
        if outcome is None:
            return None
        return RetryDecision(retry_at=datetime.now(UTC) + timedelta(seconds=outcome.after_seconds))


def _perform(station: Station, work_of: Work, job: Job, entity: str) -> None:
    """Run one step; what it raises becomes a retry or a row in `set_aside`."""
    try:
        work_of.step(station, UUID(entity))
    except Exception as error:  # noqa: BLE001  # the outermost loop of every step
        outcome = _decide(station, work_of, job, UUID(entity), error)
        told = {"step": work_of.kind.name, "entity": entity, "attempt": job.attempts + 1}
        log.warning("step failed", **told, outcome=str(outcome))
        raise StepFailed(outcome if isinstance(outcome, Again) else None) from None


def _decide(station: Station, work_of: Work, job: Job, entity: UUID, error: Exception) -> Again | Aside:
    """Count a failed try and return what becomes of its job; a taking that is not the last one decides nothing."""
    number = job.id or 0
    try:
        with station.database.transaction(SYSTEM) as tx:
            if tx.connection.execute(_STILL_MINE, {"job": number, "attempts": job.attempts}).one_or_none() is None:
                return Again(0)
            outcome = decide_after(error, count_try(tx, number, cause_of(error)))
            if isinstance(outcome, Aside):
                aside = SetAside(number, work_of.kind, entity, job.attempts + 1, outcome.reason, tx.now)
                _set_aside(tx, aside, work_of.asides)
            return outcome
    except OperationalError:
        # Nothing can be counted while the database is away, and nothing is set aside for that.
        return Again(PAUSE_SECONDS_FIRST)


def _make_app(station: Station, plan: Plan, concurrency: int) -> App:
    """Return the library's application with every step registered and fenced."""
    connector = PsycopgConnector(
        conninfo=bounded(station.address.app), min_size=1, max_size=concurrency + WORKER_CONNECTIONS_MORE
    )
    app = App(connector=connector)
    app.job_manager = _FencedJobManager(connector, station.database, plan.calls)

    def register(kind: Kind, step: Step) -> None:
        @app.task(name=kind.name, queue=kind.queue.value, pass_context=True, retry=_Decided())
        def run(context: JobContext, *, entity: str) -> None:
            _perform(station, Work(kind, step, plan.asides), context.job, entity)

    for kind, step in plan.steps.items():
        register(kind, step)
    return app


async def work(
    station: Station,
    plan: Plan,
    *,
    queues: Collection[Queue],
    concurrency: int,
    timings: Timings,
    until_idle: bool = False,
) -> None:
    """Take and run jobs of ``queues`` until cancelled (what runs may end), or with ``until_idle`` until none waits.

    Sweeps as it goes. A worker that loses the database starts anew. Call from the main thread's event loop.
    """
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(concurrency + THREADS_MORE))
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)
    sweeper = asyncio.create_task(_keep_sweeping(station, timings, plan.asides))
    try:
        while not station.stopping.is_set():
            try:
                app = _make_app(station, plan, concurrency)
                await _work_once(app, list(queues), concurrency, timings, until_idle=until_idle)
            except Exception as error:  # noqa: BLE001  # the outermost loop of a worker
                log.warning("worker starts anew", error=type(error).__name__)
                await asyncio.sleep(RESTART_SECONDS)
                if station.address.embedded:
                    await asyncio.to_thread(station.address.embedded.ensure_running)
            else:
                if not until_idle or not await asyncio.to_thread(_is_due, station.database, list(queues)):
                    return
                await asyncio.sleep(timings.poll_seconds)
    finally:
        sweeper.cancel()


def _is_due(database: Database, queues: list[Queue]) -> bool:
    """Tell whether a job of these queues waits that may be taken now; a step may have enqueued it since."""
    with database.transaction(SYSTEM) as tx:
        return bool(tx.connection.scalar(_DUE, {"queues": [queue.value for queue in queues]}))


async def _work_once(app: App, queues: list[Queue], concurrency: int, timings: Timings, *, until_idle: bool) -> None:
    """Run the library's worker once."""
    async with app.open_async():
        await app.run_worker_async(
            queues=[queue.value for queue in queues],
            concurrency=concurrency,
            wait=not until_idle,
            fetch_job_polling_interval=timings.poll_seconds,
            update_heartbeat_interval=timings.heartbeat_seconds,
            stalled_worker_timeout=timings.dead_after_seconds,
            shutdown_graceful_timeout=timings.drain_seconds,
            delete_jobs="successful",
            install_signal_handlers=False,
        )


async def _keep_sweeping(station: Station, timings: Timings, asides: Mapping[Kind, PutAside]) -> None:
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
