"""Find whom a credential, or a person's own word, stands for: what every way of signing in has in common."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, Table, insert, literal, null, select

from leadtime.flow.parties.read import CONFLICTS, FOREIGN_ACCESS
from leadtime.flow.parties.records import Happened, Holder, OrganisationId, PersonId
from leadtime.flow.parties.tables import employers, organisations, people, person_events
from leadtime.foundation.access import Role, Scope, Viewer
from leadtime.foundation.database import Transaction
from leadtime.foundation.ids import new_id

NOTHING: ColumnElement[Any] = null()


def holder_query(
    credentials: Table,
    *,
    expires_at: ColumnElement[Any],
    ended_at: ColumnElement[Any],
    scope: ColumnElement[Any] | None = None,
    last_seen_at: ColumnElement[Any] = NOTHING,
) -> Select[tuple[object, ...]]:
    """Return the query of who stands behind rows of ``credentials``; without a scope of their own they are personal."""
    return (
        select(
            organisations.c.role,
            people.c.organisation,
            people.c.id.label("person"),
            (literal(Scope.PERSONAL.value) if scope is None else scope).label("scope"),
            expires_at.label("expires_at"),
            ended_at.label("ended_at"),
            last_seen_at.label("last_seen_at"),
            people.c.active_until,
            people.c.removed_at,
            employers.c.engaged_until,
            FOREIGN_ACCESS,
            CONFLICTS,
        )
        .join_from(credentials, people, credentials.c.person == people.c.id)
        .join(organisations, organisations.c.id == people.c.organisation)
        .outerjoin(employers, employers.c.id == people.c.employer)
    )


def find_holder(tx: Transaction, query: Select[tuple[object, ...]]) -> Holder | None:
    """Return whom the one row of ``query`` stands for, None if there is no row."""
    row = tx.connection.execute(query).one_or_none()
    if row is None:
        return None
    return Holder(
        role=Role(row.role),
        organisation=OrganisationId(row.organisation),
        person=PersonId(row.person),
        scope=Scope(row.scope),
        expires_at=row.expires_at,
        ended_at=row.ended_at,
        last_seen_at=row.last_seen_at,
        active_until=row.active_until,
        removed_at=row.removed_at,
        engaged_until=row.engaged_until,
        foreign_access=row.foreign_access,
        conflicts=frozenset(OrganisationId(developer) for developer in row.conflicts),
    )


def viewer_behind(holder: Holder) -> Viewer:
    """Return the viewer that a holder is."""
    return Viewer(
        role=holder.role,
        organisation=holder.organisation,
        person=holder.person,
        scope=holder.scope,
        conflicts=frozenset(holder.conflicts),
        foreign_access=holder.foreign_access,
    )


def note(tx: Transaction, organisation: OrganisationId, person: PersonId, happened: Happened, about: str) -> None:
    """Write a line of a person's own history of sign-ins."""
    row = {
        "id": new_id(tx.now),
        "person": person,
        "organisation": organisation,
        "at": tx.now,
        "happened": happened.value,
        "about": about,
    }
    tx.connection.execute(insert(person_events).values(row))
