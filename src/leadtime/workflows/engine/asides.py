"""Set a job aside for a person."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.dialects.postgresql import insert as upsert

from leadtime.foundation.database import Transaction
from leadtime.workflows.engine.plan import PutAside
from leadtime.workflows.records import Kind, SetAside
from leadtime.workflows.tables import set_aside


def lay_aside(tx: Transaction, aside: SetAside, asides: Mapping[Kind, PutAside]) -> None:
    """Write down, once, that a job waits for a person, and let its entity say so."""
    row = {"job": aside.job, "step": aside.kind.name, "queue": aside.kind.queue.value, "entity": aside.entity}
    row |= {"attempts": aside.attempts, "reason": aside.reason, "at": aside.at}
    tx.connection.execute(upsert(set_aside).values(row).on_conflict_do_nothing())
    if (put_aside := asides.get(aside.kind)) is not None:
        put_aside(tx, aside.entity)
