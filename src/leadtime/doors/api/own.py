"""What a person signs in by: read by any credential, changed by a session of theirs alone."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field, TypeAdapter

from leadtime.doors.api.asking import Asking, AskingOnce
from leadtime.doors.api.shapes import Input, Line
from leadtime.flow import parties
from leadtime.foundation.access import Scope

router = APIRouter(tags=["own sign-ins"], prefix="/me")


class OwnTokenWanted(Input):
    """What the token is for, what it may do, and how long it is to last."""

    name: Line
    scope: Scope
    days: Annotated[int, Field(ge=1, le=365)]


@router.get("/sign-ins", summary="List what you sign in by")
def read_sign_ins(ask: Asking) -> parties.SignIns:
    """Return your passkeys, identities, open sessions and tokens, and what happened to them lately."""
    with ask.transaction() as tx:
        return parties.read_sign_ins(tx)


@router.post("/tokens", status_code=201, summary="Make yourself an API token", response_model=parties.IssuedToken)
def make_token(wanted: OwnTokenWanted, ask: AskingOnce) -> Response:
    """Make a token; its secret is shown this once. Needs a session: no token makes another."""
    return ask.do(
        lambda tx: parties.make_own_token(tx, name=wanted.name, days=wanted.days, scope=wanted.scope),
        parties.IssuedToken,
        status=201,
        shown_once=True,
    )


@router.post("/tokens/{token}/ending", summary="End a token of yours")
def end_token(token: UUID, ask: AskingOnce) -> Response:
    """End a token, and the sessions that it opened, at once."""
    return ask.do(lambda tx: parties.end_own_token(tx, parties.TokenId(token)), TypeAdapter(None), status=200)


@router.post("/sessions/{session}/ending", summary="End a session of yours")
def end_session(session: UUID, ask: AskingOnce) -> Response:
    """End a session at once."""
    return ask.do(lambda tx: parties.end_own_session(tx, parties.SessionId(session)), TypeAdapter(None), status=200)
