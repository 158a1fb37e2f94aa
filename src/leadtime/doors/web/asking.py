"""One page request: who looks, what their form says, and the answer as a page."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import anyio.to_thread
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from leadtime.doors import limits, sign_in
from leadtime.doors.armour import SCRIPTED
from leadtime.doors.problems import NotSignedIn
from leadtime.doors.read_models.names import name_of
from leadtime.doors.read_models.shell import Shell
from leadtime.doors.site import Site
from leadtime.doors.web.apart import ThreadsApart
from leadtime.doors.web.rendering import render
from leadtime.flow import parties
from leadtime.foundation.access import ANYONE, Viewer
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Malformed, Refused

FORM_FIELDS_MAX = 120
FORM_FILES_MAX = 1
SESSION_SECONDS_MAX = limits.SESSION_HOURS_MAX * 3600
VISIT_SECONDS_MAX = 3600


@dataclass(frozen=True, slots=True)
class PageAsk:
    """A request of one visitor: ``holder`` is the session or visit that its forms belong to."""

    site: Site
    request: Request
    viewer: Viewer
    holder: str
    fresh_visit: bool
    form: Mapping[str, str]
    upload: bytes

    @contextmanager
    def transaction(self, viewer: Viewer | None = None) -> Iterator[Transaction]:
        """Open the request's one transaction, as its visitor unless another viewer is named."""
        with self.site.database.transaction(viewer or self.viewer) as tx:
            yield tx

    @property
    def browser(self) -> str:
        """Return what the browser says of itself."""
        return self.request.headers.get("user-agent", "")

    def signed_in(self) -> Viewer:
        """Return the visitor; raises `NotSignedIn` if it is anyone."""
        if self.viewer is ANYONE:
            raise NotSignedIn("this page is for those who signed in", next_step="Sign in.")
        return self.viewer

    def field(self, name: str) -> str:
        """Return a field of the form; raises `Malformed` if it is missing."""
        value = self.form.get(name, "").strip()
        if not value:
            raise Malformed("this field is empty", where=name, next_step="Fill it in.")
        return value

    def shell(self, here: str = "") -> Shell:
        """Return the frame of the page."""
        frame = Shell(
            now=self.site.database.clock.now(),
            csrf=sign_in.form_word(self.site, self.holder),
            same_host=self.site.same_host,
            here=here,
            parts=self.site.parts,
        )
        if self.viewer.organisation is None or self.viewer.person is None:
            return frame
        with self.transaction() as tx:
            organisation = parties.read_organisation(tx, parties.OrganisationId(self.viewer.organisation))
            person = parties.read_person(tx, parties.PersonId(self.viewer.person))
        return replace(
            frame,
            role=self.viewer.role,
            person=person.name,
            organisation=name_of(organisation).text,
            example=name_of(organisation).example,
        )

    def page(
        self, template: str, *, here: str = "", status: int = 200, scripted: bool = False, **values: object
    ) -> Response:
        """Return a page of a template; a visitor who has no cookie yet gets one for its forms.

        ``scripted``: it is one of the two pages that ask the browser for a passkey.
        """
        headers = SCRIPTED if scripted else None
        answer = HTMLResponse(render(template, self.shell(here), values), status_code=status, headers=headers)
        if self.fresh_visit:
            set_cookie(answer, self.site, sign_in.visit_cookie_name(self.site), self.holder, VISIT_SECONDS_MAX)
        return answer


Handler = Callable[[PageAsk], Response]
Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]


def page_endpoint(handler: Handler, *, asks_provider: bool = False) -> Endpoint:
    """Return an endpoint that reads the visitor and the form, then runs ``handler`` on a thread of its own.

    ``asks_provider``: it waits for another server, and so runs apart from all that do not.
    """

    async def endpoint(request: Request) -> Response:
        fields, upload = await _read_form(request) if request.method == "POST" else ({}, b"")
        if asks_provider:
            apart: ThreadsApart = request.app.state.apart
            return await apart.run(lambda: _answer(handler, request, fields, upload))
        return await run_in_threadpool(_answer, handler, request, fields, upload)

    endpoint.__name__ = getattr(handler, "__name__", "page")
    endpoint.__doc__ = handler.__doc__
    return endpoint


def ask_of(request: Request, fields: Mapping[str, str], upload: bytes) -> PageAsk:
    """Return the request as pages see it."""
    site: Site = request.app.state.site
    session = request.cookies.get(sign_in.cookie_name(site), "")
    viewer = sign_in.visitor_of(site, session)
    visit = request.cookies.get(sign_in.visit_cookie_name(site), "")
    holder = session if viewer is not ANYONE else visit or sign_in.new_visit()
    return PageAsk(site, request, viewer, holder, viewer is ANYONE and not visit, fields, upload)


def set_cookie(answer: Response, site: Site, name: str, value: str, seconds: int) -> None:
    """Set a cookie that no script reads and that other sites' forms do not carry."""
    answer.set_cookie(name, value, max_age=seconds, path="/", secure=site.over_https, httponly=True, samesite="lax")


def see_other(address: str) -> Response:
    """Return a redirect after a POST, so that reloading does not send the form again (RFC 9110, section 15.4.4)."""
    return RedirectResponse(address, status_code=303)


def bound_threads() -> None:
    """Bound how many verbs run at once; to be called once inside the running event loop."""
    anyio.to_thread.current_default_thread_limiter().total_tokens = limits.THREADS_MAX


def _answer(handler: Handler, request: Request, fields: Mapping[str, str], upload: bytes) -> Response:
    ask = ask_of(request, fields, upload)
    if request.method == "POST" and not sign_in.is_form_word(ask.site, ask.holder, fields.get("csrf", "")):
        raise Refused(
            "this form is not from a page that this browser opened here, or it was left open too long",
            next_step="Open the page again and send the form from there.",
        )
    return handler(ask)


async def _read_form(request: Request) -> tuple[dict[str, str], bytes]:
    async with request.form(max_files=FORM_FILES_MAX, max_fields=FORM_FIELDS_MAX) as form:
        return _fields(form), await _upload(form)


def _fields(form: FormData) -> dict[str, str]:
    return {name: value for name, value in form.multi_items() if isinstance(value, str)}


async def _upload(form: FormData) -> bytes:
    for _, value in form.multi_items():
        if isinstance(value, UploadFile):
            return await value.read()
    return b""
