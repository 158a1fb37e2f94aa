"""One access rule: who (role) may do what (act) to whose (relation). Everything else is refused.

A viewer is a named person of one organisation, or the system itself (a worker, a sign-in).
Relations are rows (`database.relations`), so that code, row-level security and pages read the same fact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from leadtime.foundation.errors import Missing, Refused


class Role(StrEnum):
    """What an organisation does here; SYSTEM is Leadtime's own workers and sign-in, never a person."""

    FINDER = "finder"
    COORDINATOR = "coordinator"
    MAINTAINER = "maintainer"
    OPERATOR = "operator"
    AGENCY = "agency"
    DEVELOPER = "developer"
    PARTNER = "partner"
    AUDITOR = "auditor"
    SYSTEM = "system"


class Relation(StrEnum):
    """How the viewer's organisation stands to the thing asked for."""

    OWN = "own"
    PARTICIPANT = "participant"
    STRANGER = "stranger"


class Act(StrEnum):
    """What is done; one word per verb that a door offers."""

    HAND_IN_REPORT = "hand in a report"
    READ_REPORT = "read a report"
    READ_VALIDATION = "read a validation"
    READ_VULNERABILITY = "read a vulnerability"
    LIST_CASES = "list cases"
    READ_CASE = "read a case"
    COORDINATE_CASE = "coordinate a case"
    ANSWER_DELIVERY = "answer a delivery"
    PUBLISH_ADVISORY = "publish an advisory"
    READ_DRAFT = "read a draft advisory"
    KEEP_INVENTORY = "keep an inventory"
    READ_EXPOSURE = "read a patch-by list"
    MARK_DEPLOYED = "mark as deployed"
    LOAD_SOURCE = "load a source of facts"
    STATE_PACE = "state a pace"
    MANAGE_PARTIES = "manage parties"
    READ_ORGANISATION = "read an organisation"
    READ_TOTALS = "read totals by stage"


_COORDINATOR = {(Role.COORDINATOR, relation) for relation in Relation}
_ITS_OWN = {(role, Relation.OWN) for role in Role if role is not Role.SYSTEM}

RULES: Mapping[Act, frozenset[tuple[Role, Relation]]] = {
    Act.HAND_IN_REPORT: frozenset(
        (role, Relation.OWN)
        for role in (Role.FINDER, Role.COORDINATOR, Role.MAINTAINER, Role.OPERATOR, Role.AGENCY, Role.PARTNER)
    ),
    Act.READ_REPORT: frozenset(_ITS_OWN | {(Role.MAINTAINER, Relation.PARTICIPANT)} | _COORDINATOR),
    Act.READ_VALIDATION: frozenset(_ITS_OWN | {(Role.MAINTAINER, Relation.PARTICIPANT)} | _COORDINATOR),
    Act.READ_VULNERABILITY: frozenset({(Role.MAINTAINER, Relation.PARTICIPANT)} | _COORDINATOR),
    Act.LIST_CASES: frozenset({(role, Relation.OWN) for role in (Role.FINDER, Role.MAINTAINER)} | _COORDINATOR),
    Act.READ_CASE: frozenset(
        {(Role.FINDER, Relation.PARTICIPANT), (Role.MAINTAINER, Relation.PARTICIPANT)} | _COORDINATOR
    ),
    Act.COORDINATE_CASE: frozenset(_COORDINATOR),
    Act.ANSWER_DELIVERY: frozenset({(Role.MAINTAINER, Relation.PARTICIPANT)} | _COORDINATOR),
    Act.PUBLISH_ADVISORY: frozenset(_COORDINATOR),
    Act.READ_DRAFT: frozenset({(Role.MAINTAINER, Relation.PARTICIPANT)} | _COORDINATOR),
    Act.KEEP_INVENTORY: frozenset({(Role.OPERATOR, Relation.OWN), (Role.AGENCY, Relation.OWN)}),
    Act.READ_EXPOSURE: frozenset({(Role.OPERATOR, Relation.OWN), (Role.AGENCY, Relation.OWN)}),
    Act.MARK_DEPLOYED: frozenset({(Role.OPERATOR, Relation.OWN), (Role.AGENCY, Relation.OWN)}),
    Act.LOAD_SOURCE: frozenset(_COORDINATOR),
    Act.STATE_PACE: frozenset({(Role.MAINTAINER, Relation.OWN)} | _COORDINATOR),
    Act.MANAGE_PARTIES: frozenset(_COORDINATOR),
    Act.READ_ORGANISATION: frozenset(_ITS_OWN | _COORDINATOR),
    Act.READ_TOTALS: frozenset((role, relation) for role in Role for relation in Relation),
}
"""Act -> the (role, relation) pairs that may do it. Nothing outside this table is allowed to a person."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks; the system and anyone have no person and organisation; ``purpose`` is what an agency states (I12)."""

    role: Role
    organisation: UUID | None = None
    person: UUID | None = None
    purpose: str = ""


SYSTEM = Viewer(role=Role.SYSTEM)
"""Leadtime's own workers and sign-in; never handed to a request."""

ANYONE = Viewer(role=Role.AUDITOR)
"""A visitor who is not signed in: no organisation, so no row but published ones."""


def may(role: Role, act: Act, relation: Relation) -> bool:
    """Tell whether ``role`` standing in ``relation`` to a thing may do ``act`` to it; the system may do all."""
    return role is Role.SYSTEM or (role, relation) in RULES[act]


def relation_to_own(viewer: Viewer) -> Relation:
    """Return how a viewer stands to its own organisation's things; one that belongs to none is a stranger to all."""
    return Relation.OWN if viewer.organisation else Relation.STRANGER


def require(viewer: Viewer, act: Act, relation: Relation) -> None:
    """Return if the viewer may, else raise.

    A stranger gets `Missing` and so does not learn that the thing exists; one who stands in a relation to it
    gets `Refused` naming role and act.
    """
    if may(viewer.role, act, relation):
        return
    if relation is Relation.STRANGER:
        raise Missing(
            "there is no such thing that you may see", next_step="Check the address and who you are signed in as."
        )
    raise Refused(
        f"the role {viewer.role} may not {act}",
        next_step="Ask somebody whose organisation has the role for it.",
    )
