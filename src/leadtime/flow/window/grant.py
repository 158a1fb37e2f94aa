"""Give a named person access for a purpose, let that person draw the credential, and end it."""

from __future__ import annotations

from sqlalchemy import insert, update

from leadtime.flow import parties
from leadtime.flow.parties import OrganisationId, Person, PersonId
from leadtime.flow.window.agree import limit_values
from leadtime.flow.window.history import Owner, remember
from leadtime.flow.window.read import (
    check_window_move,
    enter_entry,
    enter_grant,
    enter_window,
    read_agreement,
    read_grant,
    variants_of,
)
from leadtime.flow.window.records import (
    AgreementId,
    EntryId,
    Grant,
    GrantId,
    GrantWanted,
    Holder,
    IssuedCredential,
    ModelId,
    WindowId,
)
from leadtime.flow.window.rules import check_grant, check_holder, check_joined, refuse_ended, standing_at
from leadtime.flow.window.standing import standings
from leadtime.flow.window.tables import grants
from leadtime.flow.window.terms import check_wanted
from leadtime.flow.window.vocabulary import EntryState, EventKind, WindowMove
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing
from leadtime.foundation.ids import new_id
from leadtime.foundation.keys import new_token, token_hash

PREFIX_OF_GRANTS = "ltg"


def grant(tx: Transaction, entry: EntryId, person: PersonId, wanted: GrantWanted) -> Grant:
    """Give a person of an organisation that is in a window access within its agreement.

    The developer may, and any person of that organisation; each sees it at once. Raises `Refused` for what lies outside
    the agreement, for somebody with a conflict of interest, and for whom it bars; `Conflict` once the window is over.
    """
    row = enter_entry(tx, Act.READ_MODEL, entry)
    window = check_joined(EntryState(row["state"]), row["window_id"])
    held = enter_window(tx, Act.GRANT_ACCESS, WindowId(window))
    check_window_move(held, WindowMove.GRANT, tx.now)
    terms = read_agreement(tx, AgreementId(row["agreement"])).terms
    holder = _find_person(tx, person, OrganisationId(row["organisation"]))
    check_holder(
        Holder(holder.works_until, holder.conflicts, holder.foreign_access), terms, row["developer"], now=tx.now
    )
    model = ModelId(row["model"])
    names = {variant.name for variant in variants_of(tx, frozenset({model}))[model]}
    asked = check_wanted(wanted, names, held=tx.marked_text)
    given = check_grant(asked, terms, window_ends_at=held["ends_at"], now=tx.now)
    made = GrantId(new_id(tx.now))
    values = {
        "id": made,
        "entry": entry,
        "window_id": window,
        "model": model,
        "developer": row["developer"],
        "organisation": row["organisation"],
        "person": holder.id,
        "person_name": holder.name,
        "purpose": given.purpose,
        "variants": list(given.variants),
        "networks": list(given.networks),
        "key_thumbprint": given.key_thumbprint,
        "granted_at": tx.now,
        "ends_at": given.ends_at,
        **limit_values(given.limits),
    }
    tx.connection.execute(insert(grants).values(values))
    note = f"{holder.name} for {given.purpose}"
    remember(tx, Owner.of(row), EventKind.GRANTED, note, concerns=OrganisationId(row["organisation"]))
    return read_grant(tx, made)


def issue_credential(tx: Transaction, wanted: GrantId) -> IssuedCredential:
    """Return the secret of a grant to the person whose grant it is, and to nobody else; a former one ends at once.

    Raises `Refused` where access is over, saying why.
    """
    row = enter_grant(tx, Act.USE_GRANT, wanted)
    if tx.viewer.person != row["person"]:
        raise Missing("there is no such grant of yours", where=str(wanted), next_step="Check who you are signed in as.")
    with tx.as_system() as system:
        standing = standings(system, [wanted])[wanted]
    refuse_ended(standing_at(standing, tx.now))
    secret = new_token(PREFIX_OF_GRANTS)
    tx.connection.execute(update(grants).where(grants.c.id == wanted).values(hash=token_hash(secret)))
    concerns = OrganisationId(row["organisation"])
    remember(tx, Owner.of(row), EventKind.CREDENTIAL_ISSUED, row["person_name"], concerns=concerns)
    return IssuedCredential(grant=wanted, secret=secret)


def end_grant(tx: Transaction, wanted: GrantId) -> Grant:
    """End a grant at once; the developer may, and any person of the holder's organisation. Twice is as once."""
    row = enter_grant(tx, Act.GRANT_ACCESS, wanted)
    if row["ended_at"] is None:
        tx.connection.execute(update(grants).where(grants.c.id == wanted).values(ended_at=tx.now))
        concerns = OrganisationId(row["organisation"])
        remember(tx, Owner.of(row), EventKind.GRANT_ENDED, row["person_name"], concerns=concerns)
    return read_grant(tx, wanted)


def _find_person(tx: Transaction, person: PersonId, organisation: OrganisationId) -> Person:
    """Return a person of the organisation; raises `Missing`, in the same words for anybody else's."""
    with tx.as_system() as system:
        found = parties.read_people(system, [person]).get(person)
    if found is None or found.organisation != organisation:
        raise Missing("this organisation has no such person", where="person", next_step="Ask it for the person's id.")
    return found
