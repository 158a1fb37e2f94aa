"""Signing in by an identity provider: a real local one, and one that misbehaves."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from sqlalchemy import func, select

from leadtime.doors import oidc
from leadtime.doors.site import Site
from leadtime.flow.parties import Trip
from leadtime.flow.parties.tables import people
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.errors import Refused, Unavailable
from leadtime.foundation.settings import OidcClient
from tests.conftest import START
from tests.doors.standing import browse, browse_by_link

READY_SECONDS_MAX = 20
BACK = "http://site.test/sign-in/return"
TRIP = Trip(state="state", nonce="the nonce", verifier="v" * 43)
CLIENT = OidcClient("https://id.test", "leadtime", "secret", "Example Agency")
PROVIDER = oidc.Provider("https://id.test/go", "https://id.test/token", "https://id.test/keys")
KEY = RSAKey.generate_key(2048, {"kid": "one"}, auto_kid=False)
KEYS = {"keys": [KEY.as_dict(private=False)]}
NOW = int(START.timestamp())
CLAIMS = {"iss": "https://id.test", "aud": "leadtime", "sub": "ada", "nonce": "the nonce", "iat": NOW, "exp": NOW + 60}


def token(key: object = KEY, alg: str = "RS256", **changed: object) -> str:
    claims = {name: value for name, value in {**CLAIMS, **changed}.items() if value is not None}
    return jwt.encode({"alg": alg, "kid": "one"}, claims, key, algorithms=[alg])


def judged(said: object, keys: dict = KEYS) -> str:
    return oidc.subject_of(CLIENT, TRIP, said, keys, START)


def test_a_token_that_fits_names_its_subject() -> None:
    assert judged(token()) == "ada"
    assert judged(token(aud=["leadtime"])) == "ada"
    assert judged(token(aud=["leadtime", "another"], azp="leadtime")) == "ada"
    assert judged(token(exp=NOW - 59)) == "ada"


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://evil.test"},
        {"iss": None},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": ["leadtime", "another"]},
        {"aud": ["leadtime", "another"], "azp": "another"},
        {"azp": "another"},
        {"aud": None},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": NOW - 61},
        {"exp": None},
        {"iat": None},
        {"nbf": NOW + 61},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 256},
        {"sub": 7},
        {"sub": "a\nb"},
    ],
)
def test_a_token_for_another_client_person_request_or_time_is_refused(changed: dict) -> None:
    with pytest.raises(Refused) as caught:
        judged(token(**changed))
    assert caught.value.what == "the identity provider's answer does not hold here"


def test_a_token_that_the_provider_did_not_sign_is_refused() -> None:
    other = RSAKey.generate_key(2048, {"kid": "one"}, auto_kid=False)
    shared = OctKey.import_key(json.dumps(KEYS["keys"][0]), {"kid": "one"})
    head, body, signature = token().split(".")
    forged = [token(key=other), token(key=shared, alg="HS256"), f"{head}.{body}.", f"{head}.{body}x.{signature}"]
    unsigned = "eyJhbGciOiJub25lIn0." + body + "."
    for said in (*forged, unsigned, "", None, 7, "a.b.c", {"a": 1}):
        with pytest.raises(Refused):
            judged(said)
    for keys in ({}, {"keys": []}, {"keys": "x"}, {"keys": [{"kty": "oct", "k": "A" * 64}]}):
        with pytest.raises(Refused):
            judged(token(), keys)


def http_of(**answers: httpx.Response | Exception) -> httpx.Client:
    """A client whose addresses answer by the last word of their path."""

    def answer(request: httpx.Request) -> httpx.Response:
        found = answers[request.url.path.rpartition("/")[2].replace("-", "_")]
        if isinstance(found, Exception):
            raise found
        return found

    return httpx.Client(transport=httpx.MockTransport(answer), follow_redirects=False)


DISCOVERED = {
    "issuer": "https://id.test",
    "authorization_endpoint": "https://id.test/go",
    "token_endpoint": "https://id.test/token",
    "jwks_uri": "https://id.test/keys",
}


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (httpx.Response(200, json={**DISCOVERED, "issuer": "https://evil.test"}), "it calls itself by another name"),
        (httpx.Response(200, json={**DISCOVERED, "jwks_uri": "http://id.test/keys"}), "it names no addresses by https"),
        (httpx.Response(200, json={**DISCOVERED, "jwks_uri": 7}), "it names no addresses by https"),
        (httpx.Response(302, headers={"location": "https://evil.test"}), "it answers 302"),
        (httpx.Response(500), "it answers 500"),
        (httpx.Response(200, content=b"<html>"), "its answer is not JSON"),
        (httpx.Response(200, json=[]), "its answer is not a JSON object"),
        (httpx.Response(200, content=b" " * 300_000), "its answer is too large"),
        (httpx.ReadTimeout("late"), "it does not answer"),
    ],
)
def test_a_provider_that_misbehaves_cannot_be_used(answer: httpx.Response | Exception, why: str) -> None:
    with pytest.raises(Unavailable) as caught:
        oidc.discover(CLIENT, http_of(openid_configuration=answer))
    assert caught.value.what == f"the identity provider cannot be used: {why}"


def test_the_code_is_redeemed_with_our_secret_and_the_verifier() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"id_token": token()} if request.method == "POST" else KEYS)

    http = httpx.Client(transport=httpx.MockTransport(answer))
    assert oidc.redeem(CLIENT, PROVIDER, TRIP, http, code="the code", back_to=BACK, now=START) == "ada"
    assert asked[0].headers["authorization"] == "Basic bGVhZHRpbWU6c2VjcmV0"
    assert parse_qs(asked[0].content.decode()) == {
        "grant_type": ["authorization_code"],
        "code": ["the code"],
        "redirect_uri": [BACK],
        "code_verifier": ["v" * 43],
    }


def test_the_browser_leaves_with_a_state_a_nonce_and_the_hash_of_the_verifier() -> None:
    address = urlsplit(oidc.address_of(CLIENT, PROVIDER, TRIP, back_to=BACK))
    assert address.geturl().startswith("https://id.test/go?response_type=code&")
    assert parse_qs(address.query) == {
        "response_type": ["code"],
        "client_id": ["leadtime"],
        "redirect_uri": [BACK],
        "scope": ["openid"],
        "state": ["state"],
        "nonce": ["the nonce"],
        "code_challenge": ["7w_YNF9DSfIdPf_pRjSq646_kPr-2-o9NAl16JGghdM"],
        "code_challenge_method": ["S256"],
    }
    there = replace(PROVIDER, authorization="https://id.test/go?tenant=1")
    assert oidc.address_of(CLIENT, there, TRIP, back_to=BACK).startswith(
        "https://id.test/go?tenant=1&response_type=code"
    )


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """A provider that really runs, in a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
    try:
        until = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < until:
            with suppress(OSError), socket.create_connection(("localhost", port), timeout=1):
                break
            time.sleep(0.05)
        yield f"http://localhost:{port}"
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait()


