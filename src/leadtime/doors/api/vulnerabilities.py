"""One root cause with all its credit; a coordinator may split what was merged in error."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from leadtime.doors.api.asking import Asking, AskingOnce
from leadtime.doors.api.shapes import Input
from leadtime.doors.api.shapes_flow import VulnerabilityShape
from leadtime.flow import intake, merging
from leadtime.flow.merging import VulnerabilityId
from leadtime.foundation.database import Transaction
from leadtime.workflows import report_to_operator

router = APIRouter(tags=["vulnerabilities"])


class SplitWanted(Input):
    """The reports that leave; they never come back by themselves."""

    reports: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=1_000)]


@router.get("/vulnerabilities/{vulnerability}", summary="Read a vulnerability and why its reports are one")
def read_vulnerability(vulnerability: UUID, ask: Asking) -> VulnerabilityShape:
    """Return a vulnerability."""
    with ask.transaction() as tx:
        return VulnerabilityShape.model_validate(merging.read_vulnerability(tx, VulnerabilityId(vulnerability)))


@router.post(
    "/vulnerabilities/{vulnerability}/split",
    status_code=201,
    summary="Split reports off a vulnerability",
    response_model=VulnerabilityShape,
)
def split(vulnerability: UUID, wanted: SplitWanted, ask: AskingOnce) -> Response:
    """Move reports into a vulnerability and a case of their own, and return the vulnerability."""

    def act(tx: Transaction) -> VulnerabilityShape:
        leaving = tuple(intake.ReportId(report) for report in wanted.reports)
        new = report_to_operator.split(tx, VulnerabilityId(vulnerability), leaving)
        return VulnerabilityShape.model_validate(merging.read_vulnerability(tx, new))

    return ask.do(act, VulnerabilityShape, status=201)
