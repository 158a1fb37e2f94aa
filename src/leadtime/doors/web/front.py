"""The first page, the API's page, signing in and out."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.responses import Response

from leadtime.doors import sign_in
from leadtime.doors.problems import NotSignedIn
from leadtime.doors.read_models.api import groups_of
from leadtime.doors.read_models.home import read_home
from leadtime.doors.read_models.undecided import read_undecided
from leadtime.doors.site import Part
from leadtime.doors.web.asking import SESSION_SECONDS_MAX, PageAsk, see_other, set_cookie
from leadtime.doors.web.phrases import sentence
from leadtime.flow import parties
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.errors import Refused
from leadtime.foundation.voluntary import NOTICE


def show_home(ask: PageAsk) -> Response:
    """Show where everything stands, and the visitor's own next places; a gateway alone shows whose places those are."""
    if Part.SITE not in ask.site.parts:
        return ask.page("home_offers.html", notice=NOTICE)
    undecided = read_undecided(ask.site.database, ask.viewer)
    return ask.page("home.html", home=read_home(ask.site.database, ask.viewer), undecided=undecided)


def show_api(ask: PageAsk) -> Response:
    """Show what the API offers, from its own description."""
    return ask.page("api.html", url=ask.site.settings.url, groups=groups_of(ask.request.app.state.openapi()))


def show_sign_in(ask: PageAsk) -> Response:
    """Show how to sign in."""
    return sign_in_page(ask)


def sign_in_page(ask: PageAsk, *, link: str = "", problem: str = "", status: int = HTTPStatus.OK) -> Response:
    """Return the page of all ways to sign in, or of the one link that was opened."""
    party = sign_in.party_of(ask.site)
    provider = ask.site.settings.oidc
    return ask.page(
        "sign_in.html",
        status=status,
        link=link,
        problem=problem,
        passkeys=party is not None,
        elsewhere=elsewhere(ask, ask.request.url.path if link else "/sign-in"),
        provider=provider.name if provider else "",
    )


def elsewhere(ask: PageAsk, path: str) -> str:
    """Return the address under which passkeys work, where the browser is at another one; else nothing."""
    party = sign_in.party_of(ask.site)
    if party is None or ask.request.url.hostname == urlsplit(party.origin).hostname:
        return ""
    return f"{party.origin}{path}"


def sign_in_by_token(ask: PageAsk) -> Response:
    """Sign a visitor in by a token of theirs."""
    try:
        session = sign_in.session_by_token(ask.site, ask.form.get("token", "").strip(), browser=ask.browser)
    except NotSignedIn as error:
        return sign_in_page(ask, status=HTTPStatus.BAD_REQUEST, problem=f"{sentence(error.what)}.")
    return begin(ask, session.secret)


def show_link(ask: PageAsk) -> Response:
    """Show the button of a one-time link; opening the page uses nothing up, since mail scanners open links."""
    return sign_in_page(ask, link=ask.request.path_params["secret"])


def sign_in_by_link(ask: PageAsk) -> Response:
    """Sign a visitor in by a one-time link, which then works no more."""
    try:
        with ask.transaction(SYSTEM) as tx:
            session = parties.redeem_sign_in_link(tx, ask.request.path_params["secret"], browser=ask.browser)
    except Refused as error:
        problem = f"{sentence(error.what)}. Ask your coordinator for a fresh link."
        return sign_in_page(ask, status=HTTPStatus.BAD_REQUEST, problem=problem)
    return begin(ask, session.secret, at="/me")


def sign_out(ask: PageAsk) -> Response:
    """End the session; a token that opened it goes on, since programs may be using it."""
    with ask.transaction(SYSTEM) as tx:
        parties.end_session(tx, ask.holder)
    answer = see_other("/")
    answer.delete_cookie(sign_in.cookie_name(ask.site), path="/", secure=ask.site.over_https, httponly=True)
    return answer


def begin(ask: PageAsk, secret: str, *, at: str = "/") -> Response:
    """Return the redirect that hands a fresh session to the browser, in whose place the visit ends."""
    answer = see_other(at)
    set_cookie(answer, ask.site, sign_in.cookie_name(ask.site), secret, SESSION_SECONDS_MAX)
    answer.delete_cookie(sign_in.visit_cookie_name(ask.site), path="/", secure=ask.site.over_https, httponly=True)
    return answer
