from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from leadtime.flow.parties import (
    authenticate,
    issue_sign_in_link,
    redeem_sign_in_link,
    remove_person,
)
from leadtime.foundation.access import SYSTEM, Role
from leadtime.foundation.database import Database
from leadtime.foundation.errors import Refused
from tests.conftest import SettableClock
from tests.flow.parties.factories import enrol, personal

REDEEMERS = 6


def redeem(database: Database, secret: str) -> str:
    try:
        with database.transaction(SYSTEM) as tx:
            return redeem_sign_in_link(tx, secret).secret
    except Refused as error:
        return error.what


def test_a_link_gives_a_session_once(database: Database, clock: SettableClock) -> None:
    _, person, viewer = enrol(database, Role.OPERATOR)
    with database.transaction(SYSTEM) as tx:
        link = issue_sign_in_link(tx, person.id, minutes=10)
    assert link.secret.startswith("ltl_")
    assert link.expires_at == clock.now() + timedelta(minutes=10)
    with database.transaction(SYSTEM) as tx:
        session = redeem_sign_in_link(tx, link.secret)
        assert authenticate(tx, session.secret) == personal(viewer)
    assert session.secret.startswith("lts_")
    assert session.expires_at == clock.now() + timedelta(hours=12)
    assert redeem(database, link.secret) == "this credential is not accepted"


def test_of_many_at_once_one_redeems_it(database: Database) -> None:
    _, person, _ = enrol(database, Role.OPERATOR)
    with database.transaction(SYSTEM) as tx:
        link = issue_sign_in_link(tx, person.id, minutes=10)
    with ThreadPoolExecutor(REDEEMERS) as pool:
        answers = list(pool.map(lambda _: redeem(database, link.secret), range(REDEEMERS)))
    assert sorted(answer.startswith("lts_") for answer in answers) == [False] * (REDEEMERS - 1) + [True]


def test_a_link_that_is_late_unknown_or_of_a_removed_person_is_refused(
    database: Database, clock: SettableClock
) -> None:
    _, person, _ = enrol(database, Role.OPERATOR)
    with database.transaction(SYSTEM) as tx:
        late = issue_sign_in_link(tx, person.id, minutes=10)
    clock.advance(minutes=10)
    assert redeem(database, late.secret) == "this credential is not accepted"
    with database.transaction(SYSTEM) as tx:
        orphaned = issue_sign_in_link(tx, person.id, minutes=10)
        remove_person(tx, person.id)
    assert redeem(database, orphaned.secret) == "this credential is not accepted"
    assert redeem(database, "ltl_guessed") == "this credential is not accepted"


def test_a_link_is_no_token_and_a_token_no_link(database: Database) -> None:
    _, person, _ = enrol(database, Role.OPERATOR)
    with database.transaction(SYSTEM) as tx:
        link = issue_sign_in_link(tx, person.id, minutes=10)
        with pytest.raises(Refused):
            authenticate(tx, link.secret)
    with database.transaction(SYSTEM) as tx:
        session = redeem_sign_in_link(tx, link.secret)
    assert redeem(database, session.secret) == "this credential is not accepted"
