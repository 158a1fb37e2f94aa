"""Acts that need two people: asked for, confirmed, and taken once."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict

from leadtime.doors import limits
from leadtime.doors.api.asking import Asking, AskingOnce, Limit
from leadtime.doors.api.batch import NDJSON
from leadtime.doors.api.shapes import Input, Line, Page, page_of
from leadtime.doors.api.shapes_flow import CaseFileShape
from leadtime.doors.read_models.paired import export_unpatched, read_in_emergency
from leadtime.flow import parties
from leadtime.flow.parties import ActKind, ActState, PairedActId

router = APIRouter(tags=["acts"])

_EXPORT: dict[int | str, dict[str, Any]] = {
    200: {"description": "One case a line.", "content": {NDJSON: {"schema": {"type": "string"}}}}
}


class ActWanted(Input):
    """What is to be done and why; ``about`` is the case, person or vendor, where it names one."""

    kind: ActKind
    reason: Line
    about: UUID | None = None


class PairedActShape(BaseModel):
    """An act of two people; ``expires_at`` is the end of waiting for the next move."""

    model_config = ConfigDict(from_attributes=True, frozen=True)

    id: UUID
    kind: ActKind
    about: UUID | None
    reason: str
    state: ActState
    asked_by: UUID
    asked_at: datetime
    confirmed_by: UUID | None
    confirmed_at: datetime | None
    expires_at: datetime


@router.get("/acts", summary="List the acts that need two people")
def list_acts(ask: Asking, cursor: UUID | None = None, limit: Limit = limits.PAGE_ROWS_DEFAULT) -> Page[PairedActShape]:
    """Return the acts that your organisation asked for; who may confirm sees all."""
    with ask.transaction() as tx:
        found = [PairedActShape.model_validate(act) for act in parties.list_acts(tx)]
    return page_of(found, cursor, limit, lambda one: one.id)


@router.post("/acts", status_code=201, summary="Ask for an act that needs two people", response_model=PairedActShape)
def begin_act(wanted: ActWanted, ask: AskingOnce) -> Response:
    """Ask for an act, with a reason; somebody else confirms it within 15 minutes."""
    return ask.do(
        lambda tx: PairedActShape.model_validate(
            parties.begin_act(tx, wanted.kind, reason=wanted.reason, about=wanted.about)
        ),
        PairedActShape,
        status=201,
    )


@router.post("/acts/{act}/confirmation", summary="Confirm somebody else's act", response_model=PairedActShape)
def confirm_act(act: UUID, ask: AskingOnce) -> Response:
    """Confirm an act; who asked for it then has 15 minutes to take it."""
    return ask.do(
        lambda tx: PairedActShape.model_validate(parties.confirm_act(tx, PairedActId(act))), PairedActShape, status=200
    )


@router.post("/acts/{act}/withdrawal", summary="Withdraw an act", response_model=PairedActShape)
def withdraw_act(act: UUID, ask: AskingOnce) -> Response:
    """Withdraw an act that was not taken."""
    return ask.do(
        lambda tx: PairedActShape.model_validate(parties.withdraw_act(tx, PairedActId(act))), PairedActShape, status=200
    )


@router.post("/acts/{act}/export", summary="Export all unpatched cases", responses=_EXPORT, response_class=Response)
def export_cases(act: UUID, ask: Asking) -> Response:
    """Take a confirmed act and answer every case that is not published or closed, one a line; works once."""
    with ask.transaction() as tx:
        lines = [
            CaseFileShape.model_validate(file).model_dump_json() for file in export_unpatched(tx, PairedActId(act))
        ]
    return Response("".join(f"{line}\n" for line in lines), media_type=NDJSON)


@router.post("/acts/{act}/reading", summary="Read one case in an emergency")
def read_case(act: UUID, ask: Asking) -> CaseFileShape:
    """Take a confirmed act and answer the one case that it names; works once."""
    with ask.transaction() as tx:
        return CaseFileShape.model_validate(read_in_emergency(tx, PairedActId(act)))
