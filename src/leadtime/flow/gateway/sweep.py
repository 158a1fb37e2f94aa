"""Closes what dead gateway processes left open: such a call stays charged with all that it had reserved."""

from __future__ import annotations

from sqlalchemy import delete, exists, func, select, text, update

from leadtime.flow.gateway import limits
from leadtime.flow.gateway.records import Ended
from leadtime.flow.gateway.tables import calls, leases, processes, proofs
from leadtime.flow.window import ModelId, log_of
from leadtime.foundation.database import Transaction
from leadtime.ledger.append import append
from leadtime.ledger.leaves import FORFEITED, new_leaf
from leadtime.ledger.records import LeafId


def sweep(tx: Transaction) -> int:
    """Close the calls of processes that are silent for too long, forget those processes; return how many calls.

    At most `limits.SWEEP_CALLS_MAX` at once. Only the system may.
    """
    alive = func.clock_timestamp() - text(f"interval '{limits.PROCESS_SECONDS_MAX} seconds'")
    lives = exists().where(processes.c.process == calls.c.process, processes.c.seen_at > alive)
    left = (
        select(calls.c.id)
        .where(calls.c.settled_at.is_(None), ~lives)
        .limit(limits.SWEEP_CALLS_MAX)
        .with_for_update(skip_locked=True)
    )
    closed = tx.connection.execute(
        update(calls)
        .where(calls.c.id.in_(left))
        .values(
            ended=Ended.FORFEITED.value,
            settled_at=tx.now,
            charged_tokens=calls.c.reserved_tokens,
            charged_micro_usd=calls.c.reserved_micro_usd,
        )
        .returning(calls.c.id, calls.c.model)
    ).all()
    for call, model in closed:
        log = log_of(ModelId(model))
        fields = {"ended": Ended.FORFEITED.value.encode()}
        append(tx, log, new_leaf(tx.keys, log, kind=FORFEITED, at=tx.now, fields=fields, about=LeafId(call)))
    dead = select(processes.c.process).where(processes.c.seen_at <= alive)
    tx.connection.execute(delete(leases).where(leases.c.process.in_(dead)))
    tx.connection.execute(delete(processes).where(processes.c.seen_at <= alive))
    tx.connection.execute(delete(proofs).where(proofs.c.expires_at < tx.now))
    return len(closed)
