"""Passkeys: discoverable WebAuthn credentials that verify their person and sign for this one site (WebAuthn Level 3).

The verbs here run in transactions of the system, since a challenge is nobody's; whoever changes something is named.
"""

from __future__ import annotations

from uuid import UUID

import webauthn
from sqlalchemy import Select, func, insert, select, update
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from leadtime.flow.parties.authenticators import ALGORITHMS, read_registration, read_signature
from leadtime.flow.parties.challenges import new_challenge, use_challenge
from leadtime.flow.parties.holders import NOTHING, find_holder, holder_query, note
from leadtime.flow.parties.read import read_person
from leadtime.flow.parties.records import (
    Assertion,
    Happened,
    Holder,
    IssuedToken,
    NewPasskey,
    PasskeyId,
    Person,
    PersonId,
    Purpose,
    RelyingParty,
    Way,
)
from leadtime.flow.parties.rules import (
    CHALLENGE_MINUTES,
    PASSKEYS_MAX,
    check_name,
    counts_forward,
    holds,
    not_accepted,
    refuse_more,
)
from leadtime.flow.parties.sessions import begin_session
from leadtime.flow.parties.tables import passkeys
from leadtime.foundation.access import Act, Viewer, relation_to_own, require
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Conflict, Missing
from leadtime.foundation.ids import new_id

WAIT_MILLISECONDS = CHALLENGE_MINUTES * 60_000


def begin_passkey(tx: Transaction, viewer: Viewer, party: RelyingParty, *, holder: str) -> str:
    """Return the options, as JSON, with which a browser registers a passkey for the viewer.

    ``holder`` is the session of the browser, which alone can answer.
    """
    person = _keeper(tx, viewer)
    held = tx.connection.execute(_held_by(person.id)).all()
    refuse_more(len(held), PASSKEYS_MAX, "passkeys")
    made = new_challenge(tx, Purpose.ADD_PASSKEY, holder=holder, person=person.id)
    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_id=_user_handle(tx, person.id),
        user_name=person.email,
        user_display_name=person.name,
        challenge=made.value,
        timeout=WAIT_MILLISECONDS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            require_resident_key=True,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        supported_pub_key_algs=ALGORITHMS,
        exclude_credentials=[PublicKeyCredentialDescriptor(id=row.credential) for row in held],
    )
    return webauthn.options_to_json(options)


def add_passkey(
    tx: Transaction, viewer: Viewer, party: RelyingParty, *, holder: str, name: str, answer: str
) -> PasskeyId:
    """Keep the passkey that a browser registered for the viewer; raises `Malformed`, `Refused` or `Conflict`."""
    person = _keeper(tx, viewer)
    called = check_name(name, where="name")
    registration = read_registration(answer)
    use_challenge(tx, registration.challenge, Purpose.ADD_PASSKEY, holder=holder, person=person.id)
    made = registration.verified_for(party)
    refuse_more(tx.connection.scalar(_held_by(person.id, count=True)) or 0, PASSKEYS_MAX, "passkeys")
    if tx.connection.scalar(select(passkeys.c.id).where(passkeys.c.credential == made.credential)):
        raise Conflict("this passkey has been registered before", where="answer", next_step="Use another one.")
    passkey = _keep(tx, person, called, made)
    note(tx, person.organisation, person.id, Happened.PASSKEY_ADDED, called)
    return passkey


def remove_passkey(tx: Transaction, passkey: PasskeyId) -> None:
    """Remove one of the viewer's own passkeys, in their own transaction; raises `Missing` if they hold none such."""
    tx.require(Act.KEEP_SIGN_INS)
    removed = tx.connection.execute(
        update(passkeys)
        .where(passkeys.c.id == passkey, passkeys.c.person == tx.viewer.person, passkeys.c.removed_at.is_(None))
        .values(removed_at=tx.now)
        .returning(passkeys.c.person, passkeys.c.organisation, passkeys.c.name)
    ).one_or_none()
    if removed is None:
        raise Missing("you have no such passkey", where=str(passkey), next_step="Read your sign-ins again.")
    note(tx, removed.organisation, removed.person, Happened.PASSKEY_REMOVED, removed.name)


