"""Ask an identity provider who somebody is: authorization code with PKCE (OpenID Connect Core 1.0, RFC 7636, RFC 9700).

The provider is the installation's choice; what it sends is still read within bounds and believed only when signed.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from leadtime.flow.parties import Trip
from leadtime.foundation.errors import LeadtimeError, Malformed, Refused, Unavailable
from leadtime.foundation.settings import OidcClient, is_safe_address
from leadtime.foundation.strict_json import Json, JsonBounds, read_json

ANSWER_BOUNDS = JsonBounds(bytes_max=256 * 1024, depth_max=12, values_max=5_000)
SECONDS_MAX = 5.0
LEEWAY_SECONDS = 60
SUBJECT_CHARS_MAX = 255
"""OpenID Connect Core 1.0, section 2."""

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "Ed25519"]
"""Signatures by keys that the provider publishes; none that a shared secret could make."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Where a provider's endpoints are, as its discovery document says (OpenID Connect Discovery 1.0, section 3)."""

    authorization: str
    token: str
    keys: str


def open_http() -> httpx.Client:
    """Return a client that follows no redirect and waits for nothing longer than `SECONDS_MAX`."""
    return httpx.Client(timeout=SECONDS_MAX, follow_redirects=False, headers={"accept": "application/json"})


def discover(client: OidcClient, http: httpx.Client) -> Provider:
    """Return the provider's endpoints; raises `Unavailable` if it does not tell them, or tells another issuer."""
    told = _ask(http, http.build_request("GET", f"{client.issuer.rstrip('/')}/.well-known/openid-configuration"))
    names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    addresses = [told.get(name) for name in names]
    if told.get("issuer") != client.issuer:
        raise _unavailable("it calls itself by another name")
    found = [address for address in addresses if isinstance(address, str) and is_safe_address(address)]
    if len(found) != len(names):
        raise _unavailable("it names no addresses by https")
    return Provider(*found)


def address_of(client: OidcClient, provider: Provider, trip: Trip, *, back_to: str) -> str:
    """Return where the browser goes to sign in; the answer comes to ``back_to`` (OpenID Connect Core 1.0, 3.1.2.1)."""
    challenge = urlsafe_b64encode(hashlib.sha256(trip.verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": back_to,
        "scope": "openid",
        "state": trip.state,
        "nonce": trip.nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    separator = "&" if urlsplit(provider.authorization).query else "?"
    return f"{provider.authorization}{separator}{urlencode(asked)}"


def redeem(
    client: OidcClient, provider: Provider, trip: Trip, http: httpx.Client, *, code: str, back_to: str, now: datetime
) -> str:
    """Return the verified subject for whom a code stands; raises `Refused`, or `Unavailable` if nothing was told."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back_to, "code_verifier": trip.verifier}
    request = http.build_request("POST", provider.token, data=form)
    told = _ask(http, next(httpx.BasicAuth(client.client_id, client.client_secret).auth_flow(request)))
    keys = _ask(http, http.build_request("GET", provider.keys))
    return subject_of(client, trip, told.get("id_token"), keys, now)


def subject_of(client: OidcClient, trip: Trip, token: Json, keys: Mapping[str, Json], now: datetime) -> str:
    """Return the subject of an ID token that the provider signed for us, now, for this trip; raises `Refused`.

    OpenID Connect Core 1.0, section 3.1.3.7.
    """
    try:
        claims = jwt.decode(str(token), KeySet.import_key_set(dict(keys)), algorithms=ALGORITHMS).claims  # type: ignore[arg-type]  # the library judges the shape
        jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": client.issuer},
            aud={"essential": True, "value": client.client_id},
            nonce={"essential": True, "value": trip.nonce},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
        ).validate(claims)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        raise _not_ours() from None
    subject, audience = claims["sub"], claims["aud"]
    others = isinstance(audience, list) and audience != [client.client_id]
    if (others or "azp" in claims) and claims.get("azp") != client.client_id:
        raise _not_ours()
    if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_CHARS_MAX or not subject.isprintable():
        raise _not_ours()
    return subject


def _ask(http: httpx.Client, request: httpx.Request) -> Mapping[str, Json]:
    """Return the JSON object that the provider answers, read within its bounds."""
    raw = b""
    try:
        answer = http.send(request, stream=True)
        try:
            for piece in answer.iter_bytes():
                raw += piece
                if len(raw) > ANSWER_BOUNDS.bytes_max:
                    raise _unavailable("its answer is too large")
        finally:
            answer.close()
    except httpx.HTTPError:
        raise _unavailable("it does not answer") from None
    if answer.status_code != HTTPStatus.OK:
        raise _unavailable(f"it answers {answer.status_code}")
    try:
        told = read_json(raw, ANSWER_BOUNDS)
    except Malformed:
        raise _unavailable("its answer is not JSON") from None
    if not isinstance(told, dict):
        raise _unavailable("its answer is not a JSON object")
    return told


def _unavailable(why: str) -> LeadtimeError:
    return Unavailable(
        f"the identity provider cannot be used: {why}", where="LEADTIME_OIDC_ISSUER", next_step="Use another way."
    )


def _not_ours() -> Refused:
    return Refused("the identity provider's answer does not hold here", next_step="Begin again.")
