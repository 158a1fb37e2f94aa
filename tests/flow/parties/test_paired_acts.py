from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from leadtime.flow.parties import (
    ActKind,
    ActState,
    PairedAct,
    PairedActId,
    begin_act,
    confirm_act,
    enrol_person,
    list_acts,
    take_act,
    withdraw_act,
)
from leadtime.foundation.access import SYSTEM, Role, Scope, Viewer
from leadtime.foundation.database import Database
from leadtime.foundation.errors import Conflict, LeadtimeError, Malformed, Missing, Refused
from leadtime.foundation.ids import new_id
from tests.conftest import SettableClock
from tests.flow.parties.factories import enrol

EXPORT, EMERGENCY = ActKind.BULK_EXPORT, ActKind.BREAK_GLASS


def two_coordinators(database: Database) -> tuple[Viewer, Viewer]:
    house, _, ada = enrol(database, Role.COORDINATOR)
    with database.transaction(SYSTEM) as tx:
        bo = enrol_person(tx, organisation=house.id, name="Bo", email="bo@centre.example")
    return ada, replace(ada, person=bo.id)


def ask(database: Database, viewer: Viewer) -> PairedAct:
    with database.transaction(viewer) as tx:
        return begin_act(tx, EXPORT, reason=" a move to another host ")


def confirm(database: Database, viewer: Viewer, act: PairedActId) -> PairedAct:
    with database.transaction(viewer) as tx:
        return confirm_act(tx, act)


def take(database: Database, viewer: Viewer, act: PairedActId, kind: ActKind = EXPORT) -> PairedAct:
    with database.transaction(viewer) as tx:
        return take_act(tx, act, kind)


def test_one_asks_another_confirms_and_the_first_takes_it_once(database: Database, clock: SettableClock) -> None:
    ada, bo = two_coordinators(database)
    asked = ask(database, ada)
    assert asked == PairedAct(
        id=asked.id,
        kind=EXPORT,
        about=None,
        reason="a move to another host",
        state=ActState.ASKED,
        organisation=ada.organisation,
        asked_by=ada.person,
        asked_at=clock.now(),
        confirmed_by=None,
        confirmed_at=None,
        expires_at=clock.now() + timedelta(minutes=15),
    )
    clock.advance(minutes=14)
    confirmed = confirm(database, bo, asked.id)
    assert confirmed == replace(
        asked,
        state=ActState.CONFIRMED,
        confirmed_by=bo.person,
        confirmed_at=clock.now(),
        expires_at=clock.now() + timedelta(minutes=15),
    )
    clock.advance(minutes=14)
    taken = take(database, ada, asked.id)
    assert taken == replace(confirmed, state=ActState.TAKEN)
    with pytest.raises(Conflict, match="an act that is taken cannot be moved: take"):
        take(database, ada, asked.id)
    clock.advance(days=1)
    with database.transaction(bo) as tx:
        assert list_acts(tx) == (taken,)


def test_nobody_is_their_own_second_and_nobody_takes_it_unconfirmed(database: Database) -> None:
    ada, bo = two_coordinators(database)
    asked = ask(database, ada)
    with pytest.raises(Refused, match="who asks for an act does not confirm it"):
        confirm(database, ada, asked.id)
    with pytest.raises(Conflict, match="an act that is asked for cannot be moved: take"):
        take(database, ada, asked.id)
    confirm(database, bo, asked.id)
    with pytest.raises(Conflict, match="an act that is confirmed cannot be moved: confirm"):
        confirm(database, bo, asked.id)
    with pytest.raises(Refused, match="an act is taken by who asked for it"):
        take(database, bo, asked.id)
    assert take(database, ada, asked.id).state is ActState.TAKEN


@pytest.mark.parametrize("confirmed", [False, True])
def test_what_waits_too_long_expires(database: Database, clock: SettableClock, *, confirmed: bool) -> None:
    ada, bo = two_coordinators(database)
    asked = ask(database, ada)
    if confirmed:
        confirm(database, bo, asked.id)
    clock.advance(minutes=15)
    with database.transaction(ada) as tx:
        assert list_acts(tx)[0].state is ActState.EXPIRED
    for late in (lambda: confirm(database, bo, asked.id), lambda: take(database, ada, asked.id)):
        with pytest.raises(Conflict, match="an act that is expired cannot be moved"):
            late()


def test_either_withdraws_it_before_it_is_taken(database: Database) -> None:
    ada, bo = two_coordinators(database)
    for who in (ada, bo):
        asked = ask(database, ada)
        with database.transaction(who) as tx:
            assert withdraw_act(tx, asked.id).state is ActState.WITHDRAWN
            with pytest.raises(Conflict):
                withdraw_act(tx, asked.id)
        with pytest.raises(Conflict, match="an act that is withdrawn cannot be moved"):
            confirm(database, bo, asked.id)


def test_of_many_at_once_one_takes_it(database: Database) -> None:
    ada, bo = two_coordinators(database)
    asked = ask(database, ada)
    confirm(database, bo, asked.id)

    def attempt(_: int) -> bool:
        try:
            take(database, ada, asked.id)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(attempt, range(4))) == [False, False, False, True]


def test_an_auditor_asks_for_an_emergency_read_and_a_coordinator_confirms(database: Database) -> None:
    ada, _ = two_coordinators(database)
    _, _, auditor = enrol(database, Role.AUDITOR)
    _, _, stranger = enrol(database, Role.AUDITOR, "Example other auditor")
    case = new_id(database.clock.now())
    with database.transaction(auditor) as tx:
        asked = begin_act(tx, EMERGENCY, reason="what leaked?", about=case)
    assert (asked.kind, asked.about) == (EMERGENCY, case)
    with database.transaction(stranger) as tx:
        assert list_acts(tx) == ()
        with pytest.raises(Missing, match="there is no such act that you may see"):
            withdraw_act(tx, asked.id)
    with pytest.raises(Refused, match="the role auditor may not confirm an act"):
        confirm(database, auditor, asked.id)
    confirm(database, ada, asked.id)
    with pytest.raises(Refused, match="the role auditor may not export unpatched cases"):
        take(database, auditor, asked.id, EXPORT)
    assert take(database, auditor, asked.id, EMERGENCY).state is ActState.TAKEN


def raised(database: Database, viewer: Viewer, kind: ActKind, **wanted: object) -> type[LeadtimeError]:
    with database.transaction(viewer) as tx, pytest.raises(LeadtimeError) as caught:
        begin_act(tx, kind, **{"reason": "because", **wanted})
    return caught.type


def test_who_may_not_do_it_may_not_ask_for_it(database: Database) -> None:
    ada, _ = two_coordinators(database)
    _, _, finder = enrol(database, Role.FINDER)
    _, _, auditor = enrol(database, Role.AUDITOR)
    case = new_id(database.clock.now())
    assert raised(database, finder, EXPORT) is Refused
    assert raised(database, auditor, EXPORT) is Refused
    assert raised(database, ada, EMERGENCY, about=case) is Refused
    assert raised(database, SYSTEM, EXPORT) is Refused
    assert raised(database, replace(ada, scope=Scope.READ_ONLY), EXPORT) is Refused
    assert raised(database, ada, EXPORT, reason=" ") is Malformed
    assert raised(database, ada, EXPORT, about=case) is Malformed
    assert raised(database, auditor, EMERGENCY) is Malformed
    with database.transaction(finder) as tx, pytest.raises(Refused, match="asks for no act that needs two people"):
        list_acts(tx)
