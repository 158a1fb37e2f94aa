"""What *coordination* gives: a case, who takes part, what was delivered to whom, and what happened when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from leadtime.flow.intake import ReportId
from leadtime.flow.merging import VulnerabilityId
from leadtime.flow.parties import OrganisationId, PersonId
from leadtime.flow.validation import KeptJudgement
from leadtime.foundation.access import Role, Viewer
from leadtime.foundation.digests import Digest
from leadtime.foundation.labels import Tlp

CaseId = NewType("CaseId", UUID)
DeliveryId = NewType("DeliveryId", UUID)
PatchId = NewType("PatchId", UUID)


class CaseState(StrEnum):
    """How far a case is."""

    OPEN = "open"
    DELIVERED = "delivered"
    ACKNOWLEDGED = "acknowledged"
    FIX_NAMED = "fix named"
    PUBLISHED = "published"
    CLOSED = "closed"


class CaseMove(StrEnum):
    """What moves a case."""

    DELIVER = "deliver"
    ACKNOWLEDGE = "acknowledge"
    NAME_FIX = "name a fix"
    PUBLISH = "publish"
    CLOSE = "close"
    REOPEN = "reopen"


class DeliveryState(StrEnum):
    """How far one maintainer's copy of a case is."""

    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    FIX_NAMED = "fix named"
    CLOSED = "closed"


class DeliveryMove(StrEnum):
    """What moves a delivery."""

    SEND = "send"
    ACKNOWLEDGE = "acknowledge"
    NAME_FIX = "name a fix"
    CLOSE = "close"


class EventKind(StrEnum):
    """What a line of a case's history tells."""

    OPENED = "opened the case"
    PARTICIPANT_ADDED = "added a participant"
    PARTICIPANT_REMOVED = "removed a participant"
    REPORT_JOINED = "joined a report"
    REPORT_LEFT = "split off a report"
    TOOK_IN = "took in another case"
    EMBARGO_SET = "set the embargo"
    EMBARGO_LIFTED = "lifted the embargo"
    DELIVERED = "delivered to a maintainer"
    ACKNOWLEDGED = "acknowledged the delivery"
    FIX_NAMED = "named a fixed version"
    PATCH_HANDED_IN = "handed in a patch"
    PATCH_JUDGED = "judged a patch"
    PUBLISHED = "published an advisory"
    REACH_NOTED = "noted how many operators run it"
    CLOSED = "closed the case"
    REOPENED = "reopened the case"


@dataclass(frozen=True, slots=True)
class Embargo:
    """Nothing is published before ``ends_at`` (aware, UTC); people agreed on it as local time in ``zone`` (IANA)."""

    ends_at: datetime
    zone: str


@dataclass(frozen=True, slots=True)
class Case:
    """One flaw among people: what it is about, how far it is, and until when it is kept quiet.

    ``number`` is what people call it; it is no counter. ``reach`` is how many operators are known to run the software,
    None: not yet known.
    """

    id: CaseId
    number: str
    vulnerability: VulnerabilityId
    state: CaseState
    opened_at: datetime
    embargo: Embargo | None
    title: str
    tlp: Tlp
    reach: int | None


@dataclass(frozen=True, slots=True)
class CasePage:
    """Cases, newest first; ``after`` is where the next page goes on (None: there is none)."""

    cases: tuple[Case, ...]
    after: CaseId | None


@dataclass(frozen=True, slots=True)
class Participant:
    """An organisation that takes part in a case, under the name that the others see."""

    organisation: OrganisationId
    name: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class FixedVersion:
    """The release that has the fix, as a maintainer (or, for it, a coordinator) named it, and where that was said."""

    version: str
    source: str
    named_at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one maintainer was handed of a case, and how it answered."""

    id: DeliveryId
    case: CaseId
    organisation: OrganisationId
    state: DeliveryState
    sent_at: datetime
    link_expires_at: datetime
    acknowledged_at: datetime | None
    fixed: FixedVersion | None


@dataclass(frozen=True, slots=True, repr=False)
class DeliveryLink:
    """A delivery and the secret of its page, shown this once; who holds it needs no account for that page."""

    delivery: Delivery
    secret: str


@dataclass(frozen=True, slots=True)
class DeliveryEntry:
    """Who a link's secret lets in: ``viewer`` is for this one delivery's page and answers, never for a session."""

    delivery: Delivery
    viewer: Viewer


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """One line of a case's history; None: Leadtime itself. ``note`` is what was given with it."""

    at: datetime
    organisation: OrganisationId | None
    person: PersonId | None
    kind: EventKind
    note: str


@dataclass(frozen=True, slots=True)
class CaseFile:
    """All of a case that its viewer may see."""

    case: Case
    reports: tuple[ReportId, ...]
    participants: tuple[Participant, ...]
    deliveries: tuple[Delivery, ...]
    history: tuple[CaseEvent, ...]


@dataclass(frozen=True, slots=True)
class Patch:
    """A unified diff that somebody proposes for a case, named by its digest; no person: by a delivery's link."""

    id: PatchId
    case: CaseId
    digest: Digest
    size_bytes: int
    organisation: OrganisationId
    person: PersonId | None
    handed_in_at: datetime


@dataclass(frozen=True, slots=True)
class HandedIn:
    """A patch that was handed in; ``fresh``: its bytes were not there yet."""

    patch: Patch
    fresh: bool


@dataclass(frozen=True, slots=True)
class PatchFile:
    """A patch with its text, and how far it climbs against each report of its case that it was judged against."""

    patch: Patch
    content: bytes
    judgements: tuple[KeptJudgement, ...]


@dataclass(frozen=True, slots=True)
class Pace:
    """How many deliveries a maintainer takes at once: its own word, or the default while it has given none."""

    organisation: OrganisationId
    open_deliveries_max: int
    stated: bool


@dataclass(frozen=True, slots=True)
class DeliveryRequest:
    """A delivery that somebody asks for, with all that decides whether it may go out.

    ``reproduced``: somebody other than the finder did, or two people examined what no machine can (I5). ``reason``
    and ``exploitation`` are a coordinator's recorded words for sending it unproven, and beyond the maintainer's pace;
    empty: none.
    """

    by_person: bool
    to_role: Role
    reproduced: bool
    reason: str
    open_deliveries: int
    pace: Pace
    exploitation: str
