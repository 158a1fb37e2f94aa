"""One-time links: how a named person who was invited comes in for the first time, or again after losing all else."""

from __future__ import annotations

from sqlalchemy import insert, update

from leadtime.flow.parties.credentials import PREFIX_OF_LINKS
from leadtime.flow.parties.holders import find_holder, holder_query, note
from leadtime.flow.parties.keeping import enter_people, whose_word
from leadtime.flow.parties.read import read_person
from leadtime.flow.parties.records import ActKind, Happened, IssuedToken, PairedActId, PersonId, Way
from leadtime.flow.parties.rules import holds, link_end, not_accepted
from leadtime.flow.parties.sessions import begin_session
from leadtime.flow.parties.tables import sign_in_links
from leadtime.foundation.database import Transaction
from leadtime.foundation.ids import new_id
from leadtime.foundation.keys import new_token, token_hash

_LINK_HOLDER = holder_query(sign_in_links, expires_at=sign_in_links.c.expires_at, ended_at=sign_in_links.c.redeemed_at)


def issue_sign_in_link(
    tx: Transaction, person: PersonId, *, minutes: int, second: PairedActId | None = None
) -> IssuedToken:
    """Issue the secret of a link that signs a person in to the pages once, within ``minutes``.

    ``second`` is a confirmed act of two people, where that is needed (see `keeping.enter_people`).
    """
    now = tx.now
    holder = read_person(tx, person)
    enter_people(tx, holder.organisation, ActKind.SIGN_IN, person, second)
    issued = IssuedToken(secret=new_token(PREFIX_OF_LINKS), expires_at=link_end(now, minutes, holder.works_until))
    row = {
        "id": new_id(now),
        "person": person,
        "organisation": holder.organisation,
        "hash": token_hash(issued.secret),
        "issued_at": now,
        "expires_at": issued.expires_at,
    }
    tx.connection.execute(insert(sign_in_links).values(row))
    note(tx, holder.organisation, person, Happened.LINK_SENT, f"by {whose_word(tx)}")
    return issued


def redeem_sign_in_link(tx: Transaction, secret: str, *, browser: str = "") -> IssuedToken:
    """Return a session for a sign-in link's secret, once; in a transaction of the system.

    Of two redeemers at the same moment one gets the session. Raises `Refused`, in the same words whatever was wrong.
    """
    hashed = token_hash(secret)
    holder = find_holder(tx, _LINK_HOLDER.where(sign_in_links.c.hash == hashed).with_for_update(of=sign_in_links))
    if holder is None or not holds(holder, tx.now):
        raise not_accepted()
    tx.connection.execute(update(sign_in_links).where(sign_in_links.c.hash == hashed).values(redeemed_at=tx.now))
    return begin_session(tx, holder, Way.LINK, browser)
