"""Admit a runner, look at the runners, and let one go."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, delete, func, insert, select, update

from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Conflict, Missing
from leadtime.workflows.farm.records import PublicKeys, Runner
from leadtime.workflows.farm.rules import role_of
from leadtime.workflows.farm.tables import runners, runs

RUNNERS_MAX = 1_000
NOBODY = ""
"""In place of a runner's role: who has a run whose runner was removed."""


def admit_runner(tx: Transaction, name: str, keys: PublicKeys) -> str:
    """Admit a runner by its name and its public keys, and return its database role, which the caller has to make.

    Raises `Malformed` for a name that is not plain and `Conflict` for one that is taken.
    """
    tx.require(Act.COORDINATE_CASE)
    role = role_of(name)
    if tx.connection.execute(select(runners.c.name).where(runners.c.name == name)).one_or_none() is not None:
        raise Conflict("there is a runner of this name", where=name, next_step="Remove it first, or choose another.")
    row = {"name": name, "role": role, "sealing_key": keys.sealing, "signing_key": keys.signing}
    tx.connection.execute(insert(runners).values(row | {"added_at": tx.now, "slots": 0}))
    return role


def remove_runner(tx: Transaction, name: str) -> str:
    """Let a runner go and return its role, which the caller has to drop; its runs are given to others."""
    tx.require(Act.COORDINATE_CASE)
    role = tx.connection.scalar(delete(runners).where(runners.c.name == name).returning(runners.c.role))
    if role is None:
        raise Missing("there is no such runner", where=name, next_step="Look at leadtime runner list.")
    # Whoever is admitted by the same name has another key, which does not open what was sealed to this one.
    tx.connection.execute(update(runs).where(runs.c.role == role).values(role=NOBODY))
    return str(role)


def list_runners(tx: Transaction) -> tuple[Runner, ...]:
    """Return the runners by name, each with how many runs it has, at most `RUNNERS_MAX`."""
    tx.require(Act.COORDINATE_CASE)
    silent = func.extract("epoch", func.clock_timestamp() - runners.c.heard_at).label("silent")
    open_runs = select(func.count()).where(runs.c.role == runners.c.role, runs.c.answered_at.is_(None))
    query = select(runners, silent, open_runs.scalar_subquery().label("runs"))
    return tuple(_runner(row) for row in tx.connection.execute(query.order_by(runners.c.name).limit(RUNNERS_MAX)))


def _runner(row: Row[tuple[str, str, bytes, bytes, datetime, int, datetime, float, UUID, datetime]]) -> Runner:
    return Runner(
        name=row.name,
        role=row.role,
        keys=PublicKeys(row.sealing_key, row.signing_key),
        added_at=row.added_at,
        slots=row.slots,
        silent_seconds=float(row.silent) if row.silent is not None else None,
        runs=row.runs,
        unopened_at=row.unopened_at,
    )
