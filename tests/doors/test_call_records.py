"""What is kept of calls, by commands: the access log, sealed records that each side opens, one leaf's opening."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import pyrage
import pytest
from sqlalchemy import select

from leadtime.doors.cli.main import EXIT_REFUSED, run
from leadtime.flow import parties, window
from leadtime.flow.window import DeveloperMay, RecordMode
from leadtime.foundation.access import SYSTEM
from leadtime.ledger import parse_leaf, parse_opening, verify_opening
from leadtime.ledger.tables import leaves
from tests.doors.live import listening
from tests.doors.model_api.clients import ASK, openai_client
from tests.doors.model_api.conftest import served, upstream  # noqa: F401  # fixtures are found by their names here
from tests.doors.model_api.standing import an_access, serving
from tests.flow.window.factories import TERMS

SEALED = replace(TERMS, record_mode=RecordMode.SEALED, developer_may=frozenset({DeveloperMay.READ_CONTENT}))


@pytest.fixture
def access(database, upstream):  # noqa: F811
    return an_access(database, upstream.url, terms=SEALED)


@pytest.fixture
def calling(database, access, site, monkeypatch, capsys):
    """Run ``leadtime call`` as the developer's or the agency's person; return its exit code and what it printed."""
    tokens = {}
    with database.transaction(SYSTEM) as tx:
        for side in ("developer", "agency"):
            tokens[side] = parties.issue_token(tx, getattr(access.offer, side).person.id, days=1).secret
    with listening(site) as url:
        monkeypatch.setenv("LEADTIME_URL", url)

        def as_side(side, *words):
            monkeypatch.setenv("LEADTIME_TOKEN", tokens[side])
            code = run(["call", *map(str, words)])
            return code, capsys.readouterr().out

        yield as_side


def told(calling, side, *words):
    code, out = calling(side, *words, "--json")
    assert code == 0, out
    return json.loads(out)["result"]


def test_each_side_states_its_key_finds_a_record_and_opens_it_itself(access, calling, served, upstream, tmp_path):  # noqa: F811
    secrets = {side: pyrage.x25519.Identity.generate() for side in ("developer", "agency")}
    for side, secret in secrets.items():
        public = str(secret.to_public())
        assert told(calling, side, "key") is None
        assert told(calling, side, "key", public) == told(calling, side, "key") == public
    with openai_client(served, access) as client:
        client.chat.completions.create(model=access.name("plain"), messages=ASK)
    access.settled()
    model = access.offer.model.id
    for side, secret in secrets.items():
        (seen,) = told(calling, side, "list", model)["items"]
        found = soon(lambda side=side: told(calling, side, "find", model, "well"))
        assert found == [seen["id"]]
        assert told(calling, side, "find", model, "unsaid") == []
        file = tmp_path / f"{side}.age"
        assert calling(side, "record", model, seen["id"], "--to", file)[0] == 0
        assert json.loads(json.loads(pyrage.decrypt(file.read_bytes(), [secret]))["request"])["messages"] == ASK
        assert calling(side, "record", model, seen["id"], "--to", file)[0] == EXIT_REFUSED


def soon(look):
    """Return what is found at last: a record is kept after its call was answered."""
    for _ in range(500):
        if found := look():
            return found
        threading.Event().wait(0.02)
    raise TimeoutError


def test_the_developer_opens_one_leaf_for_an_auditor(database, access, calling):
    model = access.offer.model.id
    with database.transaction(SYSTEM) as tx:
        query = select(leaves.c.entry).where(leaves.c.log == window.log_of(model))
        logged = {leaf.kind: leaf for leaf in map(parse_leaf, tx.connection.scalars(query))}
    first, second = logged["enrolled"], logged["agreed"]
    code, out = calling("developer", "opening", model, first.id)
    opening = parse_opening(out.encode())
    assert (code, verify_opening(first, opening), verify_opening(second, opening)) == (0, True, False)
    assert {field.name: field.value for field in opening.fields}["kind"] == b"enrolled"
    assert calling("agency", "opening", model, first.id)[0] == EXIT_REFUSED
    assert calling("developer", "opening", model, model)[0] == EXIT_REFUSED


def test_a_calls_leaf_is_opened_as_far_as_it_is_kept(database, address, access, calling, upstream):  # noqa: F811
    for side in ("developer", "agency"):
        told(calling, side, "key", str(pyrage.x25519.Identity.generate().to_public()))
    with serving(database, address) as gateway, openai_client(gateway, access) as client:
        client.chat.completions.create(model=access.name("plain"), messages=ASK)
    (call,) = access.settled()
    with database.transaction(SYSTEM) as tx:
        leaf = parse_leaf(tx.connection.scalar(select(leaves.c.entry).where(leaves.c.id == call.id)))
    _, out = calling("developer", "opening", access.offer.model.id, call.id)
    opening = parse_opening(out.encode())
    assert verify_opening(leaf, opening)
    shown = {field.name: field.value.decode() for field in opening.fields}
    assert shown["person"] == str(access.offer.agency.person.id)
    assert (shown["variant"], shown["address"]) == ("plain", "/v1/chat/completions")
    assert leaf.commitments.keys() - shown.keys() == {"network", "request", "terms"}
