"""A worker: takes and runs jobs of its queues until it is told to stop, through losses of the database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

import structlog
from procrastinate import App, JobContext, PsycopgConnector

from leadtime.foundation.database.connect import bounded
from leadtime.workflows.engine.jobs import is_due
from leadtime.workflows.engine.perform import Decided, Work, perform
from leadtime.workflows.engine.plan import Plan, Station, Step
from leadtime.workflows.engine.sweeping import keep_sweeping
from leadtime.workflows.engine.takings import FencedJobManager
from leadtime.workflows.records import Kind, Queue, Timings

WORKER_CONNECTIONS_MORE = 3
"""Of a worker, beside one for each job it runs: the listener, the heartbeat, taking."""

THREADS_MORE = 2
"""Of a worker, beside one for each job it runs: taking, sweeping."""

RESTART_SECONDS = 2

log = structlog.get_logger()


def _make_app(station: Station, plan: Plan, concurrency: int) -> App:
    """Return the library's application with every step registered and fenced."""
    connector = PsycopgConnector(
        conninfo=bounded(station.address.app), min_size=1, max_size=concurrency + WORKER_CONNECTIONS_MORE
    )
    app = App(connector=connector)
    app.job_manager = FencedJobManager(connector, station, plan)

    def register(kind: Kind, step: Step) -> None:
        @app.task(name=kind.name, queue=kind.queue.value, pass_context=True, retry=Decided())
        def run(context: JobContext, *, entity: str) -> None:
            perform(station, Work(kind, step, plan.asides), context.job, entity)

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
    sweeper = asyncio.create_task(keep_sweeping(station, timings, plan.asides))
    try:
        while not station.stopping.is_set():
            try:
                if station.address.embedded:
                    await asyncio.to_thread(station.address.embedded.ensure_running)
                app = _make_app(station, plan, concurrency)
                await _work_once(app, list(queues), concurrency, timings, until_idle=until_idle)
                if until_idle and not await asyncio.to_thread(is_due, station.database, list(queues)):
                    return
                await asyncio.sleep(timings.poll_seconds)
            except Exception as error:  # noqa: BLE001  # the outermost loop of a worker
                log.warning("worker starts anew", error=type(error).__name__)
                await asyncio.sleep(RESTART_SECONDS)
    finally:
        sweeper.cancel()


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
