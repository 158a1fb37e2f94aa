"""Who may make or end what shows who somebody is: their own organisation, or two people; and never the last one's.

Whoever could do that alone to another organisation could act as it, or keep it from acting (I1).
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_, select

from leadtime.flow.parties.paired_acts import take_act
from leadtime.flow.parties.read import read_organisation, read_person
from leadtime.flow.parties.records import ActKind, OrganisationId, PairedActId, PersonId
from leadtime.flow.parties.rules import check_about_this, refuse_last, refuse_one
from leadtime.flow.parties.tables import employers, identities, passkeys, people, sessions, sign_in_links, tokens
from leadtime.foundation.access import Act, Role
from leadtime.foundation.database import Transaction


def enter_people(
    tx: Transaction, organisation: OrganisationId, kind: ActKind, about: UUID, second: PairedActId | None
) -> None:
    """Return if the viewer may do ``kind`` to ``about``, a person or vendor of ``organisation``, else raise.

    Its own people may, in a session of theirs. A coordinator alone may while nobody there has, or was sent, what signs
    them in; after that by ``second``, an act of two people, which is taken here. Until this transaction ends no other
    passes here for that organisation.
    """
    own = _stands_for(tx, organisation)
    tx.require(Act.KEEP_PEOPLE if own else Act.MANAGE_PARTIES)
    tx.lock("people", str(organisation))
    if second is not None:
        check_about_this(take_act(tx, second, kind), about)
    elif not own and tx.viewer.role is not Role.SYSTEM:
        house = read_organisation(tx, organisation)
        refuse_one(house.role, claimed=_is_claimed(tx, organisation))


def keep_somebody(tx: Transaction, organisation: OrganisationId, leaving: ColumnElement[bool]) -> None:
    """Return if a developer's organisation has somebody who can sign in besides the people ``leaving``, else raise.

    Somebody must always be able to withdraw and release. An organisation whose first person never came may lose them.
    """
    if read_organisation(tx, organisation).role is Role.DEVELOPER and _is_claimed(tx, organisation):
        refuse_last(others=tx.connection.scalar(select(_others(tx, organisation, leaving))) is True)


def whose_word(tx: Transaction) -> str:
    """Return by whose word something is made for another person: a name, for that person's own history."""
    person = tx.viewer.person
    return "who administers this machine" if person is None else read_person(tx, PersonId(person)).name


def _stands_for(tx: Transaction, organisation: OrganisationId) -> bool:
    """Tell whether the viewer is one of an organisation's own people, not a vendor's, nor a coordinator.

    A coordinator who could invite a colleague alone would be their own second.
    """
    viewer = tx.viewer
    if viewer.organisation != organisation or viewer.person is None or viewer.role is Role.COORDINATOR:
        return False
    return read_person(tx, PersonId(viewer.person)).employer is None


def _is_claimed(tx: Transaction, organisation: OrganisationId) -> bool:
    """Tell whether anybody of an organisation ever had what signs them in, or was sent a link that still works."""
    had = (exists().where(ways.c.organisation == organisation) for ways in (tokens, sessions, passkeys, identities))
    sent = exists().where(
        sign_in_links.c.organisation == organisation,
        sign_in_links.c.redeemed_at.is_(None),
        sign_in_links.c.expires_at > tx.now,
    )
    return tx.connection.scalar(select(or_(*had, sent))) is True


def _others(tx: Transaction, organisation: OrganisationId, leaving: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return whether somebody who stays and is not at their end has a token, passkey or identity that holds."""
    engaged = select(employers.c.id).where(employers.c.engaged_until > tx.now)
    ways = (
        exists().where(tokens.c.person == people.c.id, tokens.c.ended_at.is_(None), tokens.c.expires_at > tx.now),
        exists().where(passkeys.c.person == people.c.id, passkeys.c.removed_at.is_(None)),
        exists().where(identities.c.person == people.c.id, identities.c.removed_at.is_(None)),
    )
    return exists().where(
        and_(
            people.c.organisation == organisation,
            people.c.removed_at.is_(None),
            ~leaving,
            or_(people.c.active_until.is_(None), people.c.active_until > tx.now),
            or_(people.c.employer.is_(None), people.c.employer.in_(engaged)),
            or_(*ways),
        )
    )
