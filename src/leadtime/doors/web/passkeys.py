"""Pages of passkeys: signing in by one, adding one, removing one."""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import Response

from leadtime.doors import sign_in
from leadtime.doors.web.asking import PageAsk, see_other
from leadtime.doors.web.front import begin, sign_in_page
from leadtime.doors.web.phrases import sentence
from leadtime.flow import parties
from leadtime.foundation.access import SYSTEM, Act, relation_to_own, require
from leadtime.foundation.errors import Malformed, Refused
from leadtime.foundation.ids import parse_id

HERE = "/me"
WENT_BACK = (
    "The counter of this passkey went back, as that of a copy would. It was not accepted, and its person sees that."
)


def ask_for_passkey(ask: PageAsk) -> Response:
    """Show the page on which the browser asks for a passkey."""
    party = _party(ask)
    with ask.transaction(SYSTEM) as tx:
        options = parties.challenge_passkey(tx, party, holder=ask.holder)
    return ask.page("passkey.html", scripted=True, adding=False, options=options)


def sign_in_by_passkey(ask: PageAsk) -> Response:
    """Sign a visitor in by a passkey's answer."""
    party = _party(ask)
    try:
        with ask.transaction(SYSTEM) as tx:
            session = parties.sign_in_by_passkey(
                tx, party, holder=ask.holder, answer=ask.field("answer"), browser=ask.browser
            )
    except (Malformed, Refused) as error:
        return sign_in_page(ask, problem=f"{sentence(error.what)}.", status=HTTPStatus.BAD_REQUEST)
    if session is None:
        return sign_in_page(ask, problem=WENT_BACK, status=HTTPStatus.BAD_REQUEST)
    return begin(ask, session.secret)


def show_new_passkey(ask: PageAsk) -> Response:
    """Show the page on which the browser makes a passkey."""
    party, viewer = _party(ask), ask.signed_in()
    with ask.transaction(SYSTEM) as tx:
        options = parties.begin_passkey(tx, viewer, party, holder=ask.holder)
    return ask.page("passkey.html", here=HERE, scripted=True, adding=True, options=options)


def add_passkey(ask: PageAsk) -> Response:
    """Keep the passkey that the browser made."""
    party, viewer = _party(ask), ask.signed_in()
    require(viewer, Act.KEEP_SIGN_INS, relation_to_own(viewer))
    name, answer = ask.field("name"), ask.field("answer")
    with ask.transaction(SYSTEM) as tx:
        parties.add_passkey(tx, viewer, party, holder=ask.holder, name=name, answer=answer)
    return see_other(HERE)


def remove_passkey(ask: PageAsk) -> Response:
    """Remove a passkey of the visitor's."""
    ask.signed_in()
    passkey = parties.PasskeyId(parse_id(ask.request.path_params["passkey"], where="passkey"))
    with ask.transaction() as tx:
        parties.remove_passkey(tx, passkey)
    return see_other(HERE)


def _party(ask: PageAsk) -> parties.RelyingParty:
    party = sign_in.party_of(ask.site)
    if party is None:
        raise Refused(
            "passkeys need a name, and this site's address is a number",
            where="LEADTIME_URL",
            next_step="Sign in by a one-time link.",
        )
    return party
