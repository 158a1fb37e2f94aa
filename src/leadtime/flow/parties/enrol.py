"""Enrol organisations, the vendors who work for them, and the named people of both."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, update
from sqlalchemy.dialects.postgresql import insert as insert_or_not

from leadtime.flow.parties.keeping import enter_people, keep_somebody
from leadtime.flow.parties.notices import tell_of_people
from leadtime.flow.parties.read import read_employer, read_organisation, read_person
from leadtime.flow.parties.records import (
    ActKind,
    Employer,
    EmployerId,
    Organisation,
    OrganisationId,
    PairedActId,
    Person,
    PersonId,
)
from leadtime.flow.parties.rules import check_email, check_end, check_name, check_role, engagement_end
from leadtime.flow.parties.tables import employers, organisations, people
from leadtime.foundation.access import Act, Relation, Role
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Conflict
from leadtime.foundation.ids import new_id


def enrol_organisation(tx: Transaction, *, name: str, role: Role, example: bool = False) -> Organisation:
    """Enrol an organisation under a name that no other has; raises `Conflict` if one has."""
    tx.require(Act.MANAGE_PARTIES)
    now = tx.now
    enrolled = Organisation(
        id=OrganisationId(new_id(now)), name=check_name(name, where="name"), role=check_role(role), example=example
    )
    tx.relate(enrolled.id, enrolled.id, Relation.OWN)
    row = {"id": enrolled.id, "name": enrolled.name, "role": role.value, "example": example, "enrolled_at": now}
    made = tx.connection.execute(
        insert_or_not(organisations).values(row).on_conflict_do_nothing().returning(organisations.c.id)
    )
    if made.one_or_none() is None:
        raise Conflict("an organisation of this name is enrolled", where="name", next_step="Use it or choose another.")
    return enrolled


def enrol_employer(tx: Transaction, *, organisation: OrganisationId, name: str, engaged_until: datetime) -> Employer:
    """Enrol a vendor or contractor of an organisation; none of its people does anything from ``engaged_until`` on."""
    tx.require(Act.MANAGE_PARTIES)
    now = tx.now
    enrolled = Employer(
        id=EmployerId(new_id(now)),
        organisation=read_organisation(tx, organisation).id,
        name=check_name(name, where="name"),
        engaged_until=engagement_end(engaged_until, now),
    )
    row = {
        "id": enrolled.id,
        "organisation": enrolled.organisation,
        "name": enrolled.name,
        "enrolled_at": now,
        "engaged_until": enrolled.engaged_until,
    }
    tx.connection.execute(insert(employers).values(row))
    return enrolled


def end_engagement(tx: Transaction, employer: EmployerId, *, second: PairedActId | None = None) -> Employer:
    """End a vendor's engagement now: nothing of its people works any more. An end that has come stays as it is.

    ``second`` is a confirmed act of two people, where that is needed (see `keeping.enter_people`).
    """
    organisation = read_employer(tx, employer).organisation
    enter_people(tx, organisation, ActKind.END_ENGAGEMENT, employer, second)
    keep_somebody(tx, organisation, people.c.employer.is_not_distinct_from(employer))
    now = tx.now
    tx.connection.execute(
        update(employers).where(employers.c.id == employer, employers.c.engaged_until > now).values(engaged_until=now)
    )
    tell_of_people(tx)
    return read_employer(tx, employer)


def enrol_person(
    tx: Transaction,
    *,
    organisation: OrganisationId,
    name: str,
    email: str,
    active_until: datetime | None = None,
    employer: EmployerId | None = None,
) -> Person:
    """Enrol a named person of an organisation, or of a vendor of its.

    Nothing of theirs works from ``active_until`` on, nor from the end of their employer's engagement.
    """
    tx.require(Act.MANAGE_PARTIES)
    now = tx.now
    hired_by = read_employer(tx, employer) if employer else None
    house = read_organisation(tx, organisation)
    if hired_by is not None and hired_by.organisation != house.id:
        raise Conflict("this employer works for another organisation", where="employer", next_step="Enrol it there.")
    person = PersonId(new_id(now))
    row = {
        "id": person,
        "organisation": house.id,
        "employer": employer,
        "name": check_name(name, where="name"),
        "email": check_email(email),
        "enrolled_at": now,
        "active_until": check_end(active_until, now),
    }
    tx.connection.execute(insert(people).values(row))
    return read_person(tx, person)
