"""Shapes of what the stages give, as the API sends them; labels are text."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict

from leadtime.flow.coordination import CaseState, DeliveryState, EventKind
from leadtime.flow.exposure import ExposureState, Touch
from leadtime.flow.merging import LinkKind
from leadtime.flow.priority import Answer, Decision, Row
from leadtime.flow.validation import KeptValidation, State, survey_as_json
from leadtime.foundation.explanation import Explanation
from leadtime.foundation.labels import Tlp


def _label(value: object) -> object:
    return value.text if isinstance(value, Tlp) else value


class Shape(BaseModel):
    """A record of a stage, read by its attributes."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class EmbargoShape(Shape):
    """Until when a case is kept quiet, and in which zone people agreed on it."""

    ends_at: datetime
    zone: str


class CaseShape(Shape):
    """One case; ``tlp`` is a TLP 2.0 label."""

    id: UUID
    number: str
    vulnerability: UUID
    state: CaseState
    opened_at: datetime
    embargo: EmbargoShape | None
    title: str
    tlp: Annotated[str, BeforeValidator(_label)]
    reach: int | None


class FixedVersionShape(Shape):
    """The release that has the fix, and where that was said."""

    version: str
    source: str
    named_at: datetime


class DeliveryShape(Shape):
    """What one maintainer was handed, and how it answered."""

    id: UUID
    case: UUID
    organisation: UUID
    state: DeliveryState
    sent_at: datetime
    link_expires_at: datetime
    acknowledged_at: datetime | None
    fixed: FixedVersionShape | None


class DeliveryLinkShape(Shape):
    """A delivery and the address of its page, shown this once."""

    delivery: DeliveryShape
    url: str


class ParticipantShape(Shape):
    """An organisation that takes part."""

    organisation: UUID
    name: str
    added_at: datetime


class EventShape(Shape):
    """One line of a history; no organisation: Leadtime itself."""

    at: datetime
    organisation: UUID | None
    person: UUID | None
    kind: EventKind
    note: str


class CaseFileShape(Shape):
    """All of a case that its viewer may see."""

    case: CaseShape
    reports: tuple[UUID, ...]
    participants: tuple[ParticipantShape, ...]
    deliveries: tuple[DeliveryShape, ...]
    history: tuple[EventShape, ...]


class PaceShape(Shape):
    """How many deliveries a maintainer takes at once; ``stated``: by its own word."""

    organisation: UUID
    open_deliveries_max: int
    stated: bool


class ValidationShape(BaseModel):
    """A report's validation; ``result`` is what `leadtime validate --json` prints, null until it is decided."""

    id: UUID
    report: UUID
    state: State
    queued_at: datetime
    decided_at: datetime | None
    verdict: str | None
    result: dict[str, Any] | None
    survey: dict[str, Any] | None

    @classmethod
    def of(cls, kept: KeptValidation) -> ValidationShape:
        """Return the shape of a kept validation."""
        return cls(
            id=kept.id,
            report=kept.report,
            state=kept.state,
            queued_at=kept.queued_at,
            decided_at=kept.decided_at,
            verdict=kept.outcome.verdict if kept.outcome else None,
            result=json.loads(kept.outcome.result) if kept.outcome else None,
            survey=survey_as_json(kept.survey.found) if kept.survey else None,
        )


class FrameShape(Shape):
    """One call in a stack."""

    function: str
    file: str | None
    line: int | None


class CreditShape(Shape):
    """One finder's share."""

    organisation: UUID
    report: UUID
    at: datetime


class VulnerabilityShape(Shape):
    """One root cause with everybody who found it, and why its reports are one."""

    id: UUID
    component: str
    releases: tuple[str, ...]
    fixed_releases: tuple[str, ...]
    crash_class: str
    access: str
    frames: tuple[FrameShape, ...]
    credits: tuple[CreditShape, ...]
    reasons: tuple[Explanation, ...]
    absorbed_into: UUID | None


class AlikeShape(Shape):
    """Another vulnerability that evidence links to one, by what, and how much that weighs (0..1)."""

    vulnerability: UUID
    kind: LinkKind
    weight: float
    why: Explanation


class DecisionShape(Shape):
    """What to do by when, and why; without a row the date is undetermined and ``missing`` says what is not known."""

    row: Row | None
    label: str
    due: date | None
    overdue_on_arrival: bool
    missing: tuple[str, ...]
    assumed: tuple[str, ...]
    in_kev: bool
    kev_due: date | None
    kev_forensic: bool | None
    informative: bool
    why: Explanation


class ExposureShape(Shape):
    """One line of a patch-by list."""

    exposure: UUID
    state: ExposureState
    asset: str
    exposed: Answer
    component: str
    version: str
    advisory: UUID
    number: str
    title: str
    cve: str | None
    touch: Touch
    fixed: str | None
    reason: str
    enumerated_at: datetime
    changed_at: datetime
    deployed_version: str | None
    decision: DecisionShape


class UnmatchableShape(Shape):
    """A component that no advisory can be held against, and why not."""

    where: str
    name: str
    version: str | None
    why: str


class InventoryShape(Shape):
    """One asset's newest list of components, in numbers."""

    id: UUID
    asset: str
    exposed: Answer
    form: str
    components: int
    unmatchable: tuple[UnmatchableShape, ...]
    unmatchable_count: int
    kept_at: datetime


class LoadedShape(Shape):
    """One loading of a source: what was read, how old it is, and when it was loaded."""

    kind: str
    digest: str
    as_of: datetime
    entries: int
    at: datetime


def decision_of(decision: Decision) -> DecisionShape:
    """Return the shape of a decision."""
    return DecisionShape.model_validate(decision)
