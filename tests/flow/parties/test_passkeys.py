from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from leadtime.flow.parties import (
    RelyingParty,
    Way,
    add_passkey,
    authenticate,
    begin_passkey,
    challenge_passkey,
    read_sign_ins,
    remove_passkey,
    remove_person,
    sign_in_by_passkey,
)
from leadtime.flow.parties.authenticators import read_registration, read_signature
from leadtime.flow.parties.tables import challenges
from leadtime.foundation.access import ANYONE, SYSTEM, Role, Viewer
from leadtime.foundation.database import Database
from leadtime.foundation.errors import Conflict, LeadtimeError, Malformed, Missing, Refused
from tests.conftest import SettableClock
from tests.flow.parties.authenticator import PRESENT, Authenticator, bytes_of
from tests.flow.parties.factories import enrol, personal

PARTY = RelyingParty("site.test", "Leadtime", "http://site.test")
SESSION, VISIT = "lts_here", "a visit"
NOT_HERE = "this passkey's answer does not hold for this site"
TOO_LATE = "this answer came too late, twice, or from another browser"
UNKNOWN = "this credential is not accepted"


def register(database: Database, viewer: Viewer, key: Authenticator, name: str = "laptop") -> None:
    with database.transaction(SYSTEM) as tx:
        options = begin_passkey(tx, viewer, PARTY, holder=SESSION)
        add_passkey(tx, viewer, PARTY, holder=SESSION, name=name, answer=key.register(options))


def asked(database: Database) -> str:
    with database.transaction(SYSTEM) as tx:
        return challenge_passkey(tx, PARTY, holder=VISIT)


def sign_in(database: Database, answer: str, holder: str = VISIT) -> str:
    """Sign in and tell what came of it: the person's id, or the refusal."""
    try:
        with database.transaction(SYSTEM) as tx:
            session = sign_in_by_passkey(tx, PARTY, holder=holder, answer=answer, browser="Firefox")
    except Refused as error:
        return error.what
    if session is None:
        return "went back"
    with database.transaction(SYSTEM) as tx:
        return str(authenticate(tx, session.secret).person)


def test_a_passkey_is_registered_and_signs_its_person_in(database: Database, clock: SettableClock) -> None:
    _, person, viewer = enrol(database, Role.OPERATOR)
    key = Authenticator()
    register(database, personal(viewer), key)
    assert sign_in(database, key.sign(asked(database))) == str(person.id)
    with database.transaction(personal(viewer)) as tx:
        held = read_sign_ins(tx)
    (passkey,), (session,) = held.passkeys, held.sessions
    assert (passkey.name, passkey.model, passkey.backed_up) == (
        "laptop",
        "0" * 8 + "-0000-0000-0000-" + "0" * 12,
        False,
    )
    assert (passkey.created_at, passkey.last_used_at) == (clock.now(), clock.now())
    assert (session.way, session.browser) == (Way.PASSKEY, "Firefox")
    assert {(event.happened.value, event.about) for event in held.events} == {
        ("added a passkey", "laptop"),
        ("signed in", "passkey"),
    }


