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
    ASK_HELD = "ask what is held"
    READ_REPORT = "read a report"
    READ_VALIDATION = "read a validation"
    READ_VULNERABILITY = "read a vulnerability"
    STATE_SEVERITY = "state a severity"
    LIST_CASES = "list cases"
    READ_CASE = "read a case"
    COORDINATE_CASE = "coordinate a case"
    ANSWER_DELIVERY = "answer a delivery"
    HAND_IN_PATCH = "hand in a patch"
    READ_PATCH = "read a patch"
    PUBLISH_ADVISORY = "publish an advisory"
    READ_DRAFT = "read a draft advisory"
    KEEP_INVENTORY = "keep an inventory"
    READ_EXPOSURE = "read a patch-by list"
    MARK_DEPLOYED = "mark as deployed"
    LOAD_SOURCE = "load a source of facts"
    STATE_PACE = "state a pace"
    MANAGE_PARTIES = "manage parties"
    READ_SIGN_INS = "read their own ways of signing in"
    KEEP_PEOPLE = "keep the people of their own organisation"
    STATE_FLAGS = "state what keeps people of their own organisation from a model"
    KEEP_SIGN_INS = "change their own ways of signing in"
    EXPORT_CASES = "export unpatched cases"
    BREAK_GLASS = "read a case in an emergency"
    CONFIRM_ACT = "confirm an act that needs two people"
    AUDIT_READS = "audit who read what"
    READ_ORGANISATION = "read an organisation"
    READ_TOTALS = "read totals by stage"
    ENROL_MODEL = "enrol a model"
    LIST_MODELS = "list offered models"
    READ_MODEL = "read an offered model"
    READ_MODEL_LOG = "read the log of a model"
    OFFER_MODEL = "offer a model"
    WRITE_MILESTONE = "write a milestone"
    END_OFFER = "withdraw or release a model"
    PROPOSE_PARTNER = "propose a partner"
    CONSENT_TO_PARTNER = "consent to a partner"
    GRANT_ACCESS = "grant access to a named person"
    USE_GRANT = "use a grant"
    KEEP_SEALING_KEY = "state the key that records are sealed to"
    SIGN_OFF_RETURN = "sign off a return"
    RECORD_DESIGNATION = "record a designation"


_COORDINATOR = {(Role.COORDINATOR, relation) for relation in Relation}
_ITS_OWN = {(role, Relation.OWN) for role in Role if role is not Role.SYSTEM}
_THE_DEVELOPER = {(Role.DEVELOPER, Relation.OWN)}
_HOLDERS = {(Role.AGENCY, Relation.PARTICIPANT), (Role.PARTNER, Relation.PARTICIPANT)}
"""Organisations that a developer offered a model to."""

