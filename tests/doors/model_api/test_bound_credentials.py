"""A credential that is bound to a key opens nothing without a fresh proof of that key (RFC 9449)."""

from __future__ import annotations

import base64
import json
from hashlib import sha256
from uuid import uuid4

import httpx
import openai
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from leadtime.flow.gateway.proof import thumbprint_of
from leadtime.flow.window import GrantWanted
from tests.conftest import START
from tests.doors.model_api.clients import ASK, openai_client
from tests.doors.model_api.standing import an_access


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Proving(httpx.Auth):
    """What a person adds to the official client: a proof on every request, made with their own key."""

    def __init__(self, secret: str, key: Ed25519PrivateKey) -> None:
        self.secret, self.key = secret, key
        self.jwk = {"kty": "OKP", "crv": "Ed25519", "x": encode(key.public_key().public_bytes_raw())}

    @property
    def thumbprint(self) -> str:
        return thumbprint_of("EdDSA", self.jwk)

    def proof(self, method: str, url: str) -> str:
        head = {"typ": "dpop+jwt", "alg": "EdDSA", "jwk": self.jwk}
        claims = {
            "jti": str(uuid4()),
            "htm": method,
            "htu": url,
            "iat": int(START.timestamp()),
            "ath": encode(sha256(self.secret.encode()).digest()),
        }
        signed = ".".join(encode(json.dumps(part).encode()) for part in (head, claims))
        return f"{signed}.{encode(self.key.sign(signed.encode()))}"

    def headers(self, method: str, url: str) -> dict[str, str]:
        return {"authorization": f"DPoP {self.secret}", "dpop": self.proof(method, url)}


@pytest.fixture
def proving():
    return Proving("", Ed25519PrivateKey.generate())


@pytest.fixture
def access(database, upstream, proving):
    wanted = GrantWanted("find flaws", key_thumbprint=proving.thumbprint)
    access = an_access(database, upstream.url, wanted=wanted)
    proving.secret = access.secret
    return access


def post(served, access, headers):
    url = f"{served.url}/v1/chat/completions"
    return httpx.post(url, json={"model": access.name("plain"), "messages": ASK}, headers=headers)


def test_with_a_proof_it_works_and_a_used_proof_does_not_again(access, served, upstream, proving):
    headers = proving.headers("POST", f"{served.url}/v1/chat/completions")
    assert post(served, access, headers).status_code == 200
    again = post(served, access, headers)
    assert again.status_code == 401
    assert again.json()["error"]["message"] == "this proof was used before. Make a fresh proof for each request."
    assert again.headers["www-authenticate"] == "Bearer, DPoP"
    assert len(upstream.seen) == 1


def test_the_secret_alone_opens_nothing(access, served, upstream):
    with openai_client(served, access) as client, pytest.raises(openai.AuthenticationError) as refused:
        client.chat.completions.create(model=access.name("plain"), messages=ASK)
    assert refused.value.body["code"] == "invalid_dpop_proof"
    assert upstream.seen == []


def test_a_proof_of_another_key_opens_nothing(access, served, upstream):
    thief = Proving(access.secret, Ed25519PrivateKey.generate())
    assert post(served, access, thief.headers("POST", f"{served.url}/v1/chat/completions")).status_code == 401
    assert upstream.seen == []


def test_models_want_a_proof_too(access, served, proving):
    url = f"{served.url}/v1/models"
    assert httpx.get(url, headers={"authorization": f"Bearer {access.secret}"}).status_code == 401
    assert httpx.get(url, headers=proving.headers("GET", url)).status_code == 200
