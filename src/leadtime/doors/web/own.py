"""A person's own page: who they are here, how and where they sign in, their programs' tokens, their colleagues."""

from __future__ import annotations

from uuid import UUID

from starlette.responses import Response

from leadtime.doors import sign_in
from leadtime.doors.web.asking import PageAsk, see_other
from leadtime.doors.web.front import elsewhere
from leadtime.flow import parties
from leadtime.foundation.access import SCOPES, Act, Scope, may, relation_to_own, require
from leadtime.foundation.errors import Malformed
from leadtime.foundation.ids import parse_id
from leadtime.foundation.keys import token_hash

HERE = "/me"
TOKEN_DAYS = (1, 7, 30, 90, 365)
LINK_MINUTES = 60
SCOPE_HINTS = {
    Scope.READ_ONLY: "reads what you may read",
    Scope.REPORTS: "hands in reports and follows them",
    Scope.INVENTORIES: "gives inventories, reads the patch-by list, marks as deployed",
    Scope.EVERYTHING: "all that you may do, but for changing how you sign in",
}
"""What the form says of each scope, the narrowest first."""


def show_me(ask: PageAsk) -> Response:
    """Show the visitor's own page."""
    return _page(ask)


def end_session(ask: PageAsk) -> Response:
    """End one of the visitor's sessions."""
    session = parties.SessionId(_named(ask, "session"))
    with ask.transaction() as tx:
        parties.end_own_session(tx, session)
    return see_other(HERE)


def make_token(ask: PageAsk) -> Response:
    """Make the visitor an API token; the page that answers shows it, this once."""
    viewer = ask.signed_in()
    require(viewer, Act.KEEP_SIGN_INS, relation_to_own(viewer))
    try:
        scope, days = Scope(ask.field("scope")), int(ask.field("days"))
    except ValueError:
        raise Malformed("there is no such scope or length", where="scope", next_step="Choose from the lists.") from None
    with ask.transaction() as tx:
        issued = parties.make_own_token(tx, name=ask.field("name"), days=days, scope=scope)
    return _page(ask, issued=issued)


def end_token(ask: PageAsk) -> Response:
    """End one of the visitor's tokens."""
    token = parties.TokenId(_named(ask, "token"))
    with ask.transaction() as tx:
        parties.end_own_token(tx, token)
    return see_other(HERE)


def send_link(ask: PageAsk) -> Response:
    """Make a colleague a link that signs them in once; the page that answers shows it, this once."""
    person = parties.PersonId(_named(ask, "person"))
    with ask.transaction() as tx:
        link = parties.issue_sign_in_link(tx, person, minutes=LINK_MINUTES)
    return _page(ask, link=f"{ask.site.settings.url}/sign-in/{link.secret}")


def remove_colleague(ask: PageAsk) -> Response:
    """End everything that shows who a colleague is."""
    person = parties.PersonId(_named(ask, "person"))
    with ask.transaction() as tx:
        parties.remove_person(tx, person)
    return see_other(HERE)


def _named(ask: PageAsk, what: str) -> UUID:
    ask.signed_in()
    return parse_id(ask.request.path_params[what], where=what)


def _page(ask: PageAsk, *, issued: parties.IssuedToken | None = None, link: str = "") -> Response:
    viewer = ask.signed_in()
    provider = ask.site.settings.oidc
    with ask.transaction() as tx:
        me = parties.read_person(tx, parties.PersonId(viewer.person or UUID(int=0)))
        held = parties.read_sign_ins(tx)
        colleagues = [one for one in parties.list_people(tx, me.organisation) if one.id != me.id]
        here = parties.find_own_session(tx, token_hash(ask.holder))
    return ask.page(
        "me.html",
        here=HERE,
        me=me,
        held=held,
        this_session=here,
        may_change=Act.KEEP_SIGN_INS in SCOPES[viewer.scope],
        passkeys=sign_in.party_of(ask.site) is not None,
        elsewhere=elsewhere(ask, HERE),
        provider=provider.name if provider else "",
        issued=issued,
        link=link,
        colleagues=colleagues,
        keeps_people=may(viewer.role, Act.KEEP_PEOPLE, relation_to_own(viewer)) and me.employer is None,
        link_minutes=LINK_MINUTES,
        scopes=SCOPE_HINTS,
        days=TOKEN_DAYS,
    )
