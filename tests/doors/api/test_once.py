from __future__ import annotations

from leadtime.workflows.once import ANSWERS_KEPT_DAYS

WANTED = {"name": "Example Hospital", "role": "operator", "example": True}


def test_the_same_key_gets_the_same_answer_and_nothing_is_done_twice(clients, coordinator):
    client = clients(coordinator.token)
    first = client.post("/api/v1/organisations", json=WANTED, headers={"Idempotency-Key": "k1"})
    again = client.post("/api/v1/organisations", json=WANTED, headers={"Idempotency-Key": "k1"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert client.post("/api/v1/organisations", json=WANTED).status_code == 409


def test_a_secret_is_answered_again_to_its_asker_only(clients, coordinator, database):
    client = clients(coordinator.token)
    path = f"/api/v1/people/{coordinator.person.id}/tokens"
    first = client.post(path, json={"days": 1}, headers={"Idempotency-Key": "k1"})
    assert client.post(path, json={"days": 1}, headers={"Idempotency-Key": "k1"}).json() == first.json()
    colleague = clients(first.json()["secret"])
    assert colleague.post(path, json={"days": 1}, headers={"Idempotency-Key": "k2"}).json() != first.json()


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
