"""One case: what was proven, why it is one flaw, what comes first, who acts, and everything that happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from leadtime.doors.read_models.pictures import Badge, Credit, EmbargoClock, Event, Evidence, Priority, Step
from leadtime.foundation.explanation import Explanation


class CaseAct(StrEnum):
    """What a coordinator can do to a case from its page; the last part of the address that does it."""

    EMBARGO = "embargo"
    DELIVER = "deliver"
    DRAFT = "draft"
    PUBLISH = "publish"


@dataclass(frozen=True, slots=True)
class Choice:
    """One organisation that can be chosen in a form."""

    value: str
    text: str


@dataclass(frozen=True, slots=True)
class ParticipantLine:
    """One organisation that takes part, and as what."""

    name: str
    example: bool
    part: str


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """One delivery to a maintainer and how far it got."""

    organisation: str
    example: bool
    state: Badge
    sent_at: datetime
    acknowledged_at: datetime | None
    fixed_version: str


@dataclass(frozen=True, slots=True)
class AdvisoryLine:
    """The case's advisory, drafted or published."""

    href: str
    state: Badge
    title: str


@dataclass(frozen=True, slots=True)
class CasePage:
    """One case as its viewer may see it; ``acts`` are the buttons the viewer has now."""

    id: str
    number: str
    title: str
    component: str
    tlp: str
    steps: tuple[Step, ...]
    mover: str
    move: str
    priority: Priority | None
    embargo: EmbargoClock | None
    evidence: tuple[Evidence, ...]
    merged_because: tuple[Explanation, ...]
    credits: tuple[Credit, ...]
    participants: tuple[ParticipantLine, ...]
    deliveries: tuple[DeliveryLine, ...]
    advisory: AdvisoryLine | None
    history: tuple[Event, ...]
    acts: tuple[CaseAct, ...]
    maintainers: tuple[Choice, ...] = ()
    needs_reason: bool = False