@pytest.fixture
def known_site(site: Site, issuer: str, clock) -> Site:
    clock.at = clock.at.fromtimestamp(time.time(), tz=clock.at.tzinfo)  # the provider has a clock of its own
    client = OidcClient(issuer, "leadtime", "secret", "Example Agency")
    return Site(site.database, replace(site.settings, oidc=client))


def consent(page: httpx.Response, subject: str) -> str:
    """Go where the page leads, sign in there as ``subject``, and return where the provider sends the browser."""
    address = page.headers["refresh"].removeprefix("0; url=")
    answer = httpx.post(address, data={"sub": subject})
    back = urlsplit(answer.headers["location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == BACK
    return f"{back.path}?{back.query}"


def test_an_invited_person_connects_their_identity_and_signs_in_by_it(clients_of, known_site, database, coordinator):
    make = clients_of(known_site)
    first = browse_by_link(make(), database, coordinator)
    back = consent(first.submit("/me", "/me/identity"), "ada@agency")
    assert first.get(back).headers["location"] == "/me"
    assert "ada@agency" in first.get("/me").text
    later = make()
    answer = later.get(consent(later.submit("/sign-in", "/sign-in/provider"), "ada@agency"))
    assert answer.status_code == 303, answer.text
    assert coordinator.person.name in later.get("/").text
    assert "identity provider" in later.get("/me").text


def test_a_subject_that_nobody_connected_is_refused_and_nobody_is_made(clients_of, known_site, database, coordinator):
    browser = clients_of(known_site)()
    answer = browser.get(consent(browser.submit("/sign-in", "/sign-in/provider"), coordinator.person.email))
    assert answer.status_code == 400
    assert "Nobody here is connected to this identity." in answer.text
    assert "Sign out" not in browser.get("/").text
    with database.transaction(SYSTEM) as tx:
        assert tx.connection.scalar(select(func.count()).select_from(people)) == 1


def test_an_answer_works_once_in_the_browser_that_asked_and_in_time(
    clients_of, known_site, database, coordinator, clock
):
    make = clients_of(known_site)
    mine = browse_by_link(make(), database, coordinator)
    back = consent(mine.submit("/me", "/me/identity"), "ada@agency")
    for stranger in (make(), browse_by_link(make(), database, coordinator)):
        stranger.get("/sign-in")
        refused = stranger.get(back)
        assert refused.status_code == 400
        assert "This answer came too late, twice, or from another browser." in refused.text
    assert mine.get(back).status_code == 303
    assert mine.get(back).status_code == 400
    late = consent(mine.submit("/me", "/me/identity"), "ada@agency")
    clock.advance(minutes=5)
    assert "This answer came too late" in mine.get(late).text


def test_a_subject_belongs_to_one_person(clients_of, known_site, database, coordinator, finder):
    make = clients_of(known_site)
    mine = browse_by_link(make(), database, coordinator)
    mine.get(consent(mine.submit("/me", "/me/identity"), "shared"))
    theirs = browse_by_link(make(), database, finder)
    answer = theirs.get(consent(theirs.submit("/me", "/me/identity"), "shared"))
    assert "This identity is connected to somebody else." in answer.text


def test_a_pasted_token_connects_nothing(clients_of, known_site, coordinator):
    browser = browse(clients_of(known_site)(), coordinator)
    assert browser.submit("/me", "/me/identity").status_code == 403


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("?state=nothing&code=x", "This answer came too late, twice, or from another browser."),
        ("?state=%C3%B6&code=x", "This answer came too late, twice, or from another browser."),
        ("", "This answer came too late, twice, or from another browser."),
        ("?state={state}&error=access_denied", "The identity provider did not sign you in."),
        ("?state={state}&code=" + "x" * 2_001, "The identity provider did not sign you in."),
        ("?state={state}&code=x&iss=https://evil.test", "This answer is another provider&#39;s."),
        ("?state={state}&code=made-up", "The identity provider cannot be used: it answers 400."),
    ],
)
def test_an_answer_that_is_not_the_providers_signs_nobody_in(clients_of, known_site, answer, said):
    browser = clients_of(known_site)()
    left = browser.submit("/sign-in", "/sign-in/provider")
    (state,) = parse_qs(urlsplit(left.headers["refresh"]).query)["state"]
    page = browser.get("/sign-in/return" + answer.format(state=state))
    assert page.status_code == 400
    assert said in page.text
    assert "Sign out" not in browser.get("/").text


