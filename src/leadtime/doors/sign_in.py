"""Who asks: a bearer token at the API, a session cookie on pages, and the word that proves a form is ours."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from urllib.parse import urlsplit

from leadtime.doors.problems import NotSignedIn
from leadtime.doors.site import Site
from leadtime.flow import parties
from leadtime.foundation.access import ANYONE, SYSTEM, Viewer
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Refused

SECRET_CHARS_MAX = 200

_SIGN_IN = "Sign in, or send Authorization: Bearer and a token that holds."


def viewer_of(site: Site, secret: str) -> Viewer:
    """Return who a token or session stands for; raises `NotSignedIn` in one sentence for any that does not hold."""
    with _asked(site, secret) as tx:
        return parties.authenticate(tx, secret)


def session_by_token(site: Site, secret: str, *, browser: str) -> parties.IssuedToken:
    """Return a session of a pasted token's person; raises `NotSignedIn` in one sentence for any that does not hold."""
    with _asked(site, secret) as tx:
        return parties.open_session_by_token(tx, secret, browser=browser)


@contextmanager
def _asked(site: Site, secret: str) -> Iterator[Transaction]:
    if not secret or len(secret) > SECRET_CHARS_MAX or not secret.isascii():
        raise NotSignedIn("this needs a credential that holds", next_step=_SIGN_IN)
    try:
        with site.database.transaction(SYSTEM) as tx:
            yield tx
    except Refused as error:
        raise NotSignedIn(error.what, next_step=_SIGN_IN) from None


def visitor_of(site: Site, secret: str) -> Viewer:
    """Return who a page's cookie stands for; whoever it does not hold for is anyone."""
    if not secret:
        return ANYONE
    try:
        return viewer_of(site, secret)
    except NotSignedIn:
        return ANYONE


def party_of(site: Site) -> parties.RelyingParty | None:
    """Return the site as passkeys know it, None where its address is a number: they are bound to a name.

    A loopback address is known by its name, ``localhost`` (WebAuthn Level 3, section 5.1.2: a valid domain string).
    """
    parts = urlsplit(site.settings.url)
    name = parts.hostname or ""
    try:
        if not ip_address(name).is_loopback:
            return None
        name = "localhost"
    except ValueError:
        pass
    origin = f"{parts.scheme}://{name}" + (f":{parts.port}" if parts.port else "")
    return parties.RelyingParty(id=name, name="Leadtime", origin=origin)


def cookie_name(site: Site) -> str:
    """Return the name of the session cookie; by https browsers bind ``__Host-`` to this very host (RFC 6265bis)."""
    return "__Host-leadtime" if site.over_https else "leadtime"


def visit_cookie_name(site: Site) -> str:
    """Return the name of the cookie that ties the forms of a visitor without a session to their browser."""
    return "__Host-leadtime-visit" if site.over_https else "leadtime-visit"


def new_visit() -> str:
    """Return a fresh value of the visit cookie."""
    return secrets.token_urlsafe(24)


def form_word(site: Site, holder: str) -> str:
    """Return the word that forms of one session (or visit) carry; only this installation can compute it."""
    digest = hmac.new(site.database.keys.blinding, f"form\0{holder}".encode(), hashlib.sha256)
    return digest.hexdigest()[:40]


def is_form_word(site: Site, holder: str, word: str) -> bool:
    """Tell whether ``word`` is the form word of ``holder``, in constant time."""
    return bool(holder) and hmac.compare_digest(form_word(site, holder).encode(), word.encode())
