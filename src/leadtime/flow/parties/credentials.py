"""Issue, redeem, judge and end the secrets that show who somebody is; only hashes are stored."""

from __future__ import annotations

from sqlalchemy import Select, Table, insert, select, update

from leadtime.flow.parties.read import read_person
from leadtime.flow.parties.records import Holder, IssuedToken, OrganisationId, PersonId
from leadtime.flow.parties.rules import holds, link_end, not_accepted, session_end, token_end
from leadtime.flow.parties.tables import organisations, people, sign_in_links, tokens
from leadtime.foundation.access import Act, Role, Viewer
from leadtime.foundation.database import Transaction
from leadtime.foundation.ids import new_id
from leadtime.foundation.keys import new_token, token_hash

PREFIX_OF_TOKENS = "lt"
PREFIX_OF_SESSIONS = "lts"
PREFIX_OF_LINKS = "ltl"


def issue_token(tx: Transaction, person: PersonId, *, days: int) -> IssuedToken:
    """Issue an API token to a person; it ends after ``days``, or with the person if that is earlier."""
    tx.require(Act.MANAGE_PARTIES)
    holder = read_person(tx, person)
    issued = IssuedToken(secret=new_token(PREFIX_OF_TOKENS), expires_at=token_end(tx.now, days, holder.active_until))
    _keep(tx, tokens, issued, person, holder.organisation)
    return issued


def issue_sign_in_link(tx: Transaction, person: PersonId, *, minutes: int) -> IssuedToken:
    """Issue the secret of a link that signs a person in to the pages once, within ``minutes``."""
    tx.require(Act.MANAGE_PARTIES)
    holder = read_person(tx, person)
    issued = IssuedToken(secret=new_token(PREFIX_OF_LINKS), expires_at=link_end(tx.now, minutes, holder.active_until))
    _keep(tx, sign_in_links, issued, person, holder.organisation)
    return issued


def redeem_sign_in_link(tx: Transaction, secret: str) -> IssuedToken:
    """Return a session for a sign-in link's secret, once; in a transaction of the system.

    Of two redeemers at the same moment one gets the session. Raises `Refused`, in the same words whatever was wrong.
    """
    now = tx.now
    query = _LINK_HOLDER.where(sign_in_links.c.hash == token_hash(secret)).with_for_update(of=sign_in_links)
    holder = _find_holder(tx, query)
    if holder is None or not holds(holder, now):
        raise not_accepted()
    tx.connection.execute(
        update(sign_in_links).where(sign_in_links.c.hash == token_hash(secret)).values(redeemed_at=now)
    )
    session = IssuedToken(secret=new_token(PREFIX_OF_SESSIONS), expires_at=session_end(now, holder.active_until))
    _keep(tx, tokens, session, holder.person, holder.organisation)
    return session


def authenticate(tx: Transaction, secret: str) -> Viewer:
    """Return who a token or session stands for; in a transaction of the system.

    Raises `Refused`, in the same words whether the secret is unknown, expired or ended, or its person gone.
    """
    holder = _find_holder(tx, _TOKEN_HOLDER.where(tokens.c.hash == token_hash(secret)))
    if holder is None or not holds(holder, tx.now):
        raise not_accepted()
    return Viewer(role=holder.role, organisation=holder.organisation, person=holder.person)


def end_session(tx: Transaction, secret: str) -> None:
    """End a session or token at once; whoever holds the secret may, and an unknown one is let be."""
    tx.connection.execute(
        update(tokens).where(tokens.c.hash == token_hash(secret), tokens.c.ended_at.is_(None)).values(ended_at=tx.now)
    )


def _holder_query(credentials: Table, ended: str) -> Select[tuple[object, ...]]:
    return (
        select(
            organisations.c.role,
            people.c.organisation,
            people.c.id.label("person"),
            credentials.c.expires_at,
            credentials.c[ended].label("ended_at"),
            people.c.active_until,
            people.c.removed_at,
        )
        .join_from(credentials, people, credentials.c.person == people.c.id)
        .join(organisations, organisations.c.id == people.c.organisation)
    )


_TOKEN_HOLDER = _holder_query(tokens, "ended_at")
_LINK_HOLDER = _holder_query(sign_in_links, "redeemed_at")


def _find_holder(tx: Transaction, query: Select[tuple[object, ...]]) -> Holder | None:
    row = tx.connection.execute(query).one_or_none()
    if row is None:
        return None
    return Holder(
        role=Role(row.role),
        organisation=OrganisationId(row.organisation),
        person=PersonId(row.person),
        expires_at=row.expires_at,
        ended_at=row.ended_at,
        active_until=row.active_until,
        removed_at=row.removed_at,
    )


def _keep(
    tx: Transaction, credentials: Table, issued: IssuedToken, person: PersonId, organisation: OrganisationId
) -> None:
    now = tx.now
    row = {
        "id": new_id(now),
        "person": person,
        "organisation": organisation,
        "hash": token_hash(issued.secret),
        "issued_at": now,
        "expires_at": issued.expires_at,
    }
    tx.connection.execute(insert(credentials).values(row))