def challenge_passkey(tx: Transaction, party: RelyingParty, *, holder: str) -> str:
    """Return the options, as JSON, with which a browser signs in by any passkey that it holds for this site."""
    made = new_challenge(tx, Purpose.USE_PASSKEY, holder=holder)
    return webauthn.options_to_json(
        webauthn.generate_authentication_options(
            rp_id=party.id,
            challenge=made.value,
            timeout=WAIT_MILLISECONDS,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
    )


def sign_in_by_passkey(
    tx: Transaction, party: RelyingParty, *, holder: str, answer: str, browser: str = ""
) -> IssuedToken | None:
    """Return a session for a passkey's answer; None where its counter went back, which is recorded (commit it).

    Raises `Malformed` or `Refused`, in the same words whether the passkey is unknown, removed or of somebody gone.
    """
    signature = read_signature(answer)
    use_challenge(tx, signature.challenge, Purpose.USE_PASSKEY, holder=holder)
    found = tx.connection.execute(
        select(passkeys).where(passkeys.c.credential == signature.credential.raw_id).with_for_update()
    ).one_or_none()
    if found is None or signature.user not in (None, _user_handle(tx, found.person)):
        raise not_accepted()
    said = signature.verified_for(party, found.public_key)
    person = _holder_of(tx, found.id)
    if person is None or not holds(person, tx.now):
        raise not_accepted()
    if not counts_forward(found.sign_count, said.sign_count):
        note(tx, person.organisation, person.person, Happened.PASSKEY_DOUBTED, found.name)
        return None
    _note_use(tx, found.id, said)
    return begin_session(tx, person, Way.PASSKEY, browser)


def _keeper(tx: Transaction, viewer: Viewer) -> Person:
    """Return the viewer's person, who may change how they sign in."""
    require(viewer, Act.KEEP_SIGN_INS, relation_to_own(viewer))
    if viewer.person is None:
        raise not_accepted()
    return read_person(tx, PersonId(viewer.person))


def _user_handle(tx: Transaction, person: UUID) -> bytes:
    """Return the handle under which authenticators know a person: it tells nothing of them (WebAuthn, 14.6.1)."""
    return tx.keys.blind("passkey user", str(person))


def _held_by(person: PersonId, *, count: bool = False) -> Select[tuple[object, ...]]:
    held = passkeys.c.person == person, passkeys.c.removed_at.is_(None)
    return select(func.count() if count else passkeys.c.credential).select_from(passkeys).where(*held)


def _holder_of(tx: Transaction, passkey: UUID) -> Holder | None:
    """Return the person behind a passkey; it has no end of its own but its removal."""
    query = holder_query(passkeys, expires_at=NOTHING, ended_at=passkeys.c.removed_at)
    return find_holder(tx, query.where(passkeys.c.id == passkey))


def _keep(tx: Transaction, person: Person, name: str, made: NewPasskey) -> PasskeyId:
    passkey = PasskeyId(new_id(tx.now))
    row = {
        "id": passkey,
        "person": person.id,
        "organisation": person.organisation,
        "credential": made.credential,
        "public_key": made.public_key,
        "sign_count": made.sign_count,
        "transports": " ".join(made.transports),
        "aaguid": made.model,
        "backed_up": made.backed_up,
        "name": name,
        "created_at": tx.now,
    }
    tx.connection.execute(insert(passkeys).values(row))
    return passkey


def _note_use(tx: Transaction, passkey: UUID, said: Assertion) -> None:
    used = {"sign_count": said.sign_count, "backed_up": said.backed_up, "last_used_at": tx.now}
    tx.connection.execute(update(passkeys).where(passkeys.c.id == passkey).values(used))
