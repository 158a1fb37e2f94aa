"""Organisations by name, for a page that has already decided whom it shows.

Participants of a case may not read each other's rows in *parties*, yet every page must say which organisations are made
up. So the system reads name and mark of exactly the organisations that the page asks for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from leadtime.flow import parties
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.database import Database
from leadtime.foundation.errors import Missing


@dataclass(frozen=True, slots=True)
class Name:
    """What an organisation is called; ``example``: the page must still say that it is made up."""

    text: str
    example: bool


@dataclass(frozen=True, slots=True)
class Correspondent:
    """A named person to write to, with the organisation they act for."""

    name: str
    email: str
    organisation: Name


LEADTIME = Name("Leadtime", example=False)
UNKNOWN = Name("an organisation", example=False)


@dataclass(frozen=True, slots=True)
class Names:
    """Names by organisation; None is Leadtime itself."""

    known: Mapping[UUID, Name]

    def of(self, organisation: UUID | None) -> Name:
        """Return an organisation's name."""
        return LEADTIME if organisation is None else self.known.get(organisation, UNKNOWN)


def name_of(organisation: parties.Organisation) -> Name:
    """Return an organisation's name, marked as made up unless the name itself says so."""
    says_so = "(example)" in organisation.name.lower()
    return Name(organisation.name, organisation.example and not says_so)


def read_names(database: Database, organisations: Iterable[UUID | None]) -> Names:
    """Return the names of the organisations."""
    known: dict[UUID, Name] = {}
    with database.transaction(SYSTEM) as tx:
        for organisation in {each for each in organisations if each is not None}:
            try:
                found = parties.read_organisation(tx, parties.OrganisationId(organisation))
            except Missing:
                continue
            known[organisation] = name_of(found)
    return Names(known)


def read_correspondent(database: Database, person: UUID) -> Correspondent | None:
    """Return how a person is reached, None for one who was removed; only for a page that may name them."""
    with database.transaction(SYSTEM) as tx:
        try:
            found = parties.read_person(tx, parties.PersonId(person))
        except Missing:
            return None
        return Correspondent(found.name, found.email, name_of(parties.read_organisation(tx, found.organisation)))
