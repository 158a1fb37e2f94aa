"""One root cause with all its credit; a coordinator may split what was merged in error, and join what was not."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from leadtime.doors import limits
from leadtime.doors.api.asking import Asking, AskingOnce, Limit
from leadtime.doors.api.shapes import Input, Page, page_of
from leadtime.doors.api.shapes_flow import AlikeShape, VulnerabilityShape
from leadtime.flow import intake, merging
from leadtime.flow.merging import VulnerabilityId
from leadtime.foundation.database import Transaction
from leadtime.workflows import report_to_operator

router = APIRouter(tags=["vulnerabilities"])


class SplitWanted(Input):
    """The reports that leave; they never come back by themselves."""

    reports: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=1_000)]


class JoinWanted(Input):
    """Which other vulnerability is the same, and why."""

    other: UUID
    reason: Annotated[str, Field(min_length=1, max_length=500)]


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


@router.get("/vulnerabilities/{vulnerability}/alike", summary="List what may be the same flaw, and why")
def read_alike(
    vulnerability: UUID, ask: Asking, cursor: UUID | None = None, limit: Limit = limits.PAGE_ROWS_DEFAULT
) -> Page[AlikeShape]:
    """Return the vulnerabilities that evidence links to this one and that only a coordinator may join with it."""
    with ask.transaction() as tx:
        found = merging.read_alike(tx, VulnerabilityId(vulnerability))
    return page_of([AlikeShape.model_validate(each) for each in found], cursor, limit, lambda one: one.vulnerability)


@router.post(
    "/vulnerabilities/{vulnerability}/join",
    summary="Join two vulnerabilities and their cases",
    response_model=VulnerabilityShape,
)
def join(vulnerability: UUID, wanted: JoinWanted, ask: AskingOnce) -> Response:
    """Make two vulnerabilities one, under the older, and return it; no report and no credit is lost."""

    def act(tx: Transaction) -> VulnerabilityShape:
        pair = VulnerabilityId(vulnerability), VulnerabilityId(wanted.other)
        joined = report_to_operator.join(tx, *pair, reason=wanted.reason)
        return VulnerabilityShape.model_validate(merging.read_vulnerability(tx, joined))

    return ask.do(act, VulnerabilityShape, status=200)
