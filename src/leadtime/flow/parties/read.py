"""Read organisations, people and whom they work for."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import RowMapping, func, literal_column, or_, select

from leadtime.flow.parties.records import Employer, EmployerId, Organisation, OrganisationId, Person, PersonId
from leadtime.flow.parties.tables import conflicts, employers, organisations, people
from leadtime.foundation.access import Act, Role
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing

ORGANISATIONS_MAX = 10_000
PEOPLE_MAX = 10_000

CONFLICTS = (
    select(func.coalesce(func.array_agg(conflicts.c.developer), literal_column("'{}'::uuid[]")))
    .where(
        conflicts.c.ended_at.is_(None),
        or_(conflicts.c.person == people.c.id, conflicts.c.person.is_(None)),
        conflicts.c.organisation == people.c.organisation,
    )
    .correlate(people)
    .scalar_subquery()
    .label("conflicts")
)
"""The developers about which a row of ``people``, or their organisation, has a conflict of interest."""

FOREIGN_ACCESS = or_(people.c.foreign_access, organisations.c.foreign_access).label("foreign_access")

_ORGANISATION = select(
    organisations.c.id,
    organisations.c.name,
    organisations.c.role,
    organisations.c.example,
    organisations.c.foreign_access,
)
_PERSON = (
    select(
        people.c.id,
        people.c.organisation,
        people.c.name,
        people.c.email,
        people.c.active_until,
        employers.c.id.label("employer"),
        employers.c.name.label("employer_name"),
        employers.c.engaged_until,
        FOREIGN_ACCESS,
        CONFLICTS,
    )
    .join_from(people, organisations, organisations.c.id == people.c.organisation)
    .outerjoin(employers, employers.c.id == people.c.employer)
    .where(people.c.removed_at.is_(None))
)


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
    row = tx.connection.execute(_PERSON.where(people.c.id == person)).mappings().one_or_none()
    if row is None:
        raise Missing("there is no such person", where=str(person), next_step="Check the id.")
    tx.require(Act.READ_ORGANISATION, row["organisation"])
    return _person(row)


def read_people(tx: Transaction, wanted: Collection[PersonId]) -> Mapping[PersonId, Person]:
    """Return those of ``wanted`` (at most `PEOPLE_MAX`) who were not removed and whom the viewer may read."""
    rows = tx.connection.execute(_PERSON.where(people.c.id.in_(list(wanted)[:PEOPLE_MAX]))).mappings().all()
    for organisation in {row["organisation"] for row in rows}:
        tx.require(Act.READ_ORGANISATION, organisation)
    return {found.id: found for found in map(_person, rows)}


def list_people(tx: Transaction, organisation: OrganisationId) -> tuple[Person, ...]:
    """Return an organisation's people by name, without the removed, at most `PEOPLE_MAX`."""
    tx.require(Act.READ_ORGANISATION, organisation)
    rows = tx.connection.execute(
        _PERSON.where(people.c.organisation == organisation).order_by(people.c.name, people.c.id).limit(PEOPLE_MAX)
    )
    return tuple(_person(row) for row in rows.mappings())


def read_employer(tx: Transaction, employer: EmployerId) -> Employer:
    """Return a vendor or contractor of an organisation that the viewer may read; raises `Missing`."""
    row = tx.connection.execute(select(employers).where(employers.c.id == employer)).mappings().one_or_none()
    if row is None:
        raise Missing("there is no such employer", where=str(employer), next_step="Check the id.")
    tx.require(Act.READ_ORGANISATION, row["organisation"])
    return employer_from(row)


def list_employers(tx: Transaction, organisation: OrganisationId) -> tuple[Employer, ...]:
    """Return the vendors and contractors of an organisation by name, those whose time is over too."""
    tx.require(Act.READ_ORGANISATION, organisation)
    query = select(employers).where(employers.c.organisation == organisation)
    rows = tx.connection.execute(query.order_by(employers.c.name, employers.c.id).limit(ORGANISATIONS_MAX))
    return tuple(employer_from(row) for row in rows.mappings())


def employer_from(row: RowMapping) -> Employer:
    """Return the employer that a row of their table holds."""
    return Employer(
        id=EmployerId(row["id"]),
        organisation=OrganisationId(row["organisation"]),
        name=row["name"],
        engaged_until=row["engaged_until"],
    )


def _organisation(row: RowMapping) -> Organisation:
    return Organisation(
        id=OrganisationId(row["id"]),
        name=row["name"],
        role=Role(row["role"]),
        example=row["example"],
        foreign_access=row["foreign_access"],
    )


def _person(row: RowMapping) -> Person:
    organisation = OrganisationId(row["organisation"])
    employer = (
        Employer(EmployerId(row["employer"]), organisation, row["employer_name"], row["engaged_until"])
        if row["employer"]
        else None
    )
    return Person(
        id=PersonId(row["id"]),
        organisation=organisation,
        name=row["name"],
        email=row["email"],
        active_until=row["active_until"],
        employer=employer,
        foreign_access=row["foreign_access"],
        conflicts=frozenset(OrganisationId(developer) for developer in row["conflicts"]),
    )
