"""Sessions of browsers: opened by one of the ways to sign in, ended by their person, by idling or by time."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, update

from leadtime.flow.parties.credentials import PREFIX_OF_SESSIONS, TOKEN_HOLDER
from leadtime.flow.parties.holders import find_holder, note
from leadtime.flow.parties.records import Happened, Holder, IssuedToken, SessionId, Way
from leadtime.flow.parties.rules import BROWSER_CHARS_MAX, earliest, holds, not_accepted, session_end
from leadtime.flow.parties.tables import sessions, tokens
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing
from leadtime.foundation.ids import new_id
from leadtime.foundation.keys import new_token, token_hash


def open_session_by_token(tx: Transaction, secret: str, *, browser: str = "") -> IssuedToken:
    """Return a session of a token's person with the token's scope, which ends with the token; as the system."""
    hashed = token_hash(secret)
    holder = find_holder(tx, TOKEN_HOLDER.where(tokens.c.hash == hashed))
    if holder is None or not holds(holder, tx.now):
        raise not_accepted()
    token = tx.connection.execute(tokens.select().where(tokens.c.hash == hashed)).one()
    return begin_session(tx, holder, Way.PASTED, browser, token=token.id, until=token.expires_at)


def begin_session(
    tx: Transaction, holder: Holder, way: Way, browser: str, *, token: UUID | None = None, until: datetime | None = None
) -> IssuedToken:
    """Begin a session of a holder who has shown who they are, ending no later than ``until``."""
    now = tx.now
    end = session_end(now, earliest(holder.active_until, holder.engaged_until, until))
    issued = IssuedToken(secret=new_token(PREFIX_OF_SESSIONS), expires_at=end)
    row = {
        "id": new_id(now),
        "person": holder.person,
        "organisation": holder.organisation,
        "hash": token_hash(issued.secret),
        "way": way.value,
        "token": token,
        "scope": holder.scope.value,
        "browser": browser[:BROWSER_CHARS_MAX],
        "begun_at": now,
        "last_seen_at": now,
        "expires_at": issued.expires_at,
    }
    tx.connection.execute(insert(sessions).values(row))
    note(tx, holder.organisation, holder.person, Happened.SIGNED_IN, way.value)
    return issued


def end_session(tx: Transaction, secret: str) -> None:
    """End the session of a secret at once; whoever holds the secret may, and an unknown one is let be."""
    tx.connection.execute(
        update(sessions)
        .where(sessions.c.hash == token_hash(secret), sessions.c.ended_at.is_(None))
        .values(ended_at=tx.now)
    )


def end_own_session(tx: Transaction, session: SessionId) -> None:
    """End one of the viewer's own sessions at once; raises `Missing` if none of theirs is open under that id."""
    tx.require(Act.KEEP_SIGN_INS)
    ended = tx.connection.execute(
        update(sessions)
        .where(sessions.c.id == session, sessions.c.person == tx.viewer.person, sessions.c.ended_at.is_(None))
        .values(ended_at=tx.now)
        .returning(sessions.c.person, sessions.c.organisation, sessions.c.way)
    ).one_or_none()
    if ended is None:
        raise Missing("you have no such open session", where=str(session), next_step="Read your sign-ins again.")
    note(tx, ended.organisation, ended.person, Happened.SESSION_ENDED, ended.way)
