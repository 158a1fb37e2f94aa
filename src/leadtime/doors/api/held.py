"""An asker learns which of its own findings are held, and we learn nothing of the others."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from leadtime.doors import limits
from leadtime.doors.api.asking import Asking, IdempotencyKey, Limit
from leadtime.doors.api.shapes import Input, Page, page_of
from leadtime.doors.read_models.held import coordinators, own_cases
from leadtime.flow import merging
from leadtime.foundation.access import Act
from leadtime.foundation.errors import Malformed
from leadtime.private_match import REQUEST_BYTES_MAX, count_asked

router = APIRouter(tags=["held"])

_CHARS_MAX = (REQUEST_BYTES_MAX + 2) // 3 * 4


class HeldWanted(Input):
    """A request of private matching (docs/decisions/0024-do-you-hold-this.md), in base64."""

    request: Annotated[str, Field(min_length=1, max_length=_CHARS_MAX)]


class OwnCase(BaseModel):
    """A case that your own reports are in, and their fingerprints (hexadecimal), for you to compare."""

    number: str
    fingerprints: tuple[str, ...]


class HeldShape(BaseModel):
    """What only the asker can open: ``answer`` in base64, of what was held at ``as_of``; and whom to talk to."""

    answer: str
    as_of: datetime
    coordinators: tuple[str, ...]
    contact: str
    own: tuple[OwnCase, ...]
    spent: int
    budget: int
    renewed_at: datetime


class HeldAskShape(BaseModel):
    """One asking: by whom, when, for how many fingerprints; for which, the protocol tells nobody."""

    model_config = ConfigDict(from_attributes=True, frozen=True)

    id: UUID
    organisation: UUID
    person: UUID
    at: datetime
    fingerprints: int


@router.post("/held", summary="Ask, without telling, which of your findings are held already")
def ask_held(wanted: HeldWanted, ask: Asking, key: IdempotencyKey = "") -> HeldShape:
    """Answer a private-matching request; what it asks for is counted before it is answered, every time it is sent.

    A key is taken and adds nothing: an answer that was kept would be of what was held then.
    """
    del key
    ask.require(Act.ASK_HELD)
    try:
        request = base64.b64decode(wanted.request, validate=True)
    except ValueError:
        raise Malformed("this is not base64", where="request", next_step="Send what leadtime held sends.") from None
    count = count_asked(request)
    prepared = ask.site.held.prepared(ask.site.database)
    with ask.transaction() as tx:
        budget = merging.count_ask(tx, count)
        own = own_cases(tx)
    return HeldShape(
        answer=base64.b64encode(prepared.holder.answer(request)).decode(),
        as_of=prepared.as_of,
        coordinators=coordinators(ask.site.database),
        contact=f"{ask.site.settings.url}/",
        own=tuple(
            OwnCase(number=number, fingerprints=tuple(each.hex() for each in marks)) for number, marks in own.items()
        ),
        spent=budget.spent,
        budget=budget.of,
        renewed_at=budget.renewed_at,
    )


@router.get("/held", summary="List who asked what is held, and how much, newest first")
def list_asks(ask: Asking, cursor: UUID | None = None, limit: Limit = limits.PAGE_ROWS_DEFAULT) -> Page[HeldAskShape]:
    """Return your organisation's askings; a coordinator's list is of all."""
    with ask.transaction() as tx:
        found = [HeldAskShape.model_validate(each) for each in merging.list_asks(tx)]
    return page_of(found, cursor, limit, lambda one: one.id)