def test_without_a_provider_its_pages_say_so(anyone):
    for answer in (anyone.submit("/sign-in", "/sign-in/provider"), anyone.get("/sign-in/return?state=x&code=y")):
        assert answer.status_code == 400
        assert "No identity provider is set up here." in answer.text


def test_a_provider_that_is_down_leaves_the_other_ways(clients_of, site):
    client = OidcClient("http://localhost:1", "leadtime", "secret", "Example Agency")
    there = Site(site.database, replace(site.settings, oidc=client))
    answer = clients_of(there)().submit("/sign-in", "/sign-in/provider")
    assert answer.status_code == 400
    assert "The identity provider cannot be used: it does not answer." in answer.text
    assert "Sign in with a passkey" in answer.text


def test_connecting_twice_is_as_once_and_a_removed_identity_signs_nobody_in(
    clients_of, known_site, database, coordinator
):
    make = clients_of(known_site)
    mine = browse_by_link(make(), database, coordinator)
    for _ in range(2):
        assert mine.get(consent(mine.submit("/me", "/me/identity"), "ada@agency")).status_code == 303
    page = mine.get("/me").text
    assert page.count("/me/identities/") == 1
    removal = page.partition('action="/me/identities/')[2].partition('"')[0]
    assert mine.submit("/me", f"/me/identities/{removal}").status_code == 303
    later = make()
    answer = later.get(consent(later.submit("/sign-in", "/sign-in/provider"), "ada@agency"))
    assert "Nobody here is connected to this identity." in answer.text
