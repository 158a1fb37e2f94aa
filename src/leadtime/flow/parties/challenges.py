"""Challenges: fresh, short-lived, answered once, by the browser and for the purpose that they were made for."""

from __future__ import annotations

import hashlib

from sqlalchemy import delete, insert, select, update

from leadtime.flow.parties.records import Challenge, Challenged, PersonId, Purpose
from leadtime.flow.parties.rules import answers, challenge_end
from leadtime.flow.parties.tables import challenges
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Refused
from leadtime.foundation.keys import new_data_key

SWEEP_ROWS_MAX = 1_000


def new_challenge(tx: Transaction, purpose: Purpose, *, holder: str, person: PersonId | None = None) -> Challenge:
    """Make a challenge for the browser whose cookie is ``holder``; in a transaction of the system.

    Those whose time is over are swept away, so that nobody fills the table by asking.
    """
    now = tx.now
    stale = select(challenges.c.hash).where(challenges.c.expires_at <= now).limit(SWEEP_ROWS_MAX)
    tx.connection.execute(delete(challenges).where(challenges.c.hash.in_(stale)))
    made = Challenge(value=new_data_key(), purpose=purpose, expires_at=challenge_end(now))
    row = {
        "hash": hashlib.sha256(made.value).digest(),
        "purpose": purpose.value,
        "holder": holder_hash(holder),
        "person": person,
        "issued_at": now,
        "expires_at": made.expires_at,
    }
    tx.connection.execute(insert(challenges).values(row))
    return made


def use_challenge(
    tx: Transaction, value: bytes, purpose: Purpose, *, holder: str, person: PersonId | None = None
) -> None:
    """Use a challenge up; raises `Refused`, in the same words, for any that may not be answered here and now."""
    hashed = hashlib.sha256(value).digest()
    row = tx.connection.execute(select(challenges).where(challenges.c.hash == hashed).with_for_update()).one_or_none()
    if row is None or not answers(
        Challenged(Purpose(row.purpose), row.holder, row.person, row.expires_at, row.used_at),
        purpose,
        holder_hash(holder),
        person,
        tx.now,
    ):
        raise Refused("this answer came too late, twice, or from another browser", next_step="Begin again.")
    tx.connection.execute(update(challenges).where(challenges.c.hash == hashed).values(used_at=tx.now))


def holder_hash(holder: str) -> bytes:
    """Return what is stored of the cookie of a browser."""
    return hashlib.sha256(holder.encode()).digest()
