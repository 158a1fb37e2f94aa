"""Read everything by which the viewer shows who they are, and what happened to it lately."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import RowMapping, Select, select

from leadtime.flow.parties.records import (
    Happened,
    Identity,
    IdentityId,
    Passkey,
    PasskeyId,
    PersonEvent,
    Session,
    SessionId,
    SignIns,
    Token,
    TokenId,
    Way,
)
from leadtime.flow.parties.rules import idle_end
from leadtime.flow.parties.tables import identities, passkeys, person_events, sessions, tokens
from leadtime.foundation.access import Act, Scope
from leadtime.foundation.database import Transaction

ROWS_MAX = 200
EVENTS_MAX = 30


def read_sign_ins(tx: Transaction) -> SignIns:
    """Return the viewer's own passkeys, identities, open sessions and tokens, newest first, and the last events."""
    tx.require(Act.READ_SIGN_INS)
    return SignIns(
        passkeys=tuple(map(_passkey, _rows(tx, select(passkeys).where(passkeys.c.removed_at.is_(None))))),
        identities=tuple(map(_identity, _rows(tx, select(identities).where(identities.c.removed_at.is_(None))))),
        sessions=tuple(session for session in map(_session, _rows(tx, _open_sessions(tx))) if _is_open(tx, session)),
        tokens=tuple(
            map(_token, _rows(tx, select(tokens).where(tokens.c.ended_at.is_(None), tokens.c.expires_at > tx.now)))
        ),
        events=tuple(map(_event, _rows(tx, select(person_events))[:EVENTS_MAX])),
    )


def find_own_session(tx: Transaction, hashed: bytes) -> SessionId | None:
    """Return which of the viewer's own sessions has a secret with this `keys.token_hash`, None if none has."""
    tx.require(Act.READ_SIGN_INS)
    found = tx.connection.scalar(
        select(sessions.c.id).where(sessions.c.hash == hashed, sessions.c.person == tx.viewer.person)
    )
    return None if found is None else SessionId(found)


def _rows(tx: Transaction, query: Select[tuple[object, ...]]) -> Sequence[RowMapping]:
    """Return the viewer's own rows of one table, newest first; ids begin with the instant of their making."""
    table = query.get_final_froms()[0]
    own = query.where(table.c.person == tx.viewer.person).order_by(table.c.id.desc()).limit(ROWS_MAX)
    return tx.connection.execute(own).mappings().all()


def _open_sessions(tx: Transaction) -> Select[tuple[object, ...]]:
    ended = select(tokens.c.id).where(tokens.c.ended_at.is_not(None), tokens.c.person == tx.viewer.person)
    return select(sessions).where(
        sessions.c.ended_at.is_(None),
        sessions.c.expires_at > tx.now,
        sessions.c.token.is_(None) | sessions.c.token.not_in(ended),
    )


def _is_open(tx: Transaction, session: Session) -> bool:
    idle = idle_end(session.last_seen_at)
    return idle is None or tx.now < idle


def _passkey(row: RowMapping) -> Passkey:
    return Passkey(
        id=PasskeyId(row["id"]),
        name=row["name"],
        model=row["aaguid"],
        backed_up=row["backed_up"],
        created_at=row["created_at"],
        last_used_at=row["last_used_at"],
    )


def _identity(row: RowMapping) -> Identity:
    return Identity(
        id=IdentityId(row["id"]),
        issuer=row["issuer"],
        subject=row["subject"],
        connected_at=row["connected_at"],
        last_used_at=row["last_used_at"],
    )


def _session(row: RowMapping) -> Session:
    return Session(
        id=SessionId(row["id"]),
        way=Way(row["way"]),
        scope=Scope(row["scope"]),
        browser=row["browser"],
        begun_at=row["begun_at"],
        last_seen_at=row["last_seen_at"],
        expires_at=row["expires_at"],
    )


def _token(row: RowMapping) -> Token:
    return Token(
        id=TokenId(row["id"]),
        name=row["name"],
        scope=Scope(row["scope"]),
        issued_at=row["issued_at"],
        expires_at=row["expires_at"],
        last_used_at=row["last_used_at"],
    )


def _event(row: RowMapping) -> PersonEvent:
    return PersonEvent(at=row["at"], happened=Happened(row["happened"]), about=row["about"])
