"""Notices when an upstream calls itself other than when it first answered: an alarm once, a mark from then on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from leadtime.flow.gateway.records import Alarm, Call, Fingerprint
from leadtime.flow.gateway.rules import change_of
from leadtime.flow.gateway.tables import alarms, fingerprints
from leadtime.flow.window import ModelId
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.database import Database, Transaction
from leadtime.foundation.ids import new_id

SEEN_MAX = 10_000

Blocking = Callable[[Callable[[], object]], Awaitable[object]]
"""Runs something that blocks in a thread."""


def note_fingerprint(tx: Transaction, call: Call, named: Fingerprint) -> Alarm | None:
    """Keep what an upstream first called itself; return the alarm, and store it once, if it is something else now."""
    standing, variant = call.standing, call.variant.name
    row = {
        "model": standing.model,
        "variant": variant,
        "developer": standing.developer,
        "upstream_model": named.model,
        "system": named.system,
        "first_seen_at": tx.now,
    }
    tx.connection.execute(upsert(fingerprints).values(row).on_conflict_do_nothing())
    # One at a time, so that an alarm is told once however many calls notice it together.
    first = tx.connection.execute(
        select(fingerprints.c.upstream_model, fingerprints.c.system)
        .where(fingerprints.c.model == standing.model, fingerprints.c.variant == variant)
        .with_for_update()
    ).one()
    alarm = change_of(Fingerprint(*first), named)
    if alarm is not None and not _is_told(tx, standing.model, variant, alarm):
        _tell(tx, call, alarm)
    return alarm


class Marks:
    """Which variants' upstreams have changed, as far as this process has seen."""

    def __init__(self, database: Database, blocking: Blocking) -> None:
        self._database = database
        self._blocking = blocking
        self._seen: set[tuple[ModelId, str, Fingerprint]] = set()
        self._marked: set[tuple[ModelId, str]] = set()

    def is_new(self, call: Call, named: Fingerprint) -> bool:
        """Tell whether `note` has something to do; most calls' upstreams are called what they were before."""
        return bool(named.model or named.system) and (call.standing.model, call.variant.name, named) not in self._seen

    async def note(self, call: Call, named: Fingerprint) -> None:
        """Store or compare what an upstream calls itself."""
        alarm = await self._blocking(lambda: self._note(call, named))
        if len(self._seen) >= SEEN_MAX:
            self._seen.clear()
        self._seen.add((call.standing.model, call.variant.name, named))
        if alarm is not None:
            self._marked.add((call.standing.model, call.variant.name))

    def _note(self, call: Call, named: Fingerprint) -> Alarm | None:
        with self._database.transaction(SYSTEM) as tx:
            return note_fingerprint(tx, call, named)

    def is_marked(self, call: Call) -> bool:
        """Tell whether the upstream behind a call's variant has changed."""
        return (call.standing.model, call.variant.name) in self._marked


def _is_told(tx: Transaction, model: ModelId, variant: str, alarm: Alarm) -> bool:
    told = select(alarms.c.id).where(
        alarms.c.model == model,
        alarms.c.variant == variant,
        alarms.c.kind == alarm.kind.value,
        alarms.c.what == alarm.what,
    )
    return tx.connection.execute(told.limit(1)).first() is not None


def _tell(tx: Transaction, call: Call, alarm: Alarm) -> None:
    row = {
        "id": new_id(tx.now),
        "model": call.standing.model,
        "developer": call.standing.developer,
        "variant": call.variant.name,
        "call": call.id,
        "kind": alarm.kind.value,
        "what": alarm.what,
        "at": tx.now,
    }
    tx.connection.execute(insert(alarms).values(row))
