"""What was decided of a root cause: said once by a coordinator, read by every finder whose report it answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from leadtime.doors.api.asking import Asking, AskingOnce
from leadtime.doors.api.shapes import Input
from leadtime.doors.api.shapes_flow import Shape
from leadtime.flow import intake, merging
from leadtime.flow.merging import OutcomeKind, VulnerabilityId
from leadtime.foundation.database import Transaction
from leadtime.workflows import outcomes

router = APIRouter(tags=["outcomes"])


class OutcomeWanted(Input):
    """What is decided, and why: its finders read it. ``severity`` belongs to a re-rating alone."""

    kind: OutcomeKind
    reason: Annotated[str, Field(min_length=1, max_length=2_000)]
    severity: Annotated[str, Field(max_length=100)] = ""


class OutcomeShape(Shape):
    """What was decided, why, when, and by whom; no person: Leadtime itself."""

    kind: OutcomeKind
    severity: str
    reason: str
    organisation: UUID | None
    person: UUID | None
    at: datetime


class AnswerShape(Shape):
    """What answers a report, or null while nothing of its root cause is decided."""

    outcome: OutcomeShape | None


@router.post(
    "/vulnerabilities/{vulnerability}/outcome",
    status_code=201,
    summary="Decide a root cause: rejected, re-rated, or reopened",
    response_model=OutcomeShape,
)
def decide(vulnerability: UUID, wanted: OutcomeWanted, ask: AskingOnce) -> Response:
    """Record a decision that answers every report of the root cause, those to come too; its case closes or reopens."""

    def act(tx: Transaction) -> OutcomeShape:
        decided = outcomes.decide(
            tx, VulnerabilityId(vulnerability), wanted.kind, reason=wanted.reason, severity=wanted.severity
        )
        return OutcomeShape.model_validate(decided)

    return ask.do(act, OutcomeShape, status=201)


@router.get("/vulnerabilities/{vulnerability}/outcomes", summary="List what was decided of a root cause")
def list_outcomes(vulnerability: UUID, ask: Asking) -> list[OutcomeShape]:
    """Return every decision, the last first."""
    with ask.transaction() as tx:
        found = merging.list_outcomes(tx, VulnerabilityId(vulnerability))
    return [OutcomeShape.model_validate(each) for each in found]


@router.get("/reports/{report}/outcome", summary="Read what answers a report")
def read_answer(report: UUID, ask: Asking) -> AnswerShape:
    """Return what was decided of the root cause that the report turned out to be, whoever reported it first."""
    with ask.transaction() as tx:
        found = merging.answer_to(tx, intake.ReportId(report))
    return AnswerShape(outcome=None if found is None else OutcomeShape.model_validate(found))
