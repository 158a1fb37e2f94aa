"""Sealed records open with either side's own key and with nothing of ours; without both keys there is no call."""

from __future__ import annotations

import json
from dataclasses import replace

import openai
import pyrage
import pytest

from leadtime.flow import gateway
from leadtime.flow.window import DeveloperMay, RecordMode
from leadtime.foundation.access import SYSTEM, Role
from leadtime.foundation.errors import Malformed, Missing, Refused
from tests.doors.model_api.clients import ASK, openai_client
from tests.doors.model_api.conftest import served, upstream  # noqa: F401  # fixtures are found by their names here
from tests.doors.model_api.standing import an_access
from tests.flow.window.factories import TERMS, party

SEALED = replace(TERMS, record_mode=RecordMode.SEALED, developer_may=frozenset({DeveloperMay.READ_CONTENT}))


@pytest.fixture
def access(database, upstream):  # noqa: F811
    return an_access(database, upstream.url, terms=SEALED)


@pytest.fixture
def sides(database, access):
    """Both sides' keys, stated; their secret halves never reach us."""
    made = {}
    for side in ("developer", "agency"):
        made[side] = pyrage.x25519.Identity.generate()
        with database.transaction(getattr(access.offer, side).viewer) as tx:
            gateway.state_sealing_key(tx, str(made[side].to_public()))
            assert gateway.read_sealing_key(tx) == str(made[side].to_public())
    return made


def ask(access, served, upstream):  # noqa: F811
    with openai_client(served, access) as client:
        client.chat.completions.create(model=access.name("plain"), messages=ASK)
    (call,) = access.settled()
    for _ in range(200):
        with access.database.transaction(access.offer.developer.viewer) as tx:
            try:
                return call.id, gateway.read_sealed(tx, call.id)
            except Missing:
                upstream.go.wait(0.02)
    raise TimeoutError


def test_each_side_opens_a_record_with_its_own_key(database, access, sides, served, upstream):  # noqa: F811
    call, record = ask(access, served, upstream)
    for side in ("developer", "agency"):
        with database.transaction(getattr(access.offer, side).viewer) as tx:
            assert gateway.read_sealed(tx, call) == record
        content = json.loads(pyrage.decrypt(record.content, [sides[side]]))
        assert content["call"] == str(call)
        assert json.loads(content["request"])["messages"] == ASK
        assert "All is well here." in content["answer"]
        assert content["whole"] is True
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(record.content, [pyrage.x25519.Identity.generate()])


def test_a_word_finds_a_record_for_six_months_and_it_is_kept_for_twelve(  # noqa: PLR0917  # fixtures
    database,
    clock,
    access,
    sides,
    served,  # noqa: F811
    upstream,  # noqa: F811
):
    call, _ = ask(access, served, upstream)
    model, viewer = access.offer.model.id, access.offer.developer.viewer

    def found(word):
        with database.transaction(viewer) as tx:
            return gateway.search_sealed(tx, model, word)

    def forget():
        with database.transaction(SYSTEM) as tx:
            gateway.forget_sealed(tx)

    assert (found("WELL"), found("unsaid")) == ((call,), ())
    clock.advance(days=183)
    forget()
    assert found("well") == (call,)
    clock.advance(seconds=1)
    forget()
    assert found("well") == ()
    clock.advance(days=182)
    with database.transaction(viewer) as tx:
        assert gateway.read_sealed(tx, call)
    forget()
    clock.advance(seconds=1)
    forget()
    with database.transaction(viewer) as tx, pytest.raises(Missing):
        gateway.read_sealed(tx, call)


@pytest.mark.parametrize("word", ["", "ab", "two words", "x" * 65])
def test_only_one_whole_word_can_be_searched(database, access, word):
    with database.transaction(access.offer.developer.viewer) as tx, pytest.raises(Malformed) as wrong:
        gateway.search_sealed(tx, access.offer.model.id, word)
    assert wrong.value.where == "word"


def test_without_both_keys_there_is_no_call(database, access, served, upstream):  # noqa: F811
    with database.transaction(access.offer.developer.viewer) as tx:
        gateway.state_sealing_key(tx, str(pyrage.x25519.Identity.generate().to_public()))
    with openai_client(served, access) as client, pytest.raises(openai.PermissionDeniedError) as refused:
        client.chat.completions.create(model=access.name("plain"), messages=ASK)
    assert refused.value.body["code"] == "sealing_keys_missing"
    assert upstream.seen == []


def test_nobody_else_reads_a_record(database, access, sides, served, upstream):  # noqa: F811
    call, _ = ask(access, served, upstream)
    for role in (Role.PARTNER, Role.COORDINATOR, Role.FINDER):
        with database.transaction(party(database, role, f"Other {role}").viewer) as tx, pytest.raises(Missing):
            gateway.read_sealed(tx, call)


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.FINDER, Role.AUDITOR])
def test_who_is_no_side_states_no_key(database, role):
    with database.transaction(party(database, role).viewer) as tx:
        with pytest.raises(Refused):
            gateway.state_sealing_key(tx, str(pyrage.x25519.Identity.generate().to_public()))
        with pytest.raises(Refused):
            gateway.read_sealing_key(tx)


@pytest.mark.parametrize("key", ["", "age1", "ssh-ed25519 AAAA", "AGE-SECRET-KEY-1" + "Q" * 58, "x" * 10_000])
def test_what_is_no_public_key_is_refused(database, access, key):
    with database.transaction(access.offer.developer.viewer) as tx, pytest.raises(Malformed) as wrong:
        gateway.state_sealing_key(tx, key)
    assert str(wrong.value) == "age_key: this is no public key of age. Run age-keygen and copy the line age1…."
