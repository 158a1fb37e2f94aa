from __future__ import annotations

import pytest
from sqlalchemy import text

from leadtime.flow import parties
from leadtime.foundation.access import SYSTEM, Role
from leadtime.workflows.once import ANSWERS_KEPT_DAYS
from tests.flow.window.factories import a_grant, an_offer

WANTED = {"name": "Example Hospital", "role": "operator", "example": True}


def test_the_same_key_gets_the_same_answer_and_nothing_is_done_twice(clients, coordinator):
    client = clients(coordinator.token)
    first = client.post("/api/v1/organisations", json=WANTED, headers={"Idempotency-Key": "k1"})
    again = client.post("/api/v1/organisations", json=WANTED, headers={"Idempotency-Key": "k1"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert client.post("/api/v1/organisations", json=WANTED).status_code == 409


def test_a_key_is_its_askers_only(clients, coordinator, finder):
    for who in (coordinator, finder):
        answer = clients(who.token).post("/api/v1/organisations", json=WANTED, headers={"Idempotency-Key": "k1"})
        assert answer.status_code == (201 if who is coordinator else 403)


def of_a_token(clients, coordinator, database):
    with database.transaction(SYSTEM) as tx:
        house = parties.enrol_organisation(tx, name="Example Fresh", role=Role.FINDER).id
        person = parties.enrol_person(tx, organisation=house, name="P", email="p@example.org").id
    return clients(coordinator.token), f"/api/v1/people/{person}/tokens", {"days": 1}, lambda told: told["secret"]


def of_a_link(clients, coordinator, database):
    client, path, _, _ = of_a_token(clients, coordinator, database)
    path = path.replace("tokens", "sign-in-links")
    return client, path, {"minutes": 5}, lambda told: told["url"].rpartition("/")[2]


def of_ones_own_token(clients, coordinator, database):
    with database.transaction(SYSTEM) as tx:
        link = parties.issue_sign_in_link(tx, coordinator.person.id, minutes=5).secret
        session = parties.redeem_sign_in_link(tx, link).secret
    wanted = {"name": "program", "scope": "read only", "days": 1}
    return clients(session), "/api/v1/me/tokens", wanted, lambda told: told["secret"]


def of_a_grant(clients, coordinator, database):
    offer = an_offer(database)
    grant, _ = a_grant(database, offer)
    with database.transaction(SYSTEM) as tx:
        token = parties.issue_token(tx, offer.agency.person.id, days=1).secret
    return clients(token), f"/api/v1/grants/{grant.id}/credential", {}, lambda told: told["result"]["secret"]


@pytest.mark.parametrize("of", [of_a_token, of_a_link, of_ones_own_token, of_a_grant])
def test_a_secret_is_shown_once_and_kept_nowhere(clients, coordinator, database, of):
    client, path, wanted, secret_in = of(clients, coordinator, database)
    first = client.post(path, json=wanted, headers={"Idempotency-Key": "k1"})
    assert first.status_code == 201, first.text
    secret = secret_in(first.json())
    assert len(secret) > 40
    again = client.post(path, json=wanted, headers={"Idempotency-Key": "k1"})
    assert again.status_code == 409
    assert again.json()["detail"] == "this was done, and its secret was shown once and is kept nowhere"
    assert again.json()["next_step"] == (
        "If the answer was lost, ask for another one with a fresh key, and end the lost one."
    )
    assert secret not in again.text
    with database.transaction(SYSTEM) as tx:
        kept_bytes = tx.connection.scalar(text("select max(length(body)) from answers"))
    assert kept_bytes < len(secret), "what is kept has no room for it"


def test_a_deliverys_address_is_shown_once_too(clients, world):
    path = f"/api/v1/cases/{world.quiet.case.id}/deliveries"
    wanted = {"organisation": str(world.people["other_maintainer"].organisation.id)}
    client = clients(world.token("coordinator"))
    answers = [client.post(path, json=wanted, headers={"Idempotency-Key": "k1"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 409]
    assert "/d/" in answers[0].json()["url"]
    assert "/d/" not in answers[1].text


def test_a_key_is_not_used_for_two_requests(clients, coordinator):
    client = clients(coordinator.token)
    client.post("/api/v1/organisations", json=WANTED, headers={"Idempotency-Key": "k1"})
    other = client.post("/api/v1/organisations", json={**WANTED, "name": "X"}, headers={"Idempotency-Key": "k1"})
    assert other.status_code == 409
    assert other.json()["where"] == "Idempotency-Key"


def test_a_refused_request_leaves_its_key_free(clients, coordinator):
    client = clients(coordinator.token)
    refused = client.post("/api/v1/people", json=_person("no"), headers={"Idempotency-Key": "k1"})
    assert refused.status_code == 404
    assert client.post("/api/v1/organisations", json=WANTED, headers={"Idempotency-Key": "k1"}).status_code == 201


def test_an_answer_is_forgotten_after_its_days(clients, coordinator, clock):
    client = clients(coordinator.token)
    client.post("/api/v1/organisations", json=WANTED, headers={"Idempotency-Key": "k1"})
    clock.advance(days=ANSWERS_KEPT_DAYS)
    late = client.post("/api/v1/organisations", json=WANTED, headers={"Idempotency-Key": "k1"})
    assert late.status_code == 409
    assert late.json()["where"] == "name"


def test_a_key_has_its_bounds(clients, coordinator):
    client = clients(coordinator.token)
    long = client.post("/api/v1/organisations", json=WANTED, headers={"Idempotency-Key": "k" * 201})
    assert long.status_code == 422
    odd = client.post("/api/v1/organisations", json=WANTED, headers={"Idempotency-Key": "a\x7fb"})
    assert odd.status_code == 400


def _person(_: str) -> dict[str, str]:
    return {"organisation": "0198a1b2-0000-7000-8000-000000000001", "name": "P", "email": "p@example.org"}
