"""Standings from the database: read in threads, changes heard over a connection that listens."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar
from uuid import UUID

from psycopg import Error

from leadtime.flow.gateway.batch import Connection
from leadtime.flow.parties import PEOPLE_CHANNEL
from leadtime.flow.window import (
    CHANNEL,
    ModelId,
    Standing,
    find_standings,
    open_upstream_credential,
)
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.database import Database

READERS_MAX = 2
FINDERS_MAX = 2
"""Apart from the readers: however many unknown credentials come, what is known is read again in time."""

T = TypeVar("T")


class DatabaseStandings:
    """The `live.StandingSource` of a gateway that shares a database with *window*."""

    def __init__(self, database: Database, connect: Callable[[], Awaitable[Connection]]) -> None:
        self._database = database
        self._connect = connect
        self._listening: Connection | None = None
        self._readers = ThreadPoolExecutor(READERS_MAX, thread_name_prefix="standing")
        self._finders = ThreadPoolExecutor(FINDERS_MAX, thread_name_prefix="credential")

    async def find(self, secret_hash: bytes) -> Standing | None:
        """Return how the grant of a credential stands, None if there is no such credential."""
        return (await _run(self._finders, lambda: self._read([secret_hash]))).get(secret_hash)

    async def read_again(self, secret_hashes: Collection[bytes]) -> Mapping[bytes, Standing]:
        """Return how the grants of credentials stand now."""
        return await _run(self._readers, lambda: self._read(secret_hashes)) if secret_hashes else {}

    async def credential_of(self, model: ModelId) -> str:
        """Return what a model's upstream wants to see."""
        return await _run(self._readers, lambda: self._credential_of(model))

    async def hear(self, seconds_max: float) -> frozenset[ModelId] | None:
        """Wait for changes no longer than so; None where they may be anybody's.

        So they are after a new connection, since some may have been missed, and when a person's standing changed.
        """
        if self._listening is None:
            await self._listen()
            return None
        try:
            heard = [notice async for notice in self._listening.notifies(timeout=seconds_max, stop_after=1)]
            await self._listening.execute("select 1")
            heard += [notice async for notice in self._listening.notifies(timeout=0)]
        except BaseException:
            await self._hang_up()
            raise
        if any(notice.channel == PEOPLE_CHANNEL for notice in heard):
            return None
        return frozenset(ModelId(UUID(notice.payload)) for notice in heard)

    async def close(self) -> None:
        """Hang up; what is being read is read to its end."""
        await self._hang_up()
        self._readers.shutdown(wait=False)
        self._finders.shutdown(wait=False)

    async def _listen(self) -> None:
        self._listening = await self._connect()
        try:
            await self._listening.execute(f"listen {CHANNEL}")
            await self._listening.execute(f"listen {PEOPLE_CHANNEL}")
        except BaseException:
            await self._hang_up()
            raise

    async def _hang_up(self) -> None:
        connection, self._listening = self._listening, None
        if connection is not None:
            with suppress(Error, OSError):
                await connection.close()

    def _read(self, secret_hashes: Collection[bytes]) -> Mapping[bytes, Standing]:
        with self._database.transaction(SYSTEM) as tx:
            return find_standings(tx, secret_hashes)

    def _credential_of(self, model: ModelId) -> str:
        with self._database.transaction(SYSTEM) as tx:
            return open_upstream_credential(tx, model)


async def _run(threads: ThreadPoolExecutor, read: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, read)
