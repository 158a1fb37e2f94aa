"""An authenticator in software, which can be made to misbehave: it answers as a browser's ``toJSON()`` does."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def text_of(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def bytes_of(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Authenticator:
    """One discoverable credential for one site."""

    rp_id: str = "site.test"
    origin: str = "http://site.test"
    flags: int = PRESENT | VERIFIED
    cross_origin: bool = False
    counter: int = 0
    counts: bool = True
    credential: bytes = b"c" * 32
    user: bytes | None = None
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def register(self, options: str) -> str:
        """Answer the options of a registration."""
        asked = json.loads(options)
        self.user = bytes_of(asked["user"]["id"])
        numbers = self.key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = b"\0" * 16 + len(self.credential).to_bytes(2, "big") + self.credential + cbor2.dumps(public)
        said = self._said(ATTESTED) + attested
        return self._answer(
            {
                "clientDataJSON": text_of(self._client("webauthn.create", asked["challenge"])),
                "attestationObject": text_of(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": said})),
                "transports": ["internal", "unheard-of"],
            }
        )

    def sign(self, options: str) -> str:
        """Answer the options of a sign-in."""
        client = self._client("webauthn.get", json.loads(options)["challenge"])
        self.counter += self.counts
        said = self._said()
        signature = self.key.sign(said + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer(
            {
                "clientDataJSON": text_of(client),
                "authenticatorData": text_of(said),
                "signature": text_of(signature),
                "userHandle": self.user and text_of(self.user),
            }
        )

    def _client(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": self.cross_origin}
        return json.dumps(said).encode()

    def _said(self, more: int = 0) -> bytes:
        return (
            hashlib.sha256(self.rp_id.encode()).digest() + bytes([self.flags | more]) + self.counter.to_bytes(4, "big")
        )

    def _answer(self, response: dict[str, Any]) -> str:
        name = text_of(self.credential)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})
