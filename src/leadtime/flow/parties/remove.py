"""Remove a person: everything that shows who they are ends in the same transaction."""

from __future__ import annotations

from sqlalchemy import Column, select, update

from leadtime.flow.parties.keeping import enter_people, keep_somebody
from leadtime.flow.parties.notices import tell_of_people
from leadtime.flow.parties.records import ActKind, OrganisationId, PairedActId, PersonId
from leadtime.flow.parties.tables import identities, passkeys, people, sessions, sign_in_links, tokens
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing

ENDED: tuple[Column[object], ...] = (
    tokens.c.ended_at,
    sessions.c.ended_at,
    sign_in_links.c.redeemed_at,
    passkeys.c.removed_at,
    identities.c.removed_at,
)
"""The columns that end what shows who a person is."""


def remove_person(tx: Transaction, person: PersonId, *, second: PairedActId | None = None) -> None:
    """End all that shows who a person is, at once; the person stays in histories. Twice is as once.

    ``second`` is a confirmed act of two people, where that is needed (see `keeping.enter_people`). Raises `Missing`,
    and `Refused` for the last person of a developer who can sign in.
    """
    house = tx.connection.scalar(select(people.c.organisation).where(people.c.id == person))
    if house is None:
        raise Missing("there is no such person", where=str(person), next_step="Check the id.")
    organisation = OrganisationId(house)
    enter_people(tx, organisation, ActKind.REMOVE, person, second)
    keep_somebody(tx, organisation, people.c.id == person)
    now = tx.now
    tx.connection.execute(
        update(people).where(people.c.id == person, people.c.removed_at.is_(None)).values(removed_at=now)
    )
    for ended in ENDED:
        tx.connection.execute(
            update(ended.table).where(ended.table.c.person == person, ended.is_(None)).values({ended.name: now})
        )
    tell_of_people(tx)
