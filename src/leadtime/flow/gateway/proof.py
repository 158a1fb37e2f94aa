"""Judges a proof of possession: the caller holds the key that its grant is bound to, for this very request.

DPoP (RFC 9449), sections 4.2 and 4.3, with ES256 (RFC 7518, section 3.4) or EdDSA over Ed25519 (RFC 8037); thumbprints
as RFC 7638. That a proof is used once is decided where the call is committed, over all processes.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from leadtime.flow.gateway import limits
from leadtime.flow.gateway.records import Proof, Reason, Refusal
from leadtime.foundation.digests import canonical_json
from leadtime.foundation.errors import Malformed
from leadtime.foundation.strict_json import Json, JsonBounds, read_json

PARTS = 3
COORDINATE_BYTES = 32
SIGNATURE_BYTES = 64
DEFAULT_PORTS = {"http": 80, "https": 443}

_BOUNDS = JsonBounds(bytes_max=limits.PROOF_CHARS_MAX, depth_max=3, values_max=64)
_JWK_MEMBERS = {"ES256": ("crv", "kty", "x", "y"), "EdDSA": ("crv", "kty", "x")}
_CURVES = {"ES256": ("EC", "P-256"), "EdDSA": ("OKP", "Ed25519")}


@dataclass(frozen=True, slots=True, repr=False)
class Presented:
    """What came with a request that has to be proven: the proof itself, the request's own facts, and the secret."""

    proof: str | None
    scheme: str
    method: str
    url: str
    secret: str


def judge_proof(presented: Presented, thumbprint: str, now: datetime) -> Proof | Refusal:
    """Return the proof if it holds for this request and this key at ``now``, else why it does not."""
    if presented.scheme != "dpop" or not presented.proof:
        return _refused("this credential is bound to a key, and no proof of that key came with it")
    try:
        return _judge(presented, presented.proof, thumbprint, now)
    except (Malformed, ValueError, KeyError, TypeError, OverflowError):
        return _refused("the proof of the key cannot be read")


def _judge(presented: Presented, proof: str, thumbprint: str, now: datetime) -> Proof | Refusal:
    parts = proof.split(".")
    if len(proof) > limits.PROOF_CHARS_MAX or len(parts) != PARTS:
        return _refused("the proof of the key cannot be read")
    head, claims = _object(parts[0]), _object(parts[1])
    key = _object_in(head, "jwk")
    algorithm = _text(head, "alg")
    if head.get("typ") != "dpop+jwt" or algorithm not in _CURVES or "d" in key:
        return _refused("the proof of the key is of a kind that is not taken here")
    found = thumbprint_of(algorithm, key)
    if found != thumbprint:
        return _refused("the proof is of another key than the one that this credential is bound to")
    if not _is_signed(algorithm, key, f"{parts[0]}.{parts[1]}".encode(), _decode(parts[2])):
        return _refused("the signature of the proof does not hold")
    return _judge_claims(presented, claims, found, now)


def _judge_claims(presented: Presented, claims: dict[str, Json], thumbprint: str, now: datetime) -> Proof | Refusal:
    if _text(claims, "htm") != presented.method or _place(_text(claims, "htu")) != _place(presented.url):
        return _refused("the proof is for another request")
    if _text(claims, "ath") != _encode(sha256(presented.secret.encode()).digest()):
        return _refused("the proof is for another credential")
    made, name = claims["iat"], _text(claims, "jti")
    if isinstance(made, bool) or not isinstance(made, int | float):
        return _refused("the proof of the key cannot be read")
    made_at = datetime.fromtimestamp(made, UTC)
    age = timedelta(seconds=limits.PROOF_SECONDS_MAX)
    if abs(now - made_at) > age:
        return _refused("the proof is too old, or from a clock that goes wrong")
    if not 0 < len(name) <= limits.PROOF_ID_CHARS_MAX:
        return _refused("the proof of the key cannot be read")
    return Proof(sha256(f"{thumbprint}\0{name}".encode()).digest(), made_at + 2 * age)


def thumbprint_of(algorithm: str, key: dict[str, Json]) -> str:
    """Return the SHA-256 thumbprint of a public key (RFC 7638); raises `KeyError` where a member is missing."""
    return _encode(sha256(canonical_json({name: _text(key, name) for name in _JWK_MEMBERS[algorithm]})).digest())


def _is_signed(algorithm: str, key: dict[str, Json], message: bytes, signature: bytes) -> bool:
    if (key.get("kty"), key.get("crv")) != _CURVES[algorithm] or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        if algorithm == "EdDSA":
            Ed25519PublicKey.from_public_bytes(_decode(_text(key, "x"))).verify(signature, message)
            return True
        x, y = (int.from_bytes(_decode(_text(key, name))) for name in ("x", "y"))
        public = EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()
        r, s = (int.from_bytes(part) for part in (signature[:COORDINATE_BYTES], signature[COORDINATE_BYTES:]))
        public.verify(encode_dss_signature(r, s), message, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def _place(url: str) -> tuple[str, str, int | None, str]:
    """Return an address without query and fragment, so that equal ones are equal (RFC 9449, section 4.3, check 9)."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return scheme, parts.hostname or "", parts.port or DEFAULT_PORTS.get(scheme), parts.path or "/"


def _object(part: str) -> dict[str, Json]:
    found = read_json(_decode(part), _BOUNDS)
    if not isinstance(found, dict):
        raise TypeError
    return found


def _object_in(document: dict[str, Json], name: str) -> dict[str, Json]:
    found = document[name]
    if not isinstance(found, dict):
        raise TypeError
    return found


def _text(document: dict[str, Json], name: str) -> str:
    found = document[name]
    if not isinstance(found, str):
        raise TypeError
    return found


def _decode(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _refused(what: str) -> Refusal:
    return Refusal(Reason.PROOF, what, "Send a fresh DPoP proof (RFC 9449) made with the bound key.")
