"""One API request: who asks, in which transaction, and the same answer to the same key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Header, Request, Response
from pydantic import TypeAdapter

from leadtime.doors.sign_in import bearer_secret, viewer_of
from leadtime.doors.site import Site
from leadtime.foundation.access import ANYONE, Viewer
from leadtime.foundation.database import Transaction
from leadtime.foundation.digests import digest_of_parts
from leadtime.workflows.once import Answer, find_answer, keep_answer

Given = TypeVar("Given")

JSON = "application/json"


def site_of(request: Request) -> Site:
    """Return the site that the application serves."""
    site = request.app.state.site
    if not isinstance(site, Site):
        raise TypeError("the application was made without a site")
    return site


SiteNeeded = Annotated[Site, Depends(site_of)]
Authorization = Annotated[str, Header(include_in_schema=False)]


@dataclass(frozen=True, slots=True)
class Ask:
    """A request of one viewer."""

    site: Site
    viewer: Viewer

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Open the request's one transaction."""
        with self.site.database.transaction(self.viewer) as tx:
            yield tx


def ask_signed_in(site: SiteNeeded, authorization: Authorization = "") -> Ask:
    """Return the request of whoever the bearer token stands for; raises `NotSignedIn` where it does not hold."""
    return Ask(site, viewer_of(site, bearer_secret(authorization)))


def ask_anyone(site: SiteNeeded, authorization: Authorization = "") -> Ask:
    """Return the request of anyone; a token that was sent must hold all the same."""
    return Ask(site, viewer_of(site, bearer_secret(authorization)) if authorization else ANYONE)


async def read_body(request: Request) -> bytes:
    """Return the request's whole body; its size is bounded before it gets here."""
    return await request.body()


Body = Annotated[bytes, Depends(read_body)]
IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        max_length=200,
        description="The same key with the same body gets the same answer, for 7 days, and nothing is done twice.",
    ),
]


@dataclass(frozen=True, slots=True)
class AskOnce:
    """A request that changes something, done once for its key."""

    ask: Ask
    key: str
    asked: bytes

    def do(self, act: Callable[[Transaction], Given], kind: type[Given] | TypeAdapter[Given], *, status: int) -> Response:
        """Do ``act`` in one transaction and answer what it gives, or answer again what its key was answered."""
        adapter = kind if isinstance(kind, TypeAdapter) else TypeAdapter(kind)
        with self.ask.transaction() as tx:
            asked = digest_of_parts((self.asked,))
            held = find_answer(tx, self.key, asked) if self.key else None
            if held is None:
                held = Answer(status, adapter.dump_json(act(tx)))
                if self.key:
                    keep_answer(tx, self.key, asked, held)
        return Response(held.body, status_code=held.status, media_type=JSON)


def ask_once(
    request: Request, ask: Annotated[Ask, Depends(ask_signed_in)], body: Body, key: IdempotencyKey = ""
) -> AskOnce:
    """Return a signed-in request that changes something."""
    asked = f"{request.method} {request.url.path}?{request.url.query}\n".encode() + body
    return AskOnce(ask, key, asked)


Asking = Annotated[Ask, Depends(ask_signed_in)]
AskingAnyone = Annotated[Ask, Depends(ask_anyone)]
AskingOnce = Annotated[AskOnce, Depends(ask_once)]
