"""Subjects at an identity provider: connected once by their person, and from then on a way to sign in.

A subject is (iss, sub) of a verified ID token (OpenID Connect Core 1.0, section 2). Nobody is made by it, and no mail
address is ever compared. The verbs here run in transactions of the system, but for `remove_identity`.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

from sqlalchemy import insert, select, update

from leadtime.flow.parties.challenges import new_challenge, use_challenge
from leadtime.flow.parties.holders import NOTHING, find_holder, holder_query, note
from leadtime.flow.parties.read import read_person
from leadtime.flow.parties.records import Happened, IdentityId, IssuedToken, PersonId, Purpose, Way
from leadtime.flow.parties.rules import holds, not_accepted
from leadtime.flow.parties.sessions import begin_session
from leadtime.flow.parties.tables import identities
from leadtime.foundation.access import ANYONE, Act, Viewer, relation_to_own, require
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Conflict, Missing, Refused
from leadtime.foundation.ids import new_id
from leadtime.foundation.keys import KeyRing

STATE_CHARS_MAX = 100


@dataclass(frozen=True, slots=True, repr=False)
class Trip:
    """One way to the provider and back: what the request carries, and what the answer must fit.

    ``verifier`` is PKCE's (RFC 7636); only its hash leaves with the request.
    """

    state: str
    nonce: str
    verifier: str


def begin_trip(tx: Transaction, viewer: Viewer, *, holder: str) -> Trip:
    """Begin a trip to the provider: to connect a subject for who is signed in, to sign in for who is not."""
    purpose, person = _purpose(viewer)
    return _trip(tx.keys, new_challenge(tx, purpose, holder=holder, person=person).value)


def end_trip(tx: Transaction, viewer: Viewer, state: str, *, holder: str) -> Trip:
    """Return the trip that an answer's ``state`` ends, once; raises `Refused` if this browser did not begin it."""
    purpose, person = _purpose(viewer)
    try:
        value = urlsafe_b64decode(state[:STATE_CHARS_MAX].encode("ascii") + b"=")
    except ValueError:
        value = b""
    use_challenge(tx, value, purpose, holder=holder, person=person)
    return _trip(tx.keys, value)


def connect_identity(tx: Transaction, viewer: Viewer, *, issuer: str, subject: str) -> None:
    """Connect a verified subject to the viewer's person; twice is as once; raises `Conflict` if it is another's."""
    purpose, person = _purpose(viewer)
    if purpose is not Purpose.CONNECT_IDENTITY or person is None:
        raise not_accepted()
    held = tx.connection.scalar(
        select(identities.c.person).where(
            identities.c.issuer == issuer, identities.c.subject == subject, identities.c.removed_at.is_(None)
        )
    )
    if held == person:
        return
    if held is not None:
        raise Conflict("this identity is connected to somebody else", next_step="Ask your coordinator.")
    keeper = read_person(tx, person)
    row = {
        "id": new_id(tx.now),
        "person": person,
        "organisation": keeper.organisation,
        "issuer": issuer,
        "subject": subject,
        "connected_at": tx.now,
    }
    tx.connection.execute(insert(identities).values(row))
    note(tx, keeper.organisation, person, Happened.IDENTITY_CONNECTED, issuer)


def sign_in_by_identity(tx: Transaction, *, issuer: str, subject: str, browser: str = "") -> IssuedToken:
    """Return a session of the person to whom a verified subject is connected; raises `Refused` for an unknown one."""
    found = tx.connection.scalar(
        select(identities.c.id).where(
            identities.c.issuer == issuer, identities.c.subject == subject, identities.c.removed_at.is_(None)
        )
    )
    if found is None:
        raise Refused(
            "nobody here is connected to this identity",
            next_step="Open the link of your invitation first, then connect the identity on your own page.",
        )
    query = holder_query(identities, expires_at=NOTHING, ended_at=identities.c.removed_at)
    holder = find_holder(tx, query.where(identities.c.id == found))
    if holder is None or not holds(holder, tx.now):
        raise not_accepted()
    tx.connection.execute(update(identities).where(identities.c.id == found).values(last_used_at=tx.now))
    return begin_session(tx, holder, Way.PROVIDER, browser)


def remove_identity(tx: Transaction, identity: IdentityId) -> None:
    """Remove one of the viewer's own identities, in their own transaction; raises `Missing` if they hold none such."""
    tx.require(Act.KEEP_SIGN_INS)
    removed = tx.connection.execute(
        update(identities)
        .where(identities.c.id == identity, identities.c.person == tx.viewer.person, identities.c.removed_at.is_(None))
        .values(removed_at=tx.now)
        .returning(identities.c.person, identities.c.organisation, identities.c.issuer)
    ).one_or_none()
    if removed is None:
        raise Missing("you have no such identity", where=str(identity), next_step="Read your sign-ins again.")
    note(tx, removed.organisation, removed.person, Happened.IDENTITY_REMOVED, removed.issuer)


def _purpose(viewer: Viewer) -> tuple[Purpose, PersonId | None]:
    """Return what a trip of the viewer is for; who is signed in needs a session that may change their sign-ins."""
    if viewer is ANYONE:
        return Purpose.USE_IDENTITY, None
    require(viewer, Act.KEEP_SIGN_INS, relation_to_own(viewer))
    return Purpose.CONNECT_IDENTITY, None if viewer.person is None else PersonId(viewer.person)


def _trip(keys: KeyRing, value: bytes) -> Trip:
    """Return the trip of a challenge; nonce and verifier follow from it by our key, so that neither is stored."""
    return Trip(
        state=_text(value),
        nonce=_text(keys.blind("oidc nonce", value.hex())),
        verifier=_text(keys.blind("oidc pkce", value.hex())),
    )


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()
