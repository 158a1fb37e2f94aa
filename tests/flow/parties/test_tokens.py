from __future__ import annotations

from datetime import timedelta

import pytest

from leadtime.flow.parties import Token, authenticate, end_own_token, issue_token, make_own_token, read_sign_ins
from leadtime.flow.parties.rules import TOKENS_MAX
from leadtime.foundation.access import ANYONE, SYSTEM, Role, Scope
from leadtime.foundation.database import Database
from leadtime.foundation.errors import Conflict, Malformed, Missing, Refused
from tests.conftest import SettableClock
from tests.flow.parties.factories import enrol, personal


def test_a_person_makes_sees_and_ends_tokens_of_their_own(database: Database, clock: SettableClock) -> None:
    _, _, viewer = enrol(database, Role.OPERATOR)
    with database.transaction(personal(viewer)) as tx:
        issued = make_own_token(tx, name=" nightly upload ", days=30, scope=Scope.INVENTORIES)
        (held,) = read_sign_ins(tx).tokens
    assert held == Token(
        id=held.id,
        name="nightly upload",
        scope=Scope.INVENTORIES,
        issued_at=clock.now(),
        expires_at=clock.now() + timedelta(days=30),
        last_used_at=None,
    )
    clock.advance(hours=1)
    with database.transaction(SYSTEM) as tx:
        assert authenticate(tx, issued.secret).scope is Scope.INVENTORIES
    with database.transaction(personal(viewer)) as tx:
        assert read_sign_ins(tx).tokens[0].last_used_at == clock.now()
        end_own_token(tx, held.id)
        assert read_sign_ins(tx).tokens == ()
        assert [(event.happened.value, event.about) for event in read_sign_ins(tx).events] == [
            ("ended an API token", "nightly upload"),
            ("made an API token", "nightly upload"),
        ]
        with pytest.raises(Missing, match="you have no such token that holds"):
            end_own_token(tx, held.id)
    with database.transaction(SYSTEM) as tx, pytest.raises(Refused):
        authenticate(tx, issued.secret)


def test_no_token_makes_or_ends_another(database: Database) -> None:
    _, person, viewer = enrol(database, Role.OPERATOR)
    with database.transaction(SYSTEM) as tx:
        issue_token(tx, person.id, days=1)
    with database.transaction(viewer) as tx:
        (held,) = read_sign_ins(tx).tokens
        with pytest.raises(Refused, match="a credential of the scope everything may not"):
            make_own_token(tx, name="more", days=1, scope=Scope.READ_ONLY)
        with pytest.raises(Refused):
            end_own_token(tx, held.id)


def test_nobody_ends_anothers_token(database: Database) -> None:
    _, _, ada = enrol(database, Role.OPERATOR)
    _, _, bo = enrol(database, Role.COORDINATOR)
    with database.transaction(personal(ada)) as tx:
        make_own_token(tx, name="mine", days=1, scope=Scope.READ_ONLY)
        (held,) = read_sign_ins(tx).tokens
    with database.transaction(personal(bo)) as tx:
        assert read_sign_ins(tx).tokens == ()
        with pytest.raises(Missing):
            end_own_token(tx, held.id)


def test_a_token_is_refused_without_a_name_or_with_the_personal_scope_or_for_nobody(database: Database) -> None:
    _, _, viewer = enrol(database, Role.OPERATOR)
    with database.transaction(personal(viewer)) as tx:
        with pytest.raises(Malformed, match="a name is missing"):
            make_own_token(tx, name=" ", days=1, scope=Scope.READ_ONLY)
        with pytest.raises(Refused, match="no token has the scope personal"):
            make_own_token(tx, name="mine", days=1, scope=Scope.PERSONAL)
    with database.transaction(SYSTEM) as tx, pytest.raises(Refused):
        make_own_token(tx, name="mine", days=1, scope=Scope.READ_ONLY)
    with database.transaction(ANYONE) as tx, pytest.raises(Missing):
        make_own_token(tx, name="mine", days=1, scope=Scope.READ_ONLY)


def test_a_person_has_a_bounded_number_of_tokens_that_hold(database: Database, clock: SettableClock) -> None:
    _, _, viewer = enrol(database, Role.OPERATOR)
    with database.transaction(personal(viewer)) as tx:
        for number in range(TOKENS_MAX):
            make_own_token(tx, name=f"token {number}", days=1, scope=Scope.READ_ONLY)
        with pytest.raises(Conflict, match="a person has at most 50 tokens"):
            make_own_token(tx, name="one more", days=1, scope=Scope.READ_ONLY)
    clock.advance(days=1)
    with database.transaction(personal(viewer)) as tx:
        make_own_token(tx, name="one more", days=1, scope=Scope.READ_ONLY)
