"""Pages of the identity provider: leaving for it, coming back, connecting a subject, removing one."""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import Response

from leadtime.doors import oidc
from leadtime.doors.web.asking import PageAsk, see_other
from leadtime.doors.web.front import begin, sign_in_page
from leadtime.doors.web.phrases import sentence
from leadtime.flow import parties
from leadtime.foundation.access import ANYONE, SYSTEM
from leadtime.foundation.errors import Conflict, LeadtimeError, Refused, Unavailable
from leadtime.foundation.ids import parse_id
from leadtime.foundation.settings import OidcClient

RETURN = "/sign-in/return"
CODE_CHARS_MAX = 2_000


def leave_to_sign_in(ask: PageAsk) -> Response:
    """Send the visitor to the provider to sign in."""
    try:
        return _leave(ask)
    except (Refused, Unavailable) as error:
        return sign_in_page(ask, status=HTTPStatus.BAD_REQUEST, problem=f"{sentence(error.what)}.")


def leave_to_connect(ask: PageAsk) -> Response:
    """Send who is signed in to the provider to connect their subject there."""
    ask.signed_in()
    return _leave(ask)


def come_back(ask: PageAsk) -> Response:
    """Take the provider's answer: sign in who is known, or connect the subject for who is signed in."""
    try:
        client = _client(ask)
        subject = _subject(ask, client)
        if ask.viewer is not ANYONE:
            with ask.transaction(SYSTEM) as tx:
                parties.connect_identity(tx, ask.viewer, issuer=client.issuer, subject=subject)
            return see_other("/me")
        with ask.transaction(SYSTEM) as tx:
            session = parties.sign_in_by_identity(tx, issuer=client.issuer, subject=subject, browser=ask.browser)
    except (Refused, Unavailable, Conflict) as error:
        return sign_in_page(ask, status=HTTPStatus.BAD_REQUEST, problem=_told(error))
    return begin(ask, session.secret)


def remove_identity(ask: PageAsk) -> Response:
    """Remove a subject of the visitor's."""
    ask.signed_in()
    identity = parties.IdentityId(parse_id(ask.request.path_params["identity"], where="identity"))
    with ask.transaction() as tx:
        parties.remove_identity(tx, identity)
    return see_other("/me")


def _leave(ask: PageAsk) -> Response:
    """Return a page that goes on to the provider by itself: a redirect would fall under this site's form-action."""
    client = _client(ask)
    with oidc.open_http() as http:
        provider = oidc.discover(client, http)
    with ask.transaction(SYSTEM) as tx:
        trip = parties.begin_trip(tx, ask.viewer, holder=ask.holder)
    address = oidc.address_of(client, provider, trip, back_to=_back(ask))
    answer = ask.page("leaving.html", address=address, provider=client.name)
    answer.headers["refresh"] = f"0; url={address}"
    return answer


def _subject(ask: PageAsk, client: OidcClient) -> str:
    """Return the subject that the answer in the address proves; the trip is over, whatever comes of it."""
    told = ask.request.query_params
    with ask.transaction(SYSTEM) as tx:
        trip = parties.end_trip(tx, ask.viewer, told.get("state", ""), holder=ask.holder)
    if told.get("iss", client.issuer) != client.issuer:  # RFC 9207, section 2.4
        raise Refused("this answer is another provider's", next_step="Begin again.")
    code = told.get("code", "")
    if not 0 < len(code) <= CODE_CHARS_MAX:
        raise Refused("the identity provider did not sign you in", next_step="Begin again.")
    with oidc.open_http() as http:
        provider = oidc.discover(client, http)
        return oidc.redeem(
            client, provider, trip, http, code=code, back_to=_back(ask), now=ask.site.database.clock.now()
        )


def _client(ask: PageAsk) -> OidcClient:
    client = ask.site.settings.oidc
    if client is None:
        raise Refused("no identity provider is set up here", next_step="Use another way.")
    return client


def _back(ask: PageAsk) -> str:
    return f"{ask.site.settings.url}{RETURN}"


def _told(error: LeadtimeError) -> str:
    return f"{sentence(error.what)}. {error.next_step}"
