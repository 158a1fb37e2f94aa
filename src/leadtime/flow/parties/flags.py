"""State and end what keeps somebody away from a model: conflicts of interest, and marks for foreign access.

Their own organisation does, and nobody else: not a coordinator, for whom it would be a way to keep others from a model.
"""

from __future__ import annotations

from sqlalchemy import RowMapping, insert, select, update

from leadtime.flow.parties.holders import note
from leadtime.flow.parties.notices import tell_of_people
from leadtime.flow.parties.read import read_organisation, read_person
from leadtime.flow.parties.records import (
    ConflictId,
    ConflictOfInterest,
    Happened,
    Organisation,
    OrganisationId,
    PersonId,
)
from leadtime.flow.parties.rules import check_developer, check_reason, refuse_employed, refuse_oneself
from leadtime.flow.parties.tables import conflicts, organisations, people
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing
from leadtime.foundation.ids import new_id

CONFLICTS_MAX = 1_000


def state_conflict(
    tx: Transaction,
    *,
    organisation: OrganisationId,
    developer: OrganisationId,
    reason: str,
    person: PersonId | None = None,
) -> ConflictOfInterest:
    """State that a person (None: everybody of the organisation) has a conflict of interest about a developer.

    From then on nothing of that developer is there for them. Raises `Malformed` where ``developer`` is none.
    """
    _enter(tx, organisation)
    house = read_organisation(tx, organisation)
    rival = check_developer(_named(tx, developer), house)
    if person is not None and read_person(tx, person).organisation != house.id:
        raise Missing("there is no such person", where=str(person), next_step="Check the id.")
    stated = ConflictOfInterest(
        id=ConflictId(new_id(tx.now)),
        organisation=house.id,
        person=person,
        developer=rival.id,
        reason=check_reason(reason),
        stated_at=tx.now,
    )
    row = {
        "id": stated.id,
        "organisation": stated.organisation,
        "person": person,
        "developer": stated.developer,
        "reason": stated.reason,
        "stated_at": stated.stated_at,
    }
    tx.connection.execute(insert(conflicts).values(row))
    tell_of_people(tx)
    if person is not None:
        note(tx, house.id, person, Happened.CONFLICT_STATED, rival.name)
    return stated


def end_conflict(tx: Transaction, conflict: ConflictId) -> None:
    """End a conflict of interest; raises `Missing` where none stands, `Refused` for one about the viewer alone."""
    stands = select(conflicts).where(conflicts.c.id == conflict, conflicts.c.ended_at.is_(None))
    row = tx.connection.execute(stands).one_or_none()
    if row is None:
        raise Missing("no such conflict of interest stands", where=str(conflict), next_step="List them.")
    _enter(tx, OrganisationId(row.organisation))
    refuse_oneself(row.person, tx.viewer.person)
    tx.connection.execute(update(conflicts).where(conflicts.c.id == conflict).values(ended_at=tx.now))
    tell_of_people(tx)
    if row.person is not None:
        rival = _named(tx, OrganisationId(row.developer))
        note(tx, OrganisationId(row.organisation), PersonId(row.person), Happened.CONFLICT_ENDED, rival.name)


def list_conflicts(tx: Transaction, organisation: OrganisationId) -> tuple[ConflictOfInterest, ...]:
    """Return the conflicts of interest that stand for an organisation and its people, oldest first."""
    tx.require(Act.READ_ORGANISATION, organisation)
    query = select(conflicts).where(conflicts.c.organisation == organisation, conflicts.c.ended_at.is_(None))
    rows = tx.connection.execute(query.order_by(conflicts.c.id).limit(CONFLICTS_MAX)).mappings()
    return tuple(map(_conflict, rows))


def mark_person(tx: Transaction, person: PersonId, *, foreign_access: bool) -> None:
    """Mark a person for foreign access, or end the mark; an agreement that bars it does not let them use its grants.

    Nobody ends their own (`Refused`).
    """
    marked = read_person(tx, person)
    _enter(tx, marked.organisation)
    if not foreign_access:
        refuse_oneself(person, tx.viewer.person)
    tx.connection.execute(update(people).where(people.c.id == person).values(foreign_access=foreign_access))
    tell_of_people(tx)
    happened = Happened.FOREIGN_ACCESS_MARKED if foreign_access else Happened.FOREIGN_ACCESS_ENDED
    note(tx, marked.organisation, person, happened, "")


def mark_organisation(tx: Transaction, organisation: OrganisationId, *, foreign_access: bool) -> None:
    """Mark everybody of an organisation for foreign access, or end that mark."""
    _enter(tx, organisation)
    marked = read_organisation(tx, organisation)
    tx.connection.execute(
        update(organisations).where(organisations.c.id == marked.id).values(foreign_access=foreign_access)
    )
    tell_of_people(tx)


def _enter(tx: Transaction, organisation: OrganisationId) -> None:
    """Return if the viewer is one of an organisation's own people, not a vendor's, else raise."""
    tx.require(Act.STATE_FLAGS, organisation)
    if tx.viewer.person is not None:
        refuse_employed(read_person(tx, PersonId(tx.viewer.person)).employer)


def _named(tx: Transaction, developer: OrganisationId) -> Organisation:
    """Return the organisation that a conflict is about, which its people may not read."""
    with tx.as_system() as system:
        return read_organisation(system, developer)


def _conflict(row: RowMapping) -> ConflictOfInterest:
    return ConflictOfInterest(
        id=ConflictId(row["id"]),
        organisation=OrganisationId(row["organisation"]),
        person=PersonId(row["person"]) if row["person"] else None,
        developer=OrganisationId(row["developer"]),
        reason=row["reason"],
        stated_at=row["stated_at"],
    )
