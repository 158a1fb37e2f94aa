"""Judge what an authenticator says, by the library that follows WebAuthn Level 3; the bytes are an attacker's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import webauthn
from webauthn.helpers import (
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import AuthenticationCredential, RegistrationCredential

from leadtime.flow.parties.records import Assertion, NewPasskey, RelyingParty
from leadtime.foundation.errors import Malformed, Refused
from leadtime.foundation.strict_json import JsonBounds, read_json

ANSWER_BOUNDS = JsonBounds(bytes_max=64 * 1024, depth_max=8, values_max=200)
CREDENTIAL_BYTES_MAX = 1_023
"""WebAuthn Level 3, section 4: the longest credential id."""

ALGORITHMS = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
"""ES256, EdDSA and RS256: what authenticators in use can do."""

_WRONG = (WebAuthnException, ValueError, TypeError, KeyError, AttributeError)
"""What the library raises for bytes that are not what they should be; besides its own it lets some of Python's out."""


@dataclass(frozen=True, slots=True, repr=False)
class Registration:
    """A registration that was read but not judged; ``challenge`` is what it says it answers."""

    challenge: bytes
    credential: RegistrationCredential

    def verified_for(self, party: RelyingParty) -> NewPasskey:
        """Return the passkey that was registered for ``party`` with user verification; raises `Refused`."""
        try:
            found = webauthn.verify_registration_response(
                credential=self.credential,
                expected_challenge=self.challenge,
                expected_rp_id=party.id,
                expected_origin=party.origin,
                require_user_verification=True,
                supported_pub_key_algs=ALGORITHMS,
            )
        except _WRONG:
            raise _refused() from None
        if len(found.credential_id) > CREDENTIAL_BYTES_MAX:
            raise _refused()
        return NewPasskey(
            credential=found.credential_id,
            public_key=found.credential_public_key,
            sign_count=found.sign_count,
            transports=tuple(each.value for each in self.credential.response.transports or ()),
            model=found.aaguid,
            backed_up=found.credential_backed_up,
        )


@dataclass(frozen=True, slots=True, repr=False)
class Signature:
    """A sign-in that was read but not judged; ``user`` is the person's handle as the authenticator holds it."""

    challenge: bytes
    credential: AuthenticationCredential

    @property
    def user(self) -> bytes | None:
        """Return the user handle, None if the authenticator told none."""
        return self.credential.response.user_handle

    def verified_for(self, party: RelyingParty, public_key: bytes) -> Assertion:
        """Return what was signed for ``party`` with user verification; raises `Refused`.

        The counter is not compared here: a step back is recorded, which an error would undo.
        """
        try:
            found = webauthn.verify_authentication_response(
                credential=self.credential,
                expected_challenge=self.challenge,
                expected_rp_id=party.id,
                expected_origin=party.origin,
                credential_public_key=public_key,
                credential_current_sign_count=0,
                require_user_verification=True,
            )
        except _WRONG:
            raise _refused() from None
        return Assertion(sign_count=found.new_sign_count, backed_up=found.credential_backed_up)


def read_registration(raw: str) -> Registration:
    """Return a registration as a browser's ``PublicKeyCredential.toJSON()`` writes it; raises `Malformed`."""
    try:
        credential = parse_registration_credential_json(_object(raw))
        return Registration(_challenge(credential.response.client_data_json), credential)
    except _WRONG:
        raise _malformed() from None


def read_signature(raw: str) -> Signature:
    """Return a sign-in as a browser's ``PublicKeyCredential.toJSON()`` writes it; raises `Malformed`."""
    try:
        credential = parse_authentication_credential_json(_object(raw))
        return Signature(_challenge(credential.response.client_data_json), credential)
    except _WRONG:
        raise _malformed() from None


def _object(raw: str) -> dict[str, Any]:
    document = read_json(raw.encode(errors="replace"), ANSWER_BOUNDS)
    if not isinstance(document, dict):
        raise _malformed()
    return document


def _challenge(client_data: bytes) -> bytes:
    said = parse_client_data_json(client_data)
    if said.cross_origin:
        raise _refused()
    return said.challenge


def _malformed() -> Malformed:
    return Malformed("this is not an authenticator's answer", where="answer", next_step="Begin again.")


def _refused() -> Refused:
    return Refused("this passkey's answer does not hold for this site", next_step="Begin again, or use another way.")
