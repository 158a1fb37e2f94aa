"""What is kept of calls: the access log, sealed records and the keys they are closed to, and openings of leaves."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Response

from leadtime.doors import limits
from leadtime.doors.api.asking import Asking, AskingOnce, Limit
from leadtime.doors.api.offering import Offered
from leadtime.doors.api.shapes import Input, Line, Page
from leadtime.doors.read_models.openings import open_model_leaf, opened
from leadtime.flow import gateway
from leadtime.flow.gateway import CallId, CallSeen
from leadtime.flow.window import ModelId
from leadtime.foundation.database import Transaction
from leadtime.workflows.early_access import leaving_refusals

router = APIRouter(tags=["calls"])


class KeyWanted(Input):
    """The public half of your side's key (age, X25519); the secret half never comes here."""

    age_key: Line


@dataclass(frozen=True, slots=True)
class SealedContent:
    """One call's content as an age file, in base64; your own key opens it."""

    call: UUID
    at: datetime
    age_file: str


class OfferedCalls(Offered[Page[CallSeen]]):
    """Calls, newest first, without content."""


class OfferedIds(Offered[tuple[UUID, ...]]):
    """Ids of calls, newest first."""


class OfferedContent(Offered[SealedContent]):
    """One sealed record."""


class OfferedKey(Offered[str | None]):
    """A public key; null: none is stated."""


class OfferedOpening(Offered[dict[str, object]]):
    """What one leaf committed to, as ``leadtime ledger prove --opening`` checks it."""


@router.get("/models/{model}/calls", summary="List calls: the developer all, others their organisation's own")
def list_calls(
    model: UUID, ask: Asking, cursor: UUID | None = None, limit: Limit = limits.PAGE_ROWS_DEFAULT
) -> OfferedCalls:
    """Return calls, newest first, without content; a call's id is its leaf's."""
    before = None if cursor is None else CallId(cursor)
    with ask.transaction() as tx:
        found = gateway.list_calls(tx, ModelId(model), before=before, rows_max=limit)
    return OfferedCalls(result=Page(items=found, cursor=str(found[-1].id) if len(found) == limit else None))


@router.get("/models/{model}/records/{word}", summary="Find sealed records by a word")
def search_records(model: UUID, word: Line, ask: Asking) -> OfferedIds:
    """Return the calls of the last six months whose content held a whole word, to those who may read it."""
    with ask.transaction() as tx:
        return OfferedIds(result=gateway.search_sealed(tx, ModelId(model), word))


@router.get("/models/{model}/calls/{call}/record", summary="Fetch a sealed record")
def read_record(model: UUID, call: UUID, ask: Asking) -> OfferedContent:
    """Return what a call asked and was answered, closed to the developer's and the holder's own keys."""
    with leaving_refusals(ask.site.database, ask.viewer, model), ask.transaction() as tx:
        found = gateway.read_sealed(tx, CallId(call))
    return OfferedContent(result=SealedContent(found.call, found.at, b64encode(found.content).decode()))


@router.get("/models/{model}/leaves/{leaf}/opening", summary="Open one leaf of the model's log")
def open_one(model: UUID, leaf: UUID, ask: Asking) -> OfferedOpening:
    """Return salts and values of one leaf, to be handed to an auditor; nothing of another is told by them."""
    with ask.transaction() as tx:
        return OfferedOpening(result=opened(open_model_leaf(tx, ModelId(model), leaf)))


@router.get("/sealing-key", summary="Read the key that your side's records are sealed to")
def read_key(ask: Asking) -> OfferedKey:
    """Return your organisation's public key."""
    with ask.transaction() as tx:
        return OfferedKey(result=gateway.read_sealing_key(tx))


@router.post("/sealing-key", summary="State the key that your side's records are sealed to", response_model=OfferedKey)
def state_key(wanted: KeyWanted, ask: AskingOnce) -> Response:
    """State your organisation's public key; what is sealed from now on opens with its secret half."""

    def act(tx: Transaction) -> OfferedKey:
        gateway.state_sealing_key(tx, wanted.age_key)
        return OfferedKey(result=gateway.read_sealing_key(tx))

    return ask.do(act, OfferedKey, status=200)
