"""Call up the report whose turn it is, and count what its attempts took."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from leadtime.flow.intake import ReportId
from leadtime.flow.parties import OrganisationId
from leadtime.flow.validation.records import DECIDING, REFUTING
from leadtime.flow.validation.states import State
from leadtime.flow.validation.tables import validation_shares, validation_turns, validations
from leadtime.flow.validation.turns.rules import Now, Turn, Waiting, correction, doubt_of, held_seconds, next_turn
from leadtime.foundation.access import Role
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Refused

FINDERS_MAX = 10_000
"""Finders that are looked at for one turn."""

THE_ONE = 1

_WAITING = text("""
    with recursive waiting(organisation) as (
        (select organisation from validations where state = 'queued' and called_at is null
            order by organisation limit 1)
        union all
        select (select next.organisation from validations next
            where next.state = 'queued' and next.called_at is null and next.organisation > waiting.organisation
            order by next.organisation limit 1)
        from waiting where waiting.organisation is not null)
    select waiting.organisation, coalesce(share.served_seconds, 0) served_seconds,
        coalesce(share.refuted, 0) refuted, coalesce(share.decided, 0) decided,
        (select min(queued_at) from validations one where one.state = 'queued' and one.called_at is null
            and one.organisation = waiting.organisation) since,
        exists (select from validations one where one.state = 'queued' and one.called_at is null and one.urgent
            and one.organisation = waiting.organisation) urgent
    from waiting left join validation_shares share on share.organisation = waiting.organisation
    where waiting.organisation is not null limit :finders_max""")
"""One look into an index for each finder, however many reports each has."""


def call_next(tx: Transaction) -> ReportId | None:
    """Return the report whose turn it is, each once; None if none waits. Turns are given one after another.

    Only Leadtime's own workers ask. A finder's urgent reports come before its others, older ones first.
    """
    if tx.viewer.role is not Role.SYSTEM:
        raise Refused("only a worker asks whose turn it is", next_step="Run leadtime worker.")
    tx.lock("validation", "turn")
    turn = next_turn(_waiting(tx), _now(tx))
    if turn is None:
        return None
    _keep(tx, turn)
    mine = (validations.c.organisation == turn.organisation) & (validations.c.state == State.QUEUED.value)
    order = (validations.c.urgent.desc(), validations.c.queued_at, validations.c.id)
    next_one = select(validations.c.id).where(mine, validations.c.called_at.is_(None)).order_by(*order).limit(1)
    called = update(validations).where(validations.c.id == next_one.scalar_subquery()).values(called_at=tx.now)
    return ReportId(tx.connection.execute(called.returning(validations.c.report)).scalar_one())


def count_run(tx: Transaction, organisation: UUID, *, begun_at: datetime | None, verdict: str) -> None:
    """Count what a finder's decided run took and came to, towards its next turns."""
    seconds = correction(held_seconds(begun_at, tx.now))
    _count(tx, organisation, seconds, decided=int(verdict in DECIDING), refuted=int(verdict in REFUTING))


def count_attempt(tx: Transaction, organisation: UUID, *, begun_at: datetime | None) -> None:
    """Count what an attempt at a finder's run held until now that came to nothing, towards its next turns."""
    _count(tx, organisation, held_seconds(begun_at, tx.now), decided=0, refuted=0)


def _count(tx: Transaction, organisation: UUID, seconds: float, *, decided: int, refuted: int) -> None:
    held, more = validation_shares.c, {"served_seconds": seconds, "decided": decided, "refuted": refuted}
    statement = upsert(validation_shares).values(organisation=organisation, **more)
    counted = {name: held[name] + number for name, number in more.items()}
    tx.connection.execute(statement.on_conflict_do_update(index_elements=["organisation"], set_=counted))


def _waiting(tx: Transaction) -> list[Waiting]:
    rows = tx.connection.execute(_WAITING, {"finders_max": FINDERS_MAX})
    return [
        Waiting(
            organisation=OrganisationId(row.organisation),
            served_seconds=row.served_seconds,
            since=row.since,
            urgent=row.urgent,
            doubt=doubt_of(row.refuted, row.decided),
        )
        for row in rows
    ]


def _now(tx: Transaction) -> Now:
    row = tx.connection.execute(select(validation_turns)).one_or_none()
    return Now() if row is None else Now(row.virtual_seconds, row.ordinary)


def _keep(tx: Transaction, turn: Turn) -> None:
    """Write down what a turn changes."""
    stands = {"virtual_seconds": turn.now.virtual_seconds, "ordinary": turn.now.ordinary}
    moved = upsert(validation_turns).values(id=THE_ONE, **stands)
    tx.connection.execute(moved.on_conflict_do_update(index_elements=["id"], set_=stands))
    served = {"served_seconds": turn.served_seconds}
    given = upsert(validation_shares).values(organisation=turn.organisation, decided=0, refuted=0, **served)
    tx.connection.execute(given.on_conflict_do_update(index_elements=["organisation"], set_=served))
