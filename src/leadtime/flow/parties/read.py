"""Read organisations and people."""

from __future__ import annotations

from sqlalchemy import RowMapping, select

from leadtime.flow.parties.records import Organisation, OrganisationId, Person, PersonId
from leadtime.flow.parties.tables import organisations, people
from leadtime.foundation.access import Act, Role
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing

ORGANISATIONS_MAX = 10_000
PEOPLE_MAX = 10_000

_ORGANISATION = select(organisations.c.id, organisations.c.name, organisations.c.role, organisations.c.example)
_PERSON = select(people.c.id, people.c.organisation, people.c.name, people.c.email, people.c.active_until)


def read_organisation(tx: Transaction, organisation: OrganisationId) -> Organisation:
    """Return an organisation: the viewer's own, or any for a coordinator; raises `Missing`."""
    tx.require(Act.READ_ORGANISATION, organisation)
    row = tx.connection.execute(_ORGANISATION.where(organisations.c.id == organisation)).mappings().one_or_none()
    if row is None:
        raise Missing("there is no such organisation", where=str(organisation), next_step="Check the id.")
    return _organisation(row)


def list_organisations(tx: Transaction) -> tuple[Organisation, ...]:
    """Return the enrolled organisations by name, at most `ORGANISATIONS_MAX`."""
    tx.require(Act.MANAGE_PARTIES)
    rows = tx.connection.execute(_ORGANISATION.order_by(organisations.c.name).limit(ORGANISATIONS_MAX))
    return tuple(_organisation(row) for row in rows.mappings())


def read_person(tx: Transaction, person: PersonId) -> Person:
    """Return a person who was not removed: of the viewer's organisation, or anyone for a coordinator."""
    row = (
        tx.connection.execute(_PERSON.where(people.c.id == person, people.c.removed_at.is_(None)))
        .mappings()
        .one_or_none()
    )
    if row is None:
        raise Missing("there is no such person", where=str(person), next_step="Check the id.")
    tx.require(Act.READ_ORGANISATION, row["organisation"])
    return _person(row)


def list_people(tx: Transaction, organisation: OrganisationId) -> tuple[Person, ...]:
    """Return an organisation's people by name, without the removed, at most `PEOPLE_MAX`."""
    tx.require(Act.READ_ORGANISATION, organisation)
    rows = tx.connection.execute(
        _PERSON.where(people.c.organisation == organisation, people.c.removed_at.is_(None))
        .order_by(people.c.name, people.c.id)
        .limit(PEOPLE_MAX)
    )
    return tuple(_person(row) for row in rows.mappings())


def _organisation(row: RowMapping) -> Organisation:
    return Organisation(id=OrganisationId(row["id"]), name=row["name"], role=Role(row["role"]), example=row["example"])


def _person(row: RowMapping) -> Person:
    return Person(
        id=PersonId(row["id"]),
        organisation=OrganisationId(row["organisation"]),
        name=row["name"],
        email=row["email"],
        active_until=row["active_until"],
    )
