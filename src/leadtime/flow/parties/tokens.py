"""API tokens: made by a coordinator for somebody, or by a person for themselves; each with a scope and an end."""

from __future__ import annotations

from sqlalchemy import func, insert, select, update

from leadtime.flow.parties.credentials import PREFIX_OF_TOKENS
from leadtime.flow.parties.holders import note
from leadtime.flow.parties.keeping import enter_people, whose_word
from leadtime.flow.parties.read import read_person
from leadtime.flow.parties.records import ActKind, Happened, IssuedToken, PairedActId, Person, PersonId, TokenId
from leadtime.flow.parties.rules import (
    NAME_CHARS_MAX,
    TOKENS_MAX,
    check_name,
    check_scope,
    not_accepted,
    refuse_more,
    token_end,
)
from leadtime.flow.parties.tables import tokens
from leadtime.foundation.access import Act, Scope
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing
from leadtime.foundation.ids import new_id
from leadtime.foundation.keys import new_token, token_hash


def issue_token(
    tx: Transaction,
    person: PersonId,
    *,
    days: int,
    scope: Scope = Scope.EVERYTHING,
    second: PairedActId | None = None,
) -> IssuedToken:
    """Issue an API token to a person; it ends after ``days``, or with the person if that is earlier.

    ``second`` is a confirmed act of two people, where that is needed (see `keeping.enter_people`).
    """
    holder = read_person(tx, person)
    enter_people(tx, holder.organisation, ActKind.SIGN_IN, person, second)
    return _issue(tx, holder, days=days, scope=scope, name=f"made by {whose_word(tx)}"[:NAME_CHARS_MAX])


def make_own_token(tx: Transaction, *, name: str, days: int, scope: Scope) -> IssuedToken:
    """Make the viewer an API token; raises `Conflict` if they have `TOKENS_MAX` that have not ended."""
    tx.require(Act.KEEP_SIGN_INS)
    if tx.viewer.person is None:
        raise not_accepted()
    return _issue(tx, read_person(tx, PersonId(tx.viewer.person)), days=days, scope=scope, name=name)


def end_own_token(tx: Transaction, token: TokenId) -> None:
    """End one of the viewer's own tokens at once, and the sessions that it opened; raises `Missing`."""
    tx.require(Act.KEEP_SIGN_INS)
    ended = tx.connection.execute(
        update(tokens)
        .where(tokens.c.id == token, tokens.c.person == tx.viewer.person, tokens.c.ended_at.is_(None))
        .values(ended_at=tx.now)
        .returning(tokens.c.person, tokens.c.organisation, tokens.c.name)
    ).one_or_none()
    if ended is None:
        raise Missing("you have no such token that holds", where=str(token), next_step="Read your sign-ins again.")
    note(tx, ended.organisation, ended.person, Happened.PROGRAM_ENDED, ended.name)


def _issue(tx: Transaction, holder: Person, *, days: int, scope: Scope, name: str) -> IssuedToken:
    now = tx.now
    issued = IssuedToken(secret=new_token(PREFIX_OF_TOKENS), expires_at=token_end(now, days, holder.works_until))
    held = select(func.count()).where(
        tokens.c.person == holder.id, tokens.c.ended_at.is_(None), tokens.c.expires_at > now
    )
    refuse_more(tx.connection.scalar(held) or 0, TOKENS_MAX, "tokens")
    called = check_name(name, where="name")
    row = {
        "id": new_id(now),
        "person": holder.id,
        "organisation": holder.organisation,
        "hash": token_hash(issued.secret),
        "name": called,
        "scope": check_scope(scope).value,
        "issued_at": now,
        "expires_at": issued.expires_at,
    }
    tx.connection.execute(insert(tokens).values(row))
    note(tx, holder.organisation, holder.id, Happened.PROGRAM_ADDED, called)
    return issued
