"""What was decided of a root cause: said once by a coordinator, read by every finder whose report it answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from leadtime.doors import limits
from leadtime.doors.api.asking import Asking, AskingOnce, Limit
from leadtime.doors.api.shapes import Input, Page, page_of
from leadtime.doors.api.shapes_flow import Shape
from leadtime.flow import intake, merging
from leadtime.flow.merging import OutcomeKind, SaidAs, VulnerabilityId
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


class NumberedOutcomeShape(OutcomeShape):
    """One of a root cause's decisions, which are numbered from 1; no finder is told how many there were."""

    number: int


class SeverityWanted(Input):
    """How severe the flaw is, in your own words or scale, and why."""

    severity: Annotated[str, Field(min_length=1, max_length=100)]
    reason: Annotated[str, Field(min_length=1, max_length=2_000)]


class SeverityShape(Shape):
    """How severe a flaw is by somebody's word; ``number`` counts from 1."""

    number: int
    said_as: SaidAs
    severity: str
    reason: str
    organisation: UUID
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
def list_outcomes(
    vulnerability: UUID, ask: Asking, cursor: int | None = None, limit: Limit = limits.PAGE_ROWS_DEFAULT
) -> Page[NumberedOutcomeShape]:
    """Return every decision, the last first; the cursor is a number."""
    with ask.transaction() as tx:
        found = merging.list_outcomes(tx, VulnerabilityId(vulnerability))
    listed = [NumberedOutcomeShape.model_validate(each) for each in found]
    return page_of(listed, cursor, limit, lambda one: one.number)


@router.post(
    "/vulnerabilities/{vulnerability}/severity",
    status_code=201,
    summary="Say how severe a flaw is",
    response_model=SeverityShape,
)
def state_severity(vulnerability: UUID, wanted: SeverityWanted, ask: AskingOnce) -> Response:
    """Record a severity by your word (a coordinator is the verifier); it replaces nobody else's."""

    def act(tx: Transaction) -> SeverityShape:
        said = merging.state_severity(
            tx, VulnerabilityId(vulnerability), severity=wanted.severity, reason=wanted.reason
        )
        return SeverityShape.model_validate(said)

    return ask.do(act, SeverityShape, status=201)


@router.get("/vulnerabilities/{vulnerability}/severities", summary="List how severe a flaw is, by whose word")
def list_severities(
    vulnerability: UUID, ask: Asking, cursor: int | None = None, limit: Limit = limits.PAGE_ROWS_DEFAULT
) -> Page[SeverityShape]:
    """Return what verifiers and maintainers said, the last first; what finders claim is in their reports.

    The cursor is a number.
    """
    with ask.transaction() as tx:
        found = merging.list_severities(tx, VulnerabilityId(vulnerability))
    return page_of([SeverityShape.model_validate(each) for each in found], cursor, limit, lambda one: one.number)


@router.get("/reports/{report}/outcome", summary="Read what answers a report")
def read_answer(report: UUID, ask: Asking) -> AnswerShape:
    """Return what was decided of the root cause that the report turned out to be, whoever reported it first."""
    with ask.transaction() as tx:
        found = merging.answer_to(tx, intake.ReportId(report))
    return AnswerShape(outcome=None if found is None else OutcomeShape.model_validate(found))
