"""Parties for tests: a coordinator's transaction, and people of any role."""

from __future__ import annotations

from dataclasses import replace

from leadtime.flow.parties import Organisation, Person, enrol_organisation, enrol_person
from leadtime.foundation.access import SYSTEM, Role, Scope, Viewer
from leadtime.foundation.database import Database


def enrol(database: Database, role: Role, name: str = "") -> tuple[Organisation, Person, Viewer]:
    """Enrol an organisation with one person, and return them with the viewer that the person is."""
    with database.transaction(SYSTEM) as tx:
        organisation = enrol_organisation(tx, name=name or f"Example {role}", role=role, example=True)
        person = enrol_person(tx, organisation=organisation.id, name="Ada Example", email="ada@example.org")
    return organisation, person, Viewer(role=role, organisation=organisation.id, person=person.id)


def personal(viewer: Viewer) -> Viewer:
    """The viewer in a session that the person opened, which may change how they sign in."""
    return replace(viewer, scope=Scope.PERSONAL)