RULES: Mapping[Act, frozenset[tuple[Role, Relation]]] = {
    Act.HAND_IN_REPORT: frozenset(
        (role, Relation.OWN)
        for role in (Role.FINDER, Role.COORDINATOR, Role.MAINTAINER, Role.OPERATOR, Role.AGENCY, Role.PARTNER)
    ),
    Act.ASK_HELD: frozenset(
        (role, Relation.OWN) for role in (Role.FINDER, Role.COORDINATOR, Role.AGENCY, Role.PARTNER)
    ),
    Act.READ_REPORT: frozenset(_ITS_OWN | {(Role.MAINTAINER, Relation.PARTICIPANT)} | _COORDINATOR),
    Act.READ_VALIDATION: frozenset(_ITS_OWN | {(Role.MAINTAINER, Relation.PARTICIPANT)} | _COORDINATOR),
    Act.READ_VULNERABILITY: frozenset({(Role.MAINTAINER, Relation.PARTICIPANT)} | _COORDINATOR),
    Act.STATE_SEVERITY: frozenset({(Role.MAINTAINER, Relation.PARTICIPANT)} | _COORDINATOR),
    Act.LIST_CASES: frozenset({(role, Relation.OWN) for role in (Role.FINDER, Role.MAINTAINER)} | _COORDINATOR),
    Act.READ_CASE: frozenset(
        {(Role.FINDER, Relation.PARTICIPANT), (Role.MAINTAINER, Relation.PARTICIPANT)} | _COORDINATOR
    ),
    Act.COORDINATE_CASE: frozenset(_COORDINATOR),
    Act.ANSWER_DELIVERY: frozenset({(Role.MAINTAINER, Relation.PARTICIPANT)} | _COORDINATOR),
    Act.HAND_IN_PATCH: frozenset({(Role.MAINTAINER, Relation.PARTICIPANT)} | _COORDINATOR),
    Act.READ_PATCH: frozenset({(Role.MAINTAINER, Relation.PARTICIPANT)} | _COORDINATOR),
    Act.PUBLISH_ADVISORY: frozenset(_COORDINATOR),
    Act.READ_DRAFT: frozenset({(Role.MAINTAINER, Relation.PARTICIPANT)} | _COORDINATOR),
    Act.KEEP_INVENTORY: frozenset({(Role.OPERATOR, Relation.OWN), (Role.AGENCY, Relation.OWN)}),
    Act.READ_EXPOSURE: frozenset({(Role.OPERATOR, Relation.OWN), (Role.AGENCY, Relation.OWN)}),
    Act.MARK_DEPLOYED: frozenset({(Role.OPERATOR, Relation.OWN), (Role.AGENCY, Relation.OWN)}),
    Act.LOAD_SOURCE: frozenset(_COORDINATOR),
    Act.STATE_PACE: frozenset({(Role.MAINTAINER, Relation.OWN)} | _COORDINATOR),
    Act.MANAGE_PARTIES: frozenset(_COORDINATOR),
    Act.READ_SIGN_INS: frozenset(_ITS_OWN),
    Act.KEEP_SIGN_INS: frozenset(_ITS_OWN),
    Act.STATE_FLAGS: frozenset(_ITS_OWN),
    Act.KEEP_PEOPLE: frozenset(_ITS_OWN - {(Role.COORDINATOR, Relation.OWN)}),
    Act.EXPORT_CASES: frozenset(_COORDINATOR),
    Act.BREAK_GLASS: frozenset({(Role.AUDITOR, Relation.OWN)}),
    Act.CONFIRM_ACT: frozenset(_COORDINATOR),
    Act.AUDIT_READS: frozenset({(Role.AUDITOR, Relation.OWN)}),
    Act.READ_ORGANISATION: frozenset(_ITS_OWN | _COORDINATOR),
    Act.READ_TOTALS: frozenset((role, relation) for role in Role for relation in Relation),
    Act.ENROL_MODEL: frozenset(_THE_DEVELOPER),
    Act.LIST_MODELS: frozenset(
        (role, Relation.OWN) for role in (Role.DEVELOPER, Role.AGENCY, Role.PARTNER, Role.AUDITOR)
    ),
    Act.READ_MODEL: frozenset(_THE_DEVELOPER | _HOLDERS | {(Role.AUDITOR, Relation.PARTICIPANT)}),
    Act.READ_MODEL_LOG: frozenset(_THE_DEVELOPER | {(Role.AUDITOR, Relation.PARTICIPANT)}),
    Act.OFFER_MODEL: frozenset(_THE_DEVELOPER),
    Act.WRITE_MILESTONE: frozenset(_THE_DEVELOPER),
    Act.END_OFFER: frozenset(_THE_DEVELOPER),
    Act.PROPOSE_PARTNER: frozenset(_THE_DEVELOPER | {(Role.AGENCY, Relation.PARTICIPANT)}),
    Act.CONSENT_TO_PARTNER: frozenset(_THE_DEVELOPER),
    Act.GRANT_ACCESS: frozenset(_THE_DEVELOPER | _HOLDERS),
    Act.USE_GRANT: frozenset(_HOLDERS),
    Act.KEEP_SEALING_KEY: frozenset((role, Relation.OWN) for role in (Role.DEVELOPER, Role.AGENCY, Role.PARTNER)),
    Act.SIGN_OFF_RETURN: frozenset(_HOLDERS),
    Act.RECORD_DESIGNATION: frozenset(_THE_DEVELOPER | {(Role.AGENCY, Relation.PARTICIPANT)}),
}
"""Act -> the (role, relation) pairs that may do it. Nothing outside this table is allowed to a person."""


