"""How many refusals of one person get a line and a leaf, so that nobody fills a model's log by being refused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert

from leadtime.flow.window.records import ModelId
from leadtime.flow.window.tables import refusal_minutes
from leadtime.foundation.database import Transaction

REFUSALS_PER_MINUTE_MAX = 20
"""Leaves of refusals of one person about one model; further ones in the minute are counted in the next leaf."""

MINUTE = timedelta(minutes=1)
NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class RefusalMinute:
    """The minute from somebody's first refusal on: how many got a leaf since, and how many got none."""

    began_at: datetime
    leaves: int
    uncounted: int


def count_one(before: RefusalMinute | None, now: datetime) -> tuple[RefusalMinute, int | None]:
    """Count a refusal; return besides how many before it got no leaf, or None if it gets none itself."""
    minute = before
    if minute is None or now - minute.began_at >= MINUTE:
        minute = RefusalMinute(now, 0, minute.uncounted if minute else 0)
    if minute.leaves >= REFUSALS_PER_MINUTE_MAX:
        return replace(minute, uncounted=minute.uncounted + 1), None
    return RefusalMinute(minute.began_at, minute.leaves + 1, 0), minute.uncounted


def count_refusal(tx: Transaction, model: ModelId, person: UUID | None) -> int | None:
    """Count a refusal of a person about a model, whichever process it met; return as `count_one`."""
    who = person or NOBODY
    tx.lock("refusals", f"{model}:{who}")
    columns = refusal_minutes.c
    held = tx.connection.execute(
        select(columns.began_at, columns.leaves, columns.uncounted).where(columns.model == model, columns.person == who)
    ).one_or_none()
    minute, uncounted = count_one(None if held is None else RefusalMinute(*held), tx.now)
    row = {"began_at": minute.began_at, "leaves": minute.leaves, "uncounted": minute.uncounted}
    counting = upsert(refusal_minutes).values(model=model, person=who, **row)
    tx.connection.execute(counting.on_conflict_do_update(index_elements=["model", "person"], set_=row))
    return uncounted
