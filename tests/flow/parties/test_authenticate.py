from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from leadtime.flow.parties import authenticate, issue_token, remove_person
from leadtime.flow.parties.tables import tokens
from leadtime.foundation.access import SYSTEM, Role
from leadtime.foundation.database import Database
from leadtime.foundation.errors import Malformed, Missing, Refused
from leadtime.foundation.keys import token_hash
from tests.conftest import SettableClock
from tests.flow.parties.factories import enrol

SENTENCE = "this credential is not accepted. Sign in again, or ask your coordinator for a new token."


def refused(database: Database, secret: str) -> str:
    with database.transaction(SYSTEM) as tx, pytest.raises(Refused) as caught:
        authenticate(tx, secret)
    return str(caught.value)


def test_a_token_stands_for_its_person_until_it_expires(database: Database, clock: SettableClock) -> None:
    _, person, viewer = enrol(database, Role.FINDER)
    with database.transaction(SYSTEM) as tx:
        issued = issue_token(tx, person.id, days=1)
    assert issued.secret.startswith("lt_")
    assert issued.expires_at == clock.now() + timedelta(days=1)
    clock.advance(days=1, microseconds=-1)
    with database.transaction(SYSTEM) as tx:
        assert authenticate(tx, issued.secret) == viewer
    clock.advance(microseconds=1)
    assert refused(database, issued.secret) == SENTENCE


def test_an_unknown_secret_is_refused_in_the_same_words(database: Database) -> None:
    assert refused(database, "lt_guessed") == SENTENCE
    assert refused(database, "") == SENTENCE


def test_a_removed_persons_tokens_end_at_once_and_the_person_with_them(database: Database) -> None:
    _, person, _ = enrol(database, Role.FINDER)
    with database.transaction(SYSTEM) as tx:
        issued = issue_token(tx, person.id, days=1)
        remove_person(tx, person.id)
        remove_person(tx, person.id)
    assert refused(database, issued.secret) == SENTENCE
    with database.transaction(SYSTEM) as tx, pytest.raises(Missing):
        issue_token(tx, person.id, days=1)


def test_only_the_hash_of_a_token_is_stored(database: Database) -> None:
    _, person, _ = enrol(database, Role.FINDER)
    with database.transaction(SYSTEM) as tx:
        issued = issue_token(tx, person.id, days=1)
        assert tx.connection.scalars(select(tokens.c.hash)).all() == [token_hash(issued.secret)]
    assert issued.secret not in repr(issued)


def test_tokens_are_issued_by_coordinators_within_bounds(database: Database) -> None:
    _, person, finder = enrol(database, Role.FINDER)
    with database.transaction(finder) as tx, pytest.raises(Refused):
        issue_token(tx, person.id, days=1)
    with database.transaction(SYSTEM) as tx, pytest.raises(Malformed):
        issue_token(tx, person.id, days=366)


def test_who_is_not_the_system_finds_no_credentials(database: Database) -> None:
    _, person, _ = enrol(database, Role.FINDER)
    _, _, stranger = enrol(database, Role.OPERATOR)
    with database.transaction(SYSTEM) as tx:
        issued = issue_token(tx, person.id, days=1)
    with database.transaction(stranger) as tx, pytest.raises(Refused):
        authenticate(tx, issued.secret)
