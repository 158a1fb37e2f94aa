"""Remove a person: everything that shows who they are ends in the same transaction."""

from __future__ import annotations

from sqlalchemy import update

from leadtime.flow.parties.records import PersonId
from leadtime.flow.parties.tables import people, sign_in_links, tokens
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction


def remove_person(tx: Transaction, person: PersonId) -> None:
    """End a person's tokens, sessions and links at once; the person stays in histories. Twice is as once."""
    tx.require(Act.MANAGE_PARTIES)
    now = tx.now
    tx.connection.execute(
        update(people).where(people.c.id == person, people.c.removed_at.is_(None)).values(removed_at=now)
    )
    tx.connection.execute(
        update(tokens).where(tokens.c.person == person, tokens.c.ended_at.is_(None)).values(ended_at=now)
    )
    tx.connection.execute(
        update(sign_in_links)
        .where(sign_in_links.c.person == person, sign_in_links.c.redeemed_at.is_(None))
        .values(redeemed_at=now)
    )
