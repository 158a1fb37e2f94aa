"""What became of a report in the sandbox, and what a coordinator does where that was not enough."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from leadtime.doors.api.asking import Asking, AskingOnce
from leadtime.doors.api.shapes import Input, Line
from leadtime.doors.api.shapes_flow import CaseFileShape, Shape, ValidationShape
from leadtime.flow import coordination, intake, parties, validation
from leadtime.foundation.database import Transaction
from leadtime.workflows import report_to_operator

router = APIRouter(tags=["validations"])


class UnprovenWanted(Input):
    """Why a report goes on that nobody but its finder has reproduced; the case's history keeps it."""

    reason: Line


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
