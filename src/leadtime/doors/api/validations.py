"""What became of a report in the sandbox, and what a coordinator does where that was not enough."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from leadtime.doors import limits
from leadtime.doors.api.asking import Asking, AskingAnyone, AskingOnce, Limit
from leadtime.doors.api.shapes import Input, Line, Page, page_of
from leadtime.doors.api.shapes_flow import CaseFileShape, Shape, ValidationShape
from leadtime.flow import coordination, intake, parties, validation
from leadtime.flow.validation import Unprovable
from leadtime.foundation.database import Transaction
from leadtime.workflows import report_to_operator

router = APIRouter(tags=["validations"])


class UnprovenWanted(Input):
    """Why a report goes on that nobody but its finder has reproduced; the case's history keeps it."""

    reason: Line


class ItemShape(Shape):
    """One question of a checklist; ``key`` names its answer."""

    key: str
    question: str


class ChecklistShape(Shape):
    """What two people each answer for one kind of flaw."""

    kind: Unprovable
    items: tuple[ItemShape, ...]


class ExaminationWanted(Input):
    """Your own answers to every item of one kind's checklist (see /checklists)."""

    kind: Unprovable
    answers: dict[str, Annotated[str, Field(min_length=1, max_length=2_000)]]


class ExaminationShape(Shape):
    """What one person answered."""

    person: UUID
    kind: Unprovable
    answers: dict[str, str]
    at: datetime


class ExaminedShape(BaseModel):
    """Whether two people have answered the checklist of one kind by now."""

    examined: bool


class RateShape(Shape):
    """A share with its 95 % Wilson score interval."""

    hits: int
    runs: int
    low: float
    high: float


class TrackRecordShape(Shape):
    """Of a finder's reports: decided, of those refuted (not reproduced, or the harness at fault), and that share."""

    organisation: UUID
    decided: int
    refuted: int
    rate: RateShape | None


@router.get("/reports/{report}/validation", summary="Read what a report's validation showed")
def read_validation(report: UUID, ask: Asking) -> ValidationShape:
    """Return where the validation stands, with its result once it is decided."""
    with ask.transaction() as tx:
        return ValidationShape.of(validation.read_validation(tx, intake.ReportId(report)))


@router.get("/organisations/{organisation}/track-record", summary="Read how often a finder's reports did not hold")
def read_track_record(organisation: UUID, ask: Asking) -> TrackRecordShape:
    """Return how many of an organisation's reports were decided and how many of those were refuted, with the rate."""
    with ask.transaction() as tx:
        return TrackRecordShape.model_validate(validation.read_track_record(tx, parties.OrganisationId(organisation)))


@router.post(
    "/reports/{report}/revalidation", summary="Run an inconclusive validation again", response_model=ValidationShape
)
def validate_again(report: UUID, ask: AskingOnce) -> Response:
    """Let the validation wait to be run again; one that waits already, or runs, stays as it is."""

    def act(tx: Transaction) -> ValidationShape:
        report_to_operator.validate_again(tx, intake.ReportId(report))
        return ValidationShape.of(validation.read_validation(tx, intake.ReportId(report)))

    return ask.do(act, ValidationShape, status=200)


@router.get("/checklists", summary="Read what two people answer where no machine can prove a flaw")
def list_checklists(
    ask: AskingAnyone, cursor: Unprovable | None = None, limit: Limit = limits.PAGE_ROWS_DEFAULT
) -> Page[ChecklistShape]:
    """Return the checklist of each kind; the cursor is a kind."""
    del ask
    found = [
        ChecklistShape(kind=kind, items=tuple(ItemShape.model_validate(item) for item in items))
        for kind, items in validation.CHECKLISTS.items()
    ]
    return page_of(found, cursor, limit, lambda one: one.kind)


@router.get("/reports/{report}/examinations", summary="Read what people answered for a report")
def list_examinations(
    report: UUID, ask: Asking, cursor: UUID | None = None, limit: Limit = limits.PAGE_ROWS_DEFAULT
) -> Page[ExaminationShape]:
    """Return each person's answers, the first first; the cursor is a person."""
    with ask.transaction() as tx:
        found = validation.list_examinations(tx, intake.ReportId(report))
    return page_of([ExaminationShape.model_validate(each) for each in found], cursor, limit, lambda one: one.person)


@router.post(
    "/reports/{report}/examination",
    status_code=201,
    summary="Examine a report that no machine can prove",
    response_model=ExaminedShape,
)
def examine(report: UUID, wanted: ExaminationWanted, ask: AskingOnce) -> Response:
    """Record your answers to a checklist; once two people answered that of one kind, its case opens."""

    def act(tx: Transaction) -> ExaminedShape:
        done = report_to_operator.examine(tx, intake.ReportId(report), wanted.kind, wanted.answers)
        return ExaminedShape(examined=done)

    return ask.do(act, ExaminedShape, status=201)


@router.post(
    "/reports/{report}/case",
    status_code=201,
    summary="Open a case for a report that was not reproduced",
    response_model=CaseFileShape,
)
def open_unproven(report: UUID, wanted: UnprovenWanted, ask: AskingOnce) -> Response:
    """Open the case with the coordinator's reason; a report that has a case keeps it."""

    def act(tx: Transaction) -> CaseFileShape:
        case = report_to_operator.open_unproven(tx, intake.ReportId(report), reason=wanted.reason)
        return CaseFileShape.model_validate(coordination.read_case(tx, case))

    return ask.do(act, CaseFileShape, status=201)
