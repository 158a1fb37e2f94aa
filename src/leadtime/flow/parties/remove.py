"""Remove a person: everything that shows who they are ends in the same transaction."""

from __future__ import annotations

from sqlalchemy import Column, update

from leadtime.flow.parties.notices import tell_of_people
from leadtime.flow.parties.records import PersonId
from leadtime.flow.parties.tables import identities, passkeys, people, sessions, sign_in_links, tokens
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction

ENDED: tuple[Column[object], ...] = (
    tokens.c.ended_at,
    sessions.c.ended_at,
    sign_in_links.c.redeemed_at,
    passkeys.c.removed_at,
    identities.c.removed_at,
)
"""The columns that end what shows who a person is."""


def remove_person(tx: Transaction, person: PersonId) -> None:
    """End all that shows who a person is, at once; the person stays in histories. Twice is as once."""
    tx.require(Act.MANAGE_PARTIES)
    now = tx.now
    tx.connection.execute(
        update(people).where(people.c.id == person, people.c.removed_at.is_(None)).values(removed_at=now)
    )
    for ended in ENDED:
        tx.connection.execute(
            update(ended.table).where(ended.table.c.person == person, ended.is_(None)).values({ended.name: now})
        )
    tell_of_people(tx)