class Scope(StrEnum):
    """How much of what its person may do a credential may do."""

    PERSONAL = "personal"
    EVERYTHING = "everything"
    READ_ONLY = "read only"
    REPORTS = "reports"
    INVENTORIES = "inventories"


_READ_ONLY = frozenset(
    {
        Act.READ_REPORT,
        Act.READ_VALIDATION,
        Act.READ_VULNERABILITY,
        Act.LIST_CASES,
        Act.READ_CASE,
        Act.READ_PATCH,
        Act.READ_DRAFT,
        Act.READ_EXPOSURE,
        Act.LIST_MODELS,
        Act.READ_MODEL,
        Act.READ_MODEL_LOG,
        Act.AUDIT_READS,
        Act.READ_ORGANISATION,
        Act.READ_SIGN_INS,
        Act.READ_TOTALS,
    }
)

SCOPES: Mapping[Scope, frozenset[Act]] = {
    Scope.PERSONAL: frozenset(Act),
    Scope.EVERYTHING: frozenset(Act) - {Act.KEEP_SIGN_INS, Act.KEEP_PEOPLE},
    Scope.READ_ONLY: _READ_ONLY,
    Scope.REPORTS: frozenset(
        {Act.HAND_IN_REPORT, Act.ASK_HELD, Act.READ_REPORT, Act.READ_VALIDATION, Act.READ_ORGANISATION}
    ),
    Scope.INVENTORIES: frozenset(
        {Act.KEEP_INVENTORY, Act.READ_EXPOSURE, Act.MARK_DEPLOYED, Act.READ_ORGANISATION, Act.READ_TOTALS}
    ),
}
"""Scope -> the acts it holds; an act that is named nowhere else is in the first two alone.

Only a session that a person opened is PERSONAL: no API token makes or ends a way of signing in, so that a stolen one
cannot outlive its end.
"""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks; the system and anyone have no person and organisation; ``purpose`` is what an agency states (I12).

    ``conflicts`` are the developers' organisations about which the person or their organisation has a conflict of
    interest; ``foreign_access`` tells that an agreement may bar them (see `parties.rules.refuse_barred`).
    """

    role: Role
    organisation: UUID | None = None
    person: UUID | None = None
    purpose: str = ""
    scope: Scope = Scope.EVERYTHING
    conflicts: frozenset[UUID] = frozenset()
    foreign_access: bool = False


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


def require(viewer: Viewer, act: Act, relation: Relation, *, about: UUID | None = None) -> None:
    """Return if the viewer may, else raise; ``about`` is the developer whose model or window the thing belongs to.

    A stranger gets `Missing` and so does not learn that the thing exists, and so does, whatever their role, one who has
    a conflict of interest about that developer; one who stands in a relation to it gets `Refused` naming role and act,
    or the credential's scope.
    """
    if has_conflict(viewer, about):
        raise _nothing_there()
    if may(viewer.role, act, relation):
        if viewer.role is not Role.SYSTEM and act not in SCOPES[viewer.scope]:
            raise Refused(
                f"a credential of the scope {viewer.scope} may not {act}",
                next_step="Sign in to the pages, or use a token of a wider scope.",
            )
        return
    if relation is Relation.STRANGER:
        raise _nothing_there()
    raise Refused(
        f"the role {viewer.role} may not {act}",
        next_step="Ask somebody whose organisation has the role for it.",
    )


def has_conflict(viewer: Viewer, developer: UUID | None) -> bool:
    """Tell whether a developer's things are out of the viewer's sight for a conflict of interest; lists ask this."""
    return developer is not None and developer in viewer.conflicts


def _nothing_there() -> Missing:
    return Missing(
        "there is no such thing that you may see", next_step="Check the address and who you are signed in as."
    )
