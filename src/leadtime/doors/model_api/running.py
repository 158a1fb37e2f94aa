"""Builds a gateway on a database, and runs it until told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from uuid import uuid4

import structlog
from psycopg import AsyncConnection, OperationalError

from leadtime.doors.model_api.app import GatewayApp
from leadtime.doors.model_api.asked import Networks
from leadtime.doors.model_api.calls import CallDoor
from leadtime.doors.model_api.entering import Works
from leadtime.doors.model_api.sealing import Sealing
from leadtime.doors.model_api.upstream import open_session
from leadtime.flow.gateway import (
    Blocking,
    Committer,
    Connection,
    DatabaseStandings,
    Ended,
    Marks,
    ProcessId,
    RefusalCount,
    Standings,
    StandingSource,
    forget_sealed,
    limits,
    sweep,
)
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.database import Database
from leadtime.foundation.database.connect import Address, bounded

log = structlog.get_logger()

THREADS_MAX = 4
STOP_SECONDS_MAX = 10.0


@dataclass(frozen=True, slots=True)
class Gateway:
    """One gateway that is running in this process; ``app`` answers requests."""

    app: GatewayApp
    standings: Standings
    committer: Committer
    refusals: RefusalCount

    async def end_calls(self) -> None:
        """Cut every open call, and return once each has told its caller so; a server does this before it stops."""
        self.standings.cut_all(Ended.STOPPED)
        await _until_none_live(self.standings)


@asynccontextmanager
async def running(
    database: Database,
    address: Address,
    *,
    url: str,
    proxies: Networks = (),
    source: StandingSource | None = None,
) -> AsyncIterator[Gateway]:
    """Run a gateway on a database (and ``address``, where that is) while the block runs; then let its calls end.

    ``url`` is where callers reach it, as proofs of possession name it; ``proxies`` are the networks of our own proxies,
    whose word about a caller's address is taken; ``source`` replaces where standings are read.
    """
    pool = ThreadPoolExecutor(THREADS_MAX, thread_name_prefix="gateway")
    loop = asyncio.get_running_loop()

    async def blocking(work: Callable[[], object]) -> object:
        return await loop.run_in_executor(pool, work)

    async def connect() -> Connection:
        return await _connect(address)

    refusals, process = RefusalCount(), ProcessId(uuid4())
    committer = Committer(connect, database.clock, database.keys, process, refusals)
    reading = source or DatabaseStandings(database, connect)
    standings = Standings(reading, database.clock, monotonic, lambda: committer.seen_at)
    session = open_session()
    works = Works(
        clock=database.clock,
        keys=database.keys,
        standings=standings,
        committer=committer,
        refusals=refusals,
        marks=Marks(database, blocking),
        sealing=Sealing(database, blocking),
        session=session,
        url=url.rstrip("/"),
        proxies=proxies,
    )
    door = CallDoor(works)
    committing = asyncio.create_task(committer.run())
    watching = [
        asyncio.create_task(work)
        for work in (
            standings.listen_always(),
            standings.refresh_always(),
            standings.watch_always(),
            _sweep_always(database, blocking),
        )
    ]
    try:
        yield Gateway(GatewayApp(door), standings, committer, refusals)
    finally:
        await _let_end(standings, committer, committing, door)
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        await session.close()
        await reading.close()
        pool.shutdown(wait=False)


async def _let_end(standings: Standings, committer: Committer, committing: asyncio.Task[None], door: CallDoor) -> None:
    """Cut what is open, and write to the end what is to be written about it."""
    standings.cut_all(Ended.STOPPED)
    await _until_none_live(standings)
    committer.close()
    with suppress(TimeoutError):
        await asyncio.wait_for(committing, STOP_SECONDS_MAX)
    await door.finish()


async def _connect(address: Address) -> Connection:
    """Return a connection as the role that serves, starting our own server again if it is gone."""
    try:
        return await AsyncConnection.connect(bounded(address.app), autocommit=True)
    except OperationalError:
        if address.embedded is None:
            raise
        await asyncio.get_running_loop().run_in_executor(None, address.embedded.ensure_running)
        return await AsyncConnection.connect(bounded(address.app), autocommit=True)


async def _until_none_live(standings: Standings) -> None:
    until = monotonic() + STOP_SECONDS_MAX
    while standings.live and monotonic() < until:  # noqa: ASYNC110  # at the end only, and bounded
        await asyncio.sleep(0.01)


async def _sweep_always(database: Database, blocking: Blocking) -> None:
    def once() -> None:
        with database.transaction(SYSTEM) as tx:
            sweep(tx)
            forget_sealed(tx)

    while True:
        await asyncio.sleep(limits.SWEEP_SECONDS)
        try:
            await blocking(once)
        except Exception as problem:  # noqa: BLE001  # the outermost loop: what fails now is tried again
            log.warning("gateway could not sweep", kind=type(problem).__name__)
