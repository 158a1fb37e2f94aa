"""Judge a secret that somebody presents: who it stands for, or one refusal for whatever is wrong."""

from __future__ import annotations

from sqlalchemy import func, or_, update

from leadtime.flow.parties.holders import find_holder, holder_query, viewer_behind
from leadtime.flow.parties.rules import holds, not_accepted, unseen_since
from leadtime.flow.parties.tables import sessions, tokens
from leadtime.foundation.access import Viewer
from leadtime.foundation.database import Transaction
from leadtime.foundation.keys import token_hash

PREFIX_OF_TOKENS = "lt"
PREFIX_OF_SESSIONS = "lts"
PREFIX_OF_LINKS = "ltl"

TOKEN_HOLDER = holder_query(tokens, expires_at=tokens.c.expires_at, ended_at=tokens.c.ended_at, scope=tokens.c.scope)
_SESSION_HOLDER = holder_query(
    sessions,
    expires_at=sessions.c.expires_at,
    ended_at=func.coalesce(sessions.c.ended_at, tokens.c.ended_at),
    scope=sessions.c.scope,
    last_seen_at=sessions.c.last_seen_at,
).outerjoin(tokens, tokens.c.id == sessions.c.token)


def authenticate(tx: Transaction, secret: str) -> Viewer:
    """Return who a token or session stands for, and note that it was used; in a transaction of the system.

    Raises `Refused`, in the same words whether the secret is unknown, expired, ended or idle, or its person gone.
    """
    session = is_session(secret)
    hashed = token_hash(secret)
    query = _SESSION_HOLDER.where(sessions.c.hash == hashed) if session else TOKEN_HOLDER.where(tokens.c.hash == hashed)
    holder = find_holder(tx, query)
    if holder is None or not holds(holder, tx.now):
        raise not_accepted()
    _note_use(tx, session=session, hashed=hashed)
    return viewer_behind(holder)


def is_session(secret: str) -> bool:
    """Tell whether a secret is a session's."""
    return secret.startswith(f"{PREFIX_OF_SESSIONS}_")


def _note_use(tx: Transaction, *, session: bool, hashed: bytes) -> None:
    """Write the use of a credential down, once a minute at most: each write is a row version."""
    table, used = (sessions, sessions.c.last_seen_at) if session else (tokens, tokens.c.last_used_at)
    anew = or_(used.is_(None), used <= unseen_since(tx.now))
    tx.connection.execute(update(table).where(table.c.hash == hashed, anew).values({used.name: tx.now}))