def test_the_options_ask_for_a_discoverable_verifying_credential_and_tell_nothing_else(database: Database) -> None:
    _, person, viewer = enrol(database, Role.OPERATOR)
    key = Authenticator()
    register(database, personal(viewer), key)
    with database.transaction(SYSTEM) as tx:
        options = json.loads(begin_passkey(tx, personal(viewer), PARTY, holder=SESSION))
    assert options["rp"] == {"id": "site.test", "name": "Leadtime"}
    assert options["authenticatorSelection"] == {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    assert [each["id"] for each in options["excludeCredentials"]] == [json.loads(key.sign(asked(database)))["id"]]
    assert [each["alg"] for each in options["pubKeyCredParams"]] == [-7, -8, -257]
    assert options["attestation"] == "none"
    assert len(bytes_of(options["user"]["id"])) == 32
    assert str(person.id).replace("-", "") not in bytes_of(options["user"]["id"]).hex()
    signing = json.loads(asked(database))
    assert (signing["userVerification"], signing["allowCredentials"]) == ("required", [])
    assert len(bytes_of(signing["challenge"])) == 32


@pytest.mark.parametrize(
    "changed",
    [
        {"origin": "https://site.test"},
        {"origin": "http://site.test.evil.example"},
        {"rp_id": "evil.example"},
        {"flags": PRESENT},
        {"flags": 0},
        {"cross_origin": True},
    ],
)
def test_what_another_site_or_an_unverified_person_signed_is_refused(database: Database, changed: dict) -> None:
    _, person, viewer = enrol(database, Role.OPERATOR)
    key = Authenticator()
    with pytest.raises(Refused) as caught:
        register(database, personal(viewer), replace(key, **changed))
    assert caught.value.what == NOT_HERE
    register(database, personal(viewer), key)
    assert sign_in(database, replace(key, **changed).sign(asked(database))) == NOT_HERE
    assert sign_in(database, key.sign(asked(database))) == str(person.id)


def test_another_key_or_another_persons_handle_is_refused(database: Database) -> None:
    _, _, viewer = enrol(database, Role.OPERATOR)
    key = Authenticator()
    register(database, personal(viewer), key)
    stolen = replace(key, key=Authenticator().key)
    assert sign_in(database, stolen.sign(asked(database))) == NOT_HERE
    assert sign_in(database, replace(key, user=b"another").sign(asked(database))) == UNKNOWN
    assert sign_in(database, replace(key, credential=b"unknown").sign(asked(database))) == UNKNOWN


def test_a_challenge_works_once_in_time_in_its_own_browser(database: Database, clock: SettableClock) -> None:
    _, person, viewer = enrol(database, Role.OPERATOR)
    key = Authenticator()
    register(database, personal(viewer), key)
    answer = key.sign(asked(database))
    assert sign_in(database, answer, holder="another browser") == TOO_LATE
    assert sign_in(database, answer) == str(person.id)
    assert sign_in(database, answer) == TOO_LATE
    late = key.sign(asked(database))
    clock.advance(minutes=5)
    assert sign_in(database, late) == TOO_LATE
    made_up = json.dumps({"challenge": "AAAA"})
    assert sign_in(database, key.sign(made_up)) == TOO_LATE


def test_a_challenge_of_one_purpose_answers_no_other(database: Database) -> None:
    _, _, viewer = enrol(database, Role.OPERATOR)
    key = Authenticator()
    register(database, personal(viewer), key)
    with database.transaction(SYSTEM) as tx:
        adding = begin_passkey(tx, personal(viewer), PARTY, holder=VISIT)
    assert sign_in(database, key.sign(adding)) == TOO_LATE


def test_a_registration_is_answered_by_the_person_and_session_that_began_it(database: Database) -> None:
    _, _, ada = enrol(database, Role.OPERATOR)
    _, _, bo = enrol(database, Role.FINDER)
    key = Authenticator()
    with database.transaction(SYSTEM) as tx:
        answer = key.register(begin_passkey(tx, personal(ada), PARTY, holder=SESSION))
    for viewer, holder in ((personal(bo), SESSION), (personal(ada), "lts_there")):
        with database.transaction(SYSTEM) as tx, pytest.raises(Refused, match=TOO_LATE):
            add_passkey(tx, viewer, PARTY, holder=holder, name="mine", answer=answer)
    with database.transaction(SYSTEM) as tx:
        add_passkey(tx, personal(ada), PARTY, holder=SESSION, name="mine", answer=answer)


def test_only_a_session_of_a_person_registers_passkeys(database: Database) -> None:
    _, _, viewer = enrol(database, Role.OPERATOR)
    with database.transaction(SYSTEM) as tx:
        with pytest.raises(Refused, match="a credential of the scope everything may not"):
            begin_passkey(tx, viewer, PARTY, holder=SESSION)
        with pytest.raises(Missing):
            begin_passkey(tx, ANYONE, PARTY, holder=SESSION)
        with pytest.raises(Refused, match=UNKNOWN):
            begin_passkey(tx, SYSTEM, PARTY, holder=SESSION)


def test_a_counter_that_goes_back_is_refused_and_recorded(database: Database, clock: SettableClock) -> None:
    _, person, viewer = enrol(database, Role.OPERATOR)
    key = Authenticator(counter=5)
    register(database, personal(viewer), key)
    clone = replace(key)
    assert sign_in(database, key.sign(asked(database))) == str(person.id)
    clock.advance(seconds=1)
    assert sign_in(database, clone.sign(asked(database))) == "went back"
    with database.transaction(personal(viewer)) as tx:
        event = read_sign_ins(tx).events[0]
        assert (event.happened.value, event.about) == ("refused a passkey whose counter went back", "laptop")
    assert sign_in(database, key.sign(asked(database))) == str(person.id)


def test_an_authenticator_without_a_counter_signs_in_again_and_again(database: Database) -> None:
    _, person, viewer = enrol(database, Role.OPERATOR)
    key = Authenticator(counts=False)
    register(database, personal(viewer), key)
    for _ in range(2):
        assert sign_in(database, key.sign(asked(database))) == str(person.id)


def test_a_removed_passkey_and_a_removed_person_sign_nobody_in(database: Database) -> None:
    _, person, viewer = enrol(database, Role.OPERATOR)
    _, _, other = enrol(database, Role.FINDER)
    key, spare = Authenticator(), Authenticator(credential=b"spare")
    register(database, personal(viewer), key)
    register(database, personal(viewer), spare, "spare")
    with database.transaction(personal(viewer)) as tx:
        held = {passkey.name: passkey.id for passkey in read_sign_ins(tx).passkeys}
    with database.transaction(personal(other)) as tx, pytest.raises(Missing, match="you have no such passkey"):
        remove_passkey(tx, held["laptop"])
    with database.transaction(viewer) as tx, pytest.raises(Refused):
        remove_passkey(tx, held["laptop"])
    with database.transaction(personal(viewer)) as tx:
        remove_passkey(tx, held["laptop"])
        assert [passkey.name for passkey in read_sign_ins(tx).passkeys] == ["spare"]
        with pytest.raises(Missing):
            remove_passkey(tx, held["laptop"])
    assert sign_in(database, key.sign(asked(database))) == UNKNOWN
    assert sign_in(database, spare.sign(asked(database))) == str(person.id)
    with pytest.raises(Conflict, match="this passkey has been registered before"):
        register(database, personal(viewer), key)
    with database.transaction(SYSTEM) as tx:
        remove_person(tx, person.id)
    assert sign_in(database, spare.sign(asked(database))) == UNKNOWN


def test_nobody_holds_more_than_twenty(database: Database) -> None:
    _, _, viewer = enrol(database, Role.OPERATOR)
    for number in range(20):
        register(database, personal(viewer), Authenticator(credential=f"key {number}".encode()), f"key {number}")
    with pytest.raises(Conflict, match="a person has at most 20 passkeys"):
        register(database, personal(viewer), Authenticator(credential=b"one more"))


def test_stale_challenges_are_swept_away_when_others_are_made(database: Database, clock: SettableClock) -> None:
    for _ in range(3):
        asked(database)
    clock.advance(minutes=5)
    asked(database)
    with database.transaction(SYSTEM) as tx:
        assert tx.connection.scalar(select(func.count()).select_from(challenges)) == 1
        assert tx.connection.scalar(select(challenges.c.expires_at)) == clock.now() + timedelta(minutes=5)


@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_bytes_that_are_no_answer_are_an_ordinary_refusal(data: st.DataObject) -> None:
    key = Authenticator()
    options = json.dumps({"challenge": "AAAA", "user": {"id": "AAAA"}})
    reading = data.draw(st.sampled_from([read_registration, read_signature]))
    raw = key.register(options) if reading is read_registration else key.sign(options)
    answer = json.loads(raw)
    inner = data.draw(st.sampled_from(sorted(answer["response"])))
    nothing = st.none() | st.integers() | st.text(max_size=40) | st.lists(st.text(max_size=3), max_size=3)
    answer["response"][inner] = data.draw(nothing | st.binary(max_size=90).map(lambda said: f"{said!r}"))
    try:
        read = reading(json.dumps(answer))
        read.verified_for(PARTY, *([b"no key"] if reading is read_signature else []))
    except LeadtimeError:
        pass


@pytest.mark.parametrize(
    "raw", ["", "[]", "{}", "[" * 5_000, '{"id": 1}', "x" * 70_000, '{"id":"a","id":"b"}', "\udcff"]
)
def test_what_is_no_json_object_of_an_answer_is_malformed(raw: str) -> None:
    for reading in (read_registration, read_signature):
        with pytest.raises(Malformed):
            reading(raw)
