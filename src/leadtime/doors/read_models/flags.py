"""What keeps people of one's own organisation away from a model: who, from whose, why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from leadtime.flow import parties, window
from leadtime.flow.parties import ConflictId, Organisation, OrganisationId, Person
from leadtime.foundation.access import Act, may, relation_to_own
from leadtime.foundation.database import Transaction

NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class ConflictLine:
    """One conflict of interest; ``who`` is empty where it is everybody's."""

    id: ConflictId
    who: str
    developer: str
    reason: str
    stated_at: datetime


@dataclass(frozen=True, slots=True)
class FlagsPage:
    """An organisation's people with their marks, its conflicts, and the developers that offer something to them."""

    organisation: Organisation
    people: tuple[Person, ...]
    conflicts: tuple[ConflictLine, ...]
    developers: tuple[tuple[OrganisationId, str], ...]


def read_flags(tx: Transaction) -> FlagsPage:
    """Return the page of the viewer's own organisation."""
    house = OrganisationId(tx.viewer.organisation or NOBODY)
    people = parties.list_people(tx, house)
    named = {person.id: person.name for person in people}
    stated = parties.list_conflicts(tx, house)
    with tx.as_system() as system:
        developers = {each.developer: parties.read_organisation(system, each.developer).name for each in stated}
    lines = tuple(
        ConflictLine(
            id=each.id,
            who=named.get(each.person, "somebody who was removed") if each.person else "",
            developer=developers[each.developer],
            reason=each.reason,
            stated_at=each.stated_at,
        )
        for each in stated
    )
    offered = window.list_models(tx) if may(tx.viewer.role, Act.LIST_MODELS, relation_to_own(tx.viewer)) else ()
    return FlagsPage(
        organisation=parties.read_organisation(tx, house),
        people=people,
        conflicts=lines,
        developers=tuple(sorted({(each.developer, each.developer_name) for each in offered}, key=lambda pair: pair[1])),
    )
