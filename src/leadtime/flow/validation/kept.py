"""A validation as the database keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NewType
from uuid import UUID

from leadtime.flow.intake import ReportId, Reproducer
from leadtime.flow.parties import OrganisationId
from leadtime.flow.validation.affected.records import Survey
from leadtime.flow.validation.states import State

ValidationId = NewType("ValidationId", UUID)


@dataclass(frozen=True, slots=True)
class Begun:
    """One taking of a validation: whose it is, the number that `absorb_validation` asks for, and what to run."""

    validation: ValidationId
    report: ReportId
    attempt: int
    reproducer: Reproducer | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to: the verdict's word, the crash's signature if there was one, and all of it as JSON."""

    verdict: str
    signature: str | None
    result: bytes


@dataclass(frozen=True, slots=True)
class KeptSurvey:
    """What was found out of a package's other releases, and when."""

    found: Survey
    at: datetime


@dataclass(frozen=True, slots=True)
class KeptValidation:
    """A validation: whose report, where it stands, how often it was taken, and, once decided, what it came to.

    ``runnable``: its report carries a reproducer.
    """

    id: ValidationId
    report: ReportId
    organisation: OrganisationId
    state: State
    attempt: int
    queued_at: datetime
    begun_at: datetime | None
    decided_at: datetime | None
    outcome: Outcome | None
    survey: KeptSurvey | None = None
    runnable: bool = True
