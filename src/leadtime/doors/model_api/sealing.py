"""Keeps sealed content off the event loop: who the two sides are, and closing each call's content to them."""

from __future__ import annotations

from leadtime.flow.gateway import Blocking, Call, Content, Sides, find_sides, keep_sealed
from leadtime.flow.window import Standing
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.database import Database


class Sealing:
    """Sealed records of one process."""

    def __init__(self, database: Database, blocking: Blocking) -> None:
        self._database = database
        self._blocking = blocking

    async def sides_of(self, standing: Standing) -> Sides | None:
        """Return the keys of both sides as they are now, None if one side has stated none."""
        found = await self._blocking(lambda: self._find(standing))
        return found if isinstance(found, Sides) else None

    async def keep(self, call: Call, sides: Sides, content: Content) -> None:
        """Close a call's content to both sides and keep it."""
        await self._blocking(lambda: self._keep(call, sides, content))

    def _find(self, standing: Standing) -> Sides | None:
        with self._database.transaction(SYSTEM) as tx:
            return find_sides(tx, standing)

    def _keep(self, call: Call, sides: Sides, content: Content) -> None:
        with self._database.transaction(SYSTEM) as tx:
            keep_sealed(tx, call, sides, content)
