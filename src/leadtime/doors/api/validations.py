"""What became of a report in the sandbox."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from leadtime.doors.api.asking import Asking
from leadtime.doors.api.shapes_flow import ValidationShape
from leadtime.flow import intake, validation

router = APIRouter(tags=["validations"])


@router.get("/reports/{report}/validation", summary="Read what a report's validation showed")
def read_validation(report: UUID, ask: Asking) -> ValidationShape:
    """Return where the validation stands, with its result once it is decided."""
    with ask.transaction() as tx:
        return ValidationShape.of(validation.read_validation(tx, intake.ReportId(report)))
