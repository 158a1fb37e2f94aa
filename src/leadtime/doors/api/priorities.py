"""The row of BOD 26-04 for given answers, and the sources of facts behind them."""

from __future__ import annotations

from datetime import date, datetime

from fastapi import APIRouter, Response

from leadtime.doors.api.asking import AskingAnyone, AskingOnce
from leadtime.doors.api.shapes import Page
from leadtime.doors.api.shapes_flow import DecisionShape, LoadedShape, decision_of
from leadtime.flow import priority
from leadtime.flow.priority import Answer, Impact, Inputs, SourceKind
from leadtime.foundation.database import Transaction
from leadtime.workflows import exploited

router = APIRouter(tags=["priority"])

_SOURCE_BODY = {
    "requestBody": {
        "required": True,
        "description": "CISA's KEV catalogue, or CVE records with CISA's SSVC answers.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get("/priority", summary="Look up the row and the date")
def look_up(
    ask: AskingAnyone,
    *,
    exposed: Answer,
    kev: Answer,
    automatable: Answer = Answer.UNKNOWN,
    impact: Impact | None = None,
    added: date | None = None,
    enumerated: date | None = None,
) -> DecisionShape:
    """Return the row of BOD 26-04 for the answers, or what is missing for one."""
    del ask
    inputs = Inputs(
        exposed=exposed, kev=kev, automatable=automatable, impact=impact, kev_added=added, enumerated=enumerated
    )
    return decision_of(priority.decide(inputs))


@router.get("/sources", summary="Tell which sources are loaded, and how old they are")
def list_sources(ask: AskingAnyone) -> Page[LoadedShape]:
    """Return the loaded sources; one that is not there was never loaded, so that what it would say is unknown."""
    with ask.transaction() as tx:
        found = (priority.read_loaded(tx, kind) for kind in SourceKind)
        items = tuple(LoadedShape.model_validate(each) for each in found if each is not None)
    return Page(items=items, cursor=None)


@router.post(
    "/sources/{kind}", summary="Load a source of facts", response_model=LoadedShape, openapi_extra=_SOURCE_BODY
)
def load_source(kind: SourceKind, ask: AskingOnce, as_of: datetime | None = None) -> Response:
    """Replace what a source says by one file, all of it or nothing; never by an older one."""

    def act(tx: Transaction) -> LoadedShape:
        return LoadedShape.model_validate(exploited.load_source(tx, kind=kind, raw=ask.body, as_of=as_of))

    return ask.do(act, LoadedShape, status=200)
