"""Cases: who takes part, until when they are quiet, and what was delivered."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from leadtime.doors import limits
from leadtime.doors.api.asking import Asking, AskingOnce, Limit
from leadtime.doors.api.shapes import Input, Line, Page, Prose
from leadtime.doors.api.shapes_flow import (
    CaseFileShape,
    CaseShape,
    DeliveryLinkShape,
    DeliveryShape,
    EmbargoShape,
    PaceShape,
)
from leadtime.flow import coordination, parties
from leadtime.flow.coordination import CaseId, CaseState
from leadtime.foundation.database import Transaction
from leadtime.workflows import outcomes

router = APIRouter(tags=["cases"])


class EmbargoWanted(Input):
    """A local time (``2026-12-01T17:00``) of an IANA zone (``America/New_York``)."""

    ends_at: Line
    zone: Line


class ReasonWanted(Input):
    """Why; the history keeps it."""

    reason: Line


class ParticipantWanted(Input):
    """An organisation that is to take part."""

    organisation: UUID


class DeliveryWanted(Input):
    """To whom; ``reason``: why unproven (I5); ``exploitation``: what shows that it is exploited (I8)."""

    organisation: UUID
    reason: Prose = ""
    exploitation: Prose = ""


class PaceWanted(Input):
    """How many open deliveries at a time; 0 is a pause."""

    open_deliveries_max: Annotated[int, Field(ge=0, le=1_000)]


@router.get("/cases", summary="List the cases that you take part in")
def list_cases(
    ask: Asking, cursor: UUID | None = None, state: CaseState | None = None, limit: Limit = limits.PAGE_ROWS_DEFAULT
) -> Page[CaseShape]:
    """Return cases, newest first; a coordinator's are all."""
    with ask.transaction() as tx:
        page = coordination.list_cases(tx, after=CaseId(cursor) if cursor else None, page_cases=limit, state=state)
    return Page(
        items=tuple(CaseShape.model_validate(case) for case in page.cases),
        cursor=str(page.after) if page.after else None,
    )


@router.get("/cases/{case}", summary="Read one case")
def read_case(case: UUID, ask: Asking) -> CaseFileShape:
    """Return a case with its reports, participants, deliveries and history."""
    with ask.transaction() as tx:
        return _file(tx, CaseId(case))


@router.post("/cases/{case}/embargo", summary="Set until when a case is kept quiet", response_model=EmbargoShape)
def set_embargo(case: UUID, wanted: EmbargoWanted, ask: AskingOnce) -> Response:
    """Set the embargo; instant and zone are both kept."""

    def act(tx: Transaction) -> EmbargoShape:
        found = coordination.set_embargo(tx, CaseId(case), ends_at=wanted.ends_at, zone=wanted.zone)
        return EmbargoShape.model_validate(found)

    return ask.do(act, EmbargoShape, status=200)


@router.post("/cases/{case}/embargo-lift", summary="Lift an embargo before its end", response_model=CaseFileShape)
def lift_embargo(case: UUID, wanted: ReasonWanted, ask: AskingOnce) -> Response:
    """Lift the embargo, with a reason."""

    def act(tx: Transaction) -> CaseFileShape:
        coordination.lift_embargo(tx, CaseId(case), reason=wanted.reason)
        return _file(tx, CaseId(case))

    return ask.do(act, CaseFileShape, status=200)


@router.post("/cases/{case}/participants", summary="Let an organisation take part", response_model=CaseFileShape)
def add_participant(case: UUID, wanted: ParticipantWanted, ask: AskingOnce) -> Response:
    """Add a participant; twice is as once."""

    def act(tx: Transaction) -> CaseFileShape:
        coordination.add_participant(tx, CaseId(case), parties.OrganisationId(wanted.organisation))
        return _file(tx, CaseId(case))

    return ask.do(act, CaseFileShape, status=200)


@router.post(
    "/cases/{case}/deliveries", status_code=201, summary="Deliver to a maintainer", response_model=DeliveryLinkShape
)
def deliver(case: UUID, wanted: DeliveryWanted, ask: AskingOnce) -> Response:
    """Hand a case to a maintainer; the page's address is shown this once and needs no account."""

    def act(tx: Transaction) -> DeliveryLinkShape:
        link = coordination.deliver(
            tx,
            CaseId(case),
            parties.OrganisationId(wanted.organisation),
            reason=wanted.reason,
            exploitation=wanted.exploitation,
        )
        return DeliveryLinkShape(
            delivery=DeliveryShape.model_validate(link.delivery), url=f"{ask.site.settings.url}/d/{link.secret}"
        )

    return ask.do(act, DeliveryLinkShape, status=201, shown_once=True)


@router.post("/cases/{case}/closing", summary="Close a case", response_model=CaseFileShape)
def close_case(case: UUID, wanted: ReasonWanted, ask: AskingOnce) -> Response:
    """Close a case and its deliveries, with a reason."""

    def act(tx: Transaction) -> CaseFileShape:
        coordination.close_case(tx, CaseId(case), reason=wanted.reason)
        return _file(tx, CaseId(case))

    return ask.do(act, CaseFileShape, status=200)


@router.post("/cases/{case}/reopening", summary="Open a case again", response_model=CaseFileShape)
def reopen_case(case: UUID, wanted: ReasonWanted, ask: AskingOnce) -> Response:
    """Open a published or closed case again, with a reason."""

    def act(tx: Transaction) -> CaseFileShape:
        outcomes.reopen_case(tx, CaseId(case), reason=wanted.reason)
        return _file(tx, CaseId(case))

    return ask.do(act, CaseFileShape, status=200)


@router.get("/organisations/{organisation}/pace", summary="Read a maintainer's pace")
def read_pace(organisation: UUID, ask: Asking) -> PaceShape:
    """Return how many deliveries it takes at once."""
    with ask.transaction() as tx:
        return PaceShape.model_validate(coordination.read_pace(tx, parties.OrganisationId(organisation)))


@router.post("/organisations/{organisation}/pace", summary="State your pace", response_model=PaceShape)
def state_pace(organisation: UUID, wanted: PaceWanted, ask: AskingOnce) -> Response:
    """State how many open deliveries a maintainer takes at a time, by its own word."""

    def act(tx: Transaction) -> PaceShape:
        return PaceShape.model_validate(
            coordination.state_pace(
                tx, parties.OrganisationId(organisation), open_deliveries_max=wanted.open_deliveries_max
            )
        )

    return ask.do(act, PaceShape, status=200)


def _file(tx: Transaction, case: CaseId) -> CaseFileShape:
    return CaseFileShape.model_validate(coordination.read_case(tx, case))
