"""One API request: who asks, in which transaction, and the same answer to the same key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Depends, Header, Query, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import TypeAdapter

from leadtime.doors import limits
from leadtime.doors.problems import NotSignedIn
from leadtime.doors.sign_in import viewer_of
from leadtime.doors.site import Site
from leadtime.flow.parties import PairedActId
from leadtime.foundation.access import ANYONE, Act, Viewer, relation_to_own, require
from leadtime.foundation.database import Transaction
from leadtime.foundation.digests import digest_of_parts
from leadtime.foundation.errors import Conflict
from leadtime.workflows.once import KEY_CHARS_MAX, Answer, find_answer, keep_answer

Given = TypeVar("Given")

JSON = "application/json"
SECRET = Answer(HTTPStatus.CONFLICT, b"")
"""What is kept in place of an answer that held a secret; no answer's JSON is empty."""


def site_of(request: Request) -> Site:
    """Return the site that the application serves."""
    site = request.app.state.site
    if not isinstance(site, Site):
        raise TypeError("the application was made without a site")
    return site


SiteNeeded = Annotated[Site, Depends(site_of)]
Credential = Annotated[
    HTTPAuthorizationCredentials | None,
    Depends(HTTPBearer(auto_error=False, description="An API token of yours, or what a sign-in gave.")),
]


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

    @property
    def organisation(self) -> UUID:
        """Return the viewer's organisation; only a signed-in viewer has one."""
        if self.viewer.organisation is None:
            raise NotSignedIn("this needs a credential that holds", next_step="Send Authorization: Bearer.")
        return self.viewer.organisation

    @property
    def person(self) -> UUID:
        """Return the viewer's person; only a signed-in viewer has one."""
        if self.viewer.person is None:
            raise NotSignedIn("this needs a credential that holds", next_step="Send Authorization: Bearer.")
        return self.viewer.person

    def require(self, act: Act) -> None:
        """Return if the viewer may do ``act`` to its organisation's own things, else raise as `access.require`."""
        require(self.viewer, act, relation_to_own(self.viewer))


def ask_signed_in(site: SiteNeeded, credential: Credential) -> Ask:
    """Return the request of whoever the bearer token stands for; raises `NotSignedIn` where it does not hold."""
    return Ask(site, viewer_of(site, credential.credentials if credential else ""))


def ask_anyone(site: SiteNeeded, credential: Credential) -> Ask:
    """Return the request of anyone; a token that was sent must hold all the same."""
    return Ask(site, viewer_of(site, credential.credentials) if credential else ANYONE)


async def read_body(request: Request) -> bytes:
    """Return the request's whole body; its size is bounded before it gets here."""
    return await request.body()


Body = Annotated[bytes, Depends(read_body)]
IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        max_length=KEY_CHARS_MAX,
        description="The same key with the same body gets the same answer, for 7 days, and nothing is done twice. "
        "An answer that holds a secret is given once: the key then gets 409.",
    ),
]


@dataclass(frozen=True, slots=True)
class AskOnce:
    """A request that changes something, done once for its key."""

    ask: Ask
    key: str
    asked: str
    body: bytes

    @property
    def site(self) -> Site:
        """Return the site that is asked."""
        return self.ask.site

    def do(
        self,
        act: Callable[[Transaction], Given],
        kind: type[Given] | TypeAdapter[Given],
        *,
        status: int,
        shown_once: bool = False,
    ) -> Response:
        """Do ``act`` in one transaction and answer what it gives, or answer again what its key was answered.

        ``shown_once``: the answer holds a secret and is kept nowhere; to ask again is a `Conflict`.
        """
        adapter = kind if isinstance(kind, TypeAdapter) else TypeAdapter(kind)
        with self.ask.transaction() as tx:
            asked = digest_of_parts((self.asked, self.body))
            held = find_answer(tx, self.key, asked) if self.key else None
            if held is None:
                held = Answer(status, adapter.dump_json(act(tx)))
                if self.key:
                    keep_answer(tx, self.key, asked, SECRET if shown_once else held)
            elif held.body == SECRET.body:
                raise Conflict(
                    "this was done, and its secret was shown once and is kept nowhere",
                    where="Idempotency-Key",
                    next_step="If the answer was lost, ask for another one with a fresh key, and end the lost one.",
                )
        return Response(held.body, status_code=held.status, media_type=JSON)


def ask_once(
    request: Request, ask: Annotated[Ask, Depends(ask_signed_in)], body: Body, key: IdempotencyKey = ""
) -> AskOnce:
    """Return a signed-in request that changes something."""
    return AskOnce(ask, key, f"{request.method} {request.url.path}?{request.url.query}", body)


Second = Annotated[
    PairedActId | None,
    Query(alias="act", description="A confirmed act of two people (see /acts), where one person alone may not."),
]
Limit = Annotated[int, Query(ge=1, le=limits.PAGE_ROWS_MAX, description="How many items this page has at most.")]
Asking = Annotated[Ask, Depends(ask_signed_in)]
AskingAnyone = Annotated[Ask, Depends(ask_anyone)]
AskingOnce = Annotated[AskOnce, Depends(ask_once)]
