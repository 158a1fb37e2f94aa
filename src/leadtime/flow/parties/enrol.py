"""Enrol organisations and the named people in them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.dialects.postgresql import insert as insert_or_not

from leadtime.flow.parties.read import read_organisation
from leadtime.flow.parties.records import Organisation, OrganisationId, Person, PersonId
from leadtime.flow.parties.rules import check_email, check_end, check_name, check_role
from leadtime.flow.parties.tables import organisations, people
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


def enrol_person(
    tx: Transaction, *, organisation: OrganisationId, name: str, email: str, active_until: datetime | None = None
) -> Person:
    """Enrol a named person of an organisation; from ``active_until`` on nothing of theirs works any more."""
    tx.require(Act.MANAGE_PARTIES)
    now = tx.now
    enrolled = Person(
        id=PersonId(new_id(now)),
        organisation=read_organisation(tx, organisation).id,
        name=check_name(name, where="name"),
        email=check_email(email),
        active_until=check_end(active_until, now),
    )
    row = {
        "id": enrolled.id,
        "organisation": enrolled.organisation,
        "name": enrolled.name,
        "email": enrolled.email,
        "enrolled_at": now,
        "active_until": enrolled.active_until,
    }
    tx.connection.execute(insert(people).values(row))
    return enrolled
