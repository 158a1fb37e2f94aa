from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from leadtime.flow.parties import (
    Happened,
    PersonId,
    SessionId,
    Way,
    authenticate,
    end_own_session,
    end_own_token,
    end_session,
    issue_sign_in_link,
    issue_token,
    open_session_by_token,
    read_sign_ins,
    redeem_sign_in_link,
    remove_person,
)
from leadtime.flow.parties.tables import sessions
from leadtime.foundation.access import SYSTEM, Role, Scope, Viewer
from leadtime.foundation.database import Database
from leadtime.foundation.errors import Missing, Refused
from leadtime.foundation.keys import token_hash
from tests.conftest import SettableClock
from tests.flow.parties.factories import enrol, personal


def session_of(database: Database, viewer: Viewer, browser: str = "Firefox") -> str:
    assert viewer.person is not None
    with database.transaction(SYSTEM) as tx:
        link = issue_sign_in_link(tx, PersonId(viewer.person), minutes=10)
        return redeem_sign_in_link(tx, link.secret, browser=browser).secret


def holds(database: Database, secret: str) -> bool:
    try:
        with database.transaction(SYSTEM) as tx:
            return authenticate(tx, secret).person is not None
    except Refused as error:
        return error.what != "this credential is not accepted"


def test_a_session_that_is_not_used_ends_after_half_an_hour(database: Database, clock: SettableClock) -> None:
    _, _, viewer = enrol(database, Role.OPERATOR)
    used, left = session_of(database, viewer), session_of(database, viewer)
    clock.advance(minutes=29)
    assert holds(database, used)
    clock.advance(minutes=1)
    assert holds(database, used)
    assert not holds(database, left)


def test_a_session_ends_after_twelve_hours_however_much_it_is_used(database: Database, clock: SettableClock) -> None:
    _, _, viewer = enrol(database, Role.OPERATOR)
    session = session_of(database, viewer)
    for _ in range(12 * 3 - 1):
        clock.advance(minutes=20)
        assert holds(database, session)
    clock.advance(minutes=20, microseconds=-1)
    assert holds(database, session)
    clock.advance(microseconds=1)
    assert not holds(database, session)


def test_use_is_written_down_once_a_minute(database: Database, clock: SettableClock) -> None:
    _, _, viewer = enrol(database, Role.OPERATOR)
    begun = clock.now()
    session = session_of(database, viewer)
    for seconds, seen in ((59, begun), (1, begun + timedelta(minutes=1)), (30, begun + timedelta(minutes=1))):
        clock.advance(seconds=seconds)
        assert holds(database, session)
        with database.transaction(SYSTEM) as tx:
            assert tx.connection.scalar(select(sessions.c.last_seen_at)) == seen


def test_a_session_ends_at_sign_out_and_with_its_person(database: Database) -> None:
    _, person, viewer = enrol(database, Role.OPERATOR)
    first, second = session_of(database, viewer), session_of(database, viewer)
    with database.transaction(SYSTEM) as tx:
        end_session(tx, first)
        end_session(tx, "lts_unknown")
    assert not holds(database, first)
    assert holds(database, second)
    with database.transaction(SYSTEM) as tx:
        remove_person(tx, person.id)
    assert not holds(database, second)


def test_only_the_hash_of_a_session_is_stored(database: Database) -> None:
    _, _, viewer = enrol(database, Role.OPERATOR)
    session = session_of(database, viewer)
    with database.transaction(SYSTEM) as tx:
        assert tx.connection.scalars(select(sessions.c.hash)).all() == [token_hash(session)]


def test_a_person_sees_and_ends_their_own_open_sessions_and_nobody_elses(
    database: Database, clock: SettableClock
) -> None:
    _, _, ada = enrol(database, Role.OPERATOR)
    _, _, bo = enrol(database, Role.FINDER)
    here = session_of(database, ada)
    begun = clock.now()
    clock.advance(seconds=1)
    there = session_of(database, ada, "x" * 500)
    session_of(database, bo)
    with database.transaction(personal(ada)) as tx:
        latest, first = read_sign_ins(tx).sessions
    assert (first.way, first.scope, first.browser) == (Way.LINK, Scope.PERSONAL, "Firefox")
    assert (first.begun_at, first.last_seen_at) == (begun, begun)
    assert first.expires_at == begun + timedelta(hours=12)
    assert latest.browser == "x" * 120
    with database.transaction(personal(bo)) as tx, pytest.raises(Missing, match="you have no such open session"):
        end_own_session(tx, latest.id)
    clock.advance(seconds=1)
    with database.transaction(personal(ada)) as tx:
        end_own_session(tx, latest.id)
    assert holds(database, here)
    assert not holds(database, there)
    with database.transaction(personal(ada)) as tx:
        assert [session.id for session in read_sign_ins(tx).sessions] == [first.id]
        assert read_sign_ins(tx).events[0].happened is Happened.SESSION_ENDED
        assert read_sign_ins(tx).events[0].about == "one-time link"
        with pytest.raises(Missing):
            end_own_session(tx, latest.id)
    clock.advance(minutes=30)
    with database.transaction(personal(ada)) as tx:
        assert read_sign_ins(tx).sessions == ()


def test_a_pasted_token_becomes_a_session_with_its_scope_that_ends_with_it(
    database: Database, clock: SettableClock
) -> None:
    _, person, viewer = enrol(database, Role.OPERATOR)
    with database.transaction(SYSTEM) as tx:
        token = issue_token(tx, person.id, days=1, scope=Scope.READ_ONLY)
        session = open_session_by_token(tx, token.secret, browser="Firefox")
        assert authenticate(tx, session.secret).scope is Scope.READ_ONLY
    assert session.secret.startswith("lts_")
    assert session.expires_at == clock.now() + timedelta(hours=12)
    with database.transaction(viewer) as tx, pytest.raises(Refused, match="may not change their own ways"):
        end_own_session(tx, SessionId(person.id))
    with database.transaction(personal(viewer)) as tx:
        held = read_sign_ins(tx)
        assert [each.way for each in held.sessions] == [Way.PASTED]
        end_own_token(tx, held.tokens[0].id)
    assert not holds(database, session.secret)
    assert not holds(database, token.secret)
    with database.transaction(personal(viewer)) as tx:
        assert read_sign_ins(tx).sessions == ()


def test_no_session_is_opened_by_a_token_that_does_not_hold(database: Database, clock: SettableClock) -> None:
    _, person, _ = enrol(database, Role.OPERATOR)
    with database.transaction(SYSTEM) as tx:
        token = issue_token(tx, person.id, days=1)
    clock.advance(hours=20)
    with database.transaction(SYSTEM) as tx:
        assert open_session_by_token(tx, token.secret).expires_at == clock.now() + timedelta(hours=4)
    clock.advance(hours=4)
    for secret in (token.secret, "lt_guessed"):
        with database.transaction(SYSTEM) as tx, pytest.raises(Refused, match="this credential is not accepted"):
            open_session_by_token(tx, secret)
