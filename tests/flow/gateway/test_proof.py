from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from leadtime.flow.gateway.proof import Presented, judge_proof, thumbprint_of
from leadtime.flow.gateway.records import Proof, Reason, Refusal

NOW = datetime(2026, 8, 3, 9, 0, tzinfo=UTC)
URL = "https://gate.example/v1/chat/completions"
SECRET = "ltg_secret"
NEXT = "Send a fresh DPoP proof (RFC 9449) made with the bound key."


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


ED = Ed25519PrivateKey.generate()
EC = generate_private_key(SECP256R1())
EC_NUMBERS = EC.public_key().public_numbers()
JWKS = {
    "EdDSA": {"kty": "OKP", "crv": "Ed25519", "x": encode(ED.public_key().public_bytes_raw())},
    "ES256": {
        "kty": "EC",
        "crv": "P-256",
        "x": encode(EC_NUMBERS.x.to_bytes(32)),
        "y": encode(EC_NUMBERS.y.to_bytes(32)),
    },
}
CLAIMS = {
    "jti": "one",
    "htm": "POST",
    "htu": URL,
    "iat": int(NOW.timestamp()),
    "ath": encode(sha256(SECRET.encode()).digest()),
}


def sign(algorithm: str, message: bytes) -> bytes:
    if algorithm == "EdDSA":
        return ED.sign(message)
    r, s = decode_dss_signature(EC.sign(message, ECDSA(SHA256())))
    return r.to_bytes(32) + s.to_bytes(32)


def a_proof(algorithm="EdDSA", head=(), claims=(), signature=None):
    head = {"typ": "dpop+jwt", "alg": algorithm, "jwk": JWKS[algorithm], **dict(head)}
    parts = [encode(json.dumps(part).encode()) for part in (head, {**CLAIMS, **dict(claims)})]
    signed = ".".join(parts)
    return f"{signed}.{encode(sign(algorithm, signed.encode()) if signature is None else signature)}"


def presented(proof=None, **changed):
    return replace(Presented(proof or a_proof(), "dpop", "POST", URL, SECRET), **changed)


def judge(wanted, algorithm="EdDSA"):
    return judge_proof(wanted, thumbprint_of(algorithm, JWKS[algorithm]), NOW)


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256"])
def test_a_fresh_proof_for_this_request_and_key_holds(algorithm):
    name = sha256(f"{thumbprint_of(algorithm, JWKS[algorithm])}\0one".encode()).digest()
    found = judge(presented(a_proof(algorithm)), algorithm)
    assert found == Proof(name, NOW + timedelta(seconds=120))


def test_the_thumbprint_is_rfc_7638s():
    key = {  # RFC 8037, appendix A.3
        "crv": "Ed25519",
        "kty": "OKP",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "kid": "ignored",
    }
    assert thumbprint_of("EdDSA", key) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_an_address_is_compared_as_an_address():
    assert isinstance(
        judge(presented(a_proof(claims={"htu": "HTTPS://GATE.example:443/v1/chat/completions?a=b#c"}))), Proof
    )


@pytest.mark.parametrize(
    ("wanted", "what"),
    [
        (presented(scheme="bearer"), "this credential is bound to a key, and no proof of that key came with it"),
        (replace(presented(), proof=""), "this credential is bound to a key, and no proof of that key came with it"),
        (presented("a.b"), "the proof of the key cannot be read"),
        (presented("a.b.c"), "the proof of the key cannot be read"),
        (presented("x" * 9_000), "the proof of the key cannot be read"),
        (presented(a_proof(head={"jwk": "text"})), "the proof of the key cannot be read"),
        (presented(a_proof(claims={"iat": "now"})), "the proof of the key cannot be read"),
        (presented(a_proof(claims={"iat": True})), "the proof of the key cannot be read"),
        (presented(a_proof(claims={"iat": 1e300})), "the proof of the key cannot be read"),
        (presented(a_proof(claims={"jti": ""})), "the proof of the key cannot be read"),
        (presented(a_proof(claims={"jti": "x" * 257})), "the proof of the key cannot be read"),
        (presented(a_proof(head={"typ": "jwt"})), "the proof of the key is of a kind that is not taken here"),
        (presented(a_proof(head={"alg": "none"})), "the proof of the key is of a kind that is not taken here"),
        (
            presented(a_proof(head={"jwk": {**JWKS["EdDSA"], "d": "x"}})),
            "the proof of the key is of a kind that is not taken here",
        ),
        (
            presented(a_proof("ES256")),
            "the proof is of another key than the one that this credential is bound to",
        ),
        (presented(a_proof(signature=b"x" * 64)), "the signature of the proof does not hold"),
        (presented(a_proof(signature=b"x")), "the signature of the proof does not hold"),
        (presented(method="GET"), "the proof is for another request"),
        (presented(url="https://gate.example/v1/messages"), "the proof is for another request"),
        (presented(url="https://other.example/v1/chat/completions"), "the proof is for another request"),
        (presented(secret="ltg_other"), "the proof is for another credential"),
        (
            presented(a_proof(claims={"iat": int(NOW.timestamp()) - 61})),
            "the proof is too old, or from a clock that goes wrong",
        ),
        (
            presented(a_proof(claims={"iat": int(NOW.timestamp()) + 61})),
            "the proof is too old, or from a clock that goes wrong",
        ),
    ],
)
def test_anything_else_is_refused(wanted, what):
    assert judge(wanted) == Refusal(Reason.PROOF, what, NEXT)


@pytest.mark.parametrize("seconds", [-60, 60])
def test_a_minute_either_way_is_taken(seconds):
    assert isinstance(judge(presented(a_proof(claims={"iat": int(NOW.timestamp()) + seconds}))), Proof)
