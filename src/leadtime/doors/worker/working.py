"""Work queues until SIGTERM or Ctrl-C: then take nothing more, let what runs end within a bound, and leave."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Collection
from functools import partial

import structlog

from leadtime.foundation.clock import Clock
from leadtime.foundation.database.opening import find_database, open_address
from leadtime.foundation.keys import read_keys
from leadtime.foundation.settings import Settings
from leadtime.workflows.engine import Plan, Station, work
from leadtime.workflows.farm.give import judge_elsewhere, prove_elsewhere, survey_elsewhere
from leadtime.workflows.proving import prove
from leadtime.workflows.records import Queue, Timings
from leadtime.workflows.report_to_operator import plan

LEAVE_SECONDS_MORE = 5
"""Beyond the drain: a step that still hangs is left to whoever takes its job over."""

log = structlog.get_logger()


def work_queues(
    settings: Settings,
    clock: Clock,
    *,
    queues: Collection[Queue],
    concurrency: int,
    to_runners: bool = False,
    timings: Timings | None = None,
) -> None:
    """Work ``queues`` with ``concurrency`` jobs at once until this process is told to stop.

    ``to_runners``: what a finder sent is run by runners on other hosts, and waits for one. Runs are given up at once on
    stopping and taken again by another worker; other steps end. Raises as `open_database`.
    """
    keys = read_keys(settings.home / "keys")
    address = find_database(settings)
    station = Station(open_address(address, clock, keys), address, settings)
    try:
        chosen = plan(partial(prove, settings))
        if to_runners:
            there = station.database
            chosen = plan(
                partial(prove_elsewhere, there), partial(survey_elsewhere, there), partial(judge_elsewhere, there)
            )
        asyncio.run(_work(station, chosen, queues, concurrency, timings or Timings()))
    finally:
        station.database.engine.dispose()


async def _work(station: Station, chosen: Plan, queues: Collection[Queue], concurrency: int, timings: Timings) -> None:
    """Work until a signal, then drain."""
    loop = asyncio.get_running_loop()
    working = asyncio.create_task(work(station, chosen, queues=queues, concurrency=concurrency, timings=timings))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, station, working, timings)
    log.info("working", queues=[queue.value for queue in queues], concurrency=concurrency)
    try:
        await working
    except asyncio.CancelledError:
        log.info("drained")


def _stop(station: Station, working: asyncio.Task[None], timings: Timings) -> None:
    """Stop taking jobs; a thread that does not come back by the bound does not keep the process."""
    if station.stopping.is_set():
        return
    station.stopping.set()
    working.cancel()
    leaving = threading.Timer(timings.drain_seconds + LEAVE_SECONDS_MORE, os._exit, [1])
    leaving.daemon = True
    leaving.start()
