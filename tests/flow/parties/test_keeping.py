"""Nobody alone lets another organisation's people in or out (I1): not to act as them, nor to keep them from acting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from leadtime.flow.parties import (
    ActKind,
    Organisation,
    PairedActId,
    Person,
    authenticate,
    begin_act,
    confirm_act,
    end_engagement,
    enrol_employer,
    enrol_organisation,
    enrol_person,
    issue_sign_in_link,
    issue_token,
    read_sign_ins,
    redeem_sign_in_link,
    remove_person,
)
from leadtime.foundation.access import SYSTEM, Role, Viewer
from leadtime.foundation.database import Database, Transaction
from leadtime.foundation.errors import LeadtimeError, Missing, Refused
from leadtime.foundation.ids import new_id
from tests.conftest import SettableClock
from tests.flow.parties.factories import enrol, personal

TWO = "this takes two people, or the organisation itself"
OTHERS = [role for role in Role if role not in {Role.SYSTEM, Role.COORDINATOR}]
ACTS: list[tuple[ActKind, Callable[..., object]]] = [
    (ActKind.SIGN_IN, lambda tx, person, **act: issue_token(tx, person, days=1, **act)),
    (ActKind.SIGN_IN, lambda tx, person, **act: issue_sign_in_link(tx, person, minutes=10, **act)),
    (ActKind.REMOVE, remove_person),
]


def coordinators(database: Database) -> tuple[Viewer, Viewer]:
    house, _, ada = enrol(database, Role.COORDINATOR)
    return ada, replace(ada, person=a_colleague(database, house).id)


def a_colleague(database: Database, house: Organisation, **wanted: object) -> Person:
    with database.transaction(SYSTEM) as tx:
        return enrol_person(tx, organisation=house.id, name="Bo", email="bo@example.org", **wanted)  # type: ignore[arg-type]


def signed_in(database: Database, *people: Person) -> None:
    with database.transaction(SYSTEM) as tx:
        for person in people:
            issue_token(tx, person.id, days=300)


def two(database: Database, ada: Viewer, bo: Viewer, kind: ActKind, about: object) -> PairedActId:
    with database.transaction(ada) as tx:
        act = begin_act(tx, kind, reason="they lost their keys", about=about).id  # type: ignore[arg-type]
    with database.transaction(bo) as tx:
        return confirm_act(tx, act).id


def refusal(database: Database, viewer: Viewer, act: Callable[[Transaction], object]) -> LeadtimeError:
    with pytest.raises(LeadtimeError) as caught, database.transaction(viewer) as tx:
        act(tx)
    return caught.value


@pytest.mark.parametrize(("kind", "act"), ACTS)
@pytest.mark.parametrize("role", OTHERS)
def test_once_somebody_of_it_signed_in_one_coordinator_alone_may_not(
    database: Database, role: Role, kind: ActKind, act: Callable[..., object]
) -> None:
    ada, bo = coordinators(database)
    house, person, _ = enrol(database, role)
    fresh = a_colleague(database, house)
    signed_in(database, person, fresh)
    new = a_colleague(database, house)
    for somebody in (person, new):
        refused = refusal(database, ada, lambda tx, to=somebody: act(tx, to.id))
        assert (type(refused), refused.what) == (Refused, TWO)
        second = two(database, ada, bo, kind, somebody.id)
        with database.transaction(ada) as tx:
            act(tx, somebody.id, second=second)


def test_a_fresh_organisations_first_person_is_invited_by_one_and_by_one_link_at_a_time(
    database: Database, clock: SettableClock
) -> None:
    ada, _ = coordinators(database)
    with database.transaction(ada) as tx:
        house = enrol_organisation(tx, name="Example New Lab", role=Role.DEVELOPER)
        person = enrol_person(tx, organisation=house.id, name="Eve", email="eve@example.org")
        issue_sign_in_link(tx, person.id, minutes=10)
    assert refusal(database, ada, lambda tx: issue_sign_in_link(tx, person.id, minutes=10)).what == TWO
    clock.advance(minutes=10)
    with database.transaction(ada) as tx:
        link = issue_sign_in_link(tx, person.id, minutes=10)
    with database.transaction(SYSTEM) as tx:
        redeem_sign_in_link(tx, link.secret)
    clock.advance(days=2)
    assert refusal(database, ada, lambda tx: issue_sign_in_link(tx, person.id, minutes=10)).what == TWO


def test_one_who_never_came_may_be_removed_again(database: Database) -> None:
    ada, _ = coordinators(database)
    house, person, _ = enrol(database, Role.DEVELOPER)
    with database.transaction(ada) as tx:
        remove_person(tx, person.id)
        issue_token(tx, enrol_person(tx, organisation=house.id, name="Eve", email="e@example.org").id, days=1)


def test_no_coordinator_makes_their_own_second(database: Database) -> None:
    ada, _ = coordinators(database)
    with database.transaction(ada) as tx:
        other = enrol_organisation(tx, name="Example Other Centre", role=Role.COORDINATOR)
        puppets = [
            enrol_person(tx, organisation=house, name="Mallory", email="m@example.org").id
            for house in (other.id, ada.organisation)
        ]
    for puppet in puppets:
        assert refusal(database, ada, lambda tx, to=puppet: issue_token(tx, to, days=1)).what == TWO


def test_an_act_of_two_is_for_one_person_and_one_kind(database: Database) -> None:
    ada, bo = coordinators(database)
    house, person, _ = enrol(database, Role.AGENCY)
    colleague = a_colleague(database, house)
    signed_in(database, person)
    second = two(database, ada, bo, ActKind.SIGN_IN, person.id)
    refused = refusal(database, ada, lambda tx: issue_token(tx, colleague.id, days=1, second=second))
    assert refused.what == "this act is about another one"
    refused = refusal(database, ada, lambda tx: remove_person(tx, person.id, second=second))
    assert refused.what == "this act is to give a person what signs them in"
    with database.transaction(ada) as tx:
        issue_token(tx, person.id, days=1, second=second)
    refused = refusal(database, ada, lambda tx: issue_token(tx, person.id, days=1, second=second))
    assert refused.what == "an act that is taken cannot be moved: take"


@pytest.mark.parametrize("role", OTHERS)
def test_an_organisations_own_people_let_each_other_in_and_out_in_their_own_sessions(
    database: Database, role: Role
) -> None:
    house, person, viewer = enrol(database, role)
    colleague = a_colleague(database, house)
    signed_in(database, person)
    refused = refusal(database, viewer, lambda tx: issue_sign_in_link(tx, colleague.id, minutes=10))
    assert refused.what == "a credential of the scope everything may not keep the people of their own organisation"
    with database.transaction(personal(viewer)) as tx:
        link = issue_sign_in_link(tx, colleague.id, minutes=10)
    with database.transaction(SYSTEM) as tx:
        session = redeem_sign_in_link(tx, link.secret)
        theirs = authenticate(tx, session.secret)
    with database.transaction(theirs) as tx:
        told = [(event.happened.value, event.about) for event in read_sign_ins(tx).events]
    assert ("was sent a link to sign in", "by Ada Example") in told
    with database.transaction(personal(viewer)) as tx:
        remove_person(tx, colleague.id)
    with database.transaction(SYSTEM) as tx, pytest.raises(Refused):
        authenticate(tx, session.secret)


def test_a_token_that_another_made_names_them(database: Database) -> None:
    ada, _ = coordinators(database)
    _, _, viewer = enrol(database, Role.FINDER)
    with database.transaction(ada) as tx:
        issue_token(tx, viewer.person, days=1)  # type: ignore[arg-type]
    with database.transaction(personal(viewer)) as tx:
        (made,) = read_sign_ins(tx).tokens
    assert made.name == "made by Ada Example"


def test_a_vendors_people_and_other_organisations_may_not(database: Database) -> None:
    house, person, viewer = enrol(database, Role.DEVELOPER)
    _, _, stranger = enrol(database, Role.AGENCY)
    with database.transaction(SYSTEM) as tx:
        vendor = enrol_employer(tx, organisation=house.id, name="V", engaged_until=tx.now + timedelta(days=9))
    hired = a_colleague(database, house, employer=vendor.id)
    signed_in(database, person, hired)
    theirs = personal(replace(viewer, person=hired.id))
    assert refusal(database, theirs, lambda tx: remove_person(tx, person.id)).what == (
        "the role developer may not manage parties"
    )
    for _, act in ACTS:
        assert type(refusal(database, personal(stranger), lambda tx, a=act: a(tx, person.id))) is Missing
        assert type(refusal(database, SYSTEM, lambda tx, a=act: a(tx, new_id(tx.now)))) is Missing


LAST = "nobody else of this developer could sign in, and somebody must be able to withdraw and release"


@pytest.mark.parametrize("role", OTHERS)
def test_the_last_who_could_sign_in_for_a_developer_is_removed_by_nobody(
    database: Database, clock: SettableClock, role: Role
) -> None:
    ada, bo = coordinators(database)
    house, person, viewer = enrol(database, role)
    ending = a_colleague(database, house, active_until=clock.now() + timedelta(days=1))
    keyless = a_colleague(database, house)
    signed_in(database, person, ending)
    clock.advance(days=1)
    second = two(database, ada, bo, ActKind.REMOVE, person.id)
    tries = (
        (SYSTEM, lambda tx: remove_person(tx, person.id)),
        (ada, lambda tx: remove_person(tx, person.id, second=second)),
        (personal(viewer), lambda tx: remove_person(tx, person.id)),
    )
    if role is Role.DEVELOPER:
        assert [refusal(database, who, act).what for who, act in tries] == [LAST] * len(tries)
        signed_in(database, keyless)
    with database.transaction(ada) as tx:
        remove_person(tx, person.id, second=second)


def test_a_vendor_whose_people_are_all_that_a_developer_has_stays_engaged(database: Database) -> None:
    ada, bo = coordinators(database)
    with database.transaction(SYSTEM) as tx:
        house = enrol_organisation(tx, name="Example Lab", role=Role.DEVELOPER)
        vendor = enrol_employer(tx, organisation=house.id, name="V", engaged_until=tx.now + timedelta(days=9))
    hired = a_colleague(database, house, employer=vendor.id)
    with database.transaction(ada) as tx:
        end_engagement(tx, enrol_employer(tx, organisation=house.id, name="W", engaged_until=vendor.engaged_until).id)
    signed_in(database, hired)
    assert refusal(database, ada, lambda tx: end_engagement(tx, vendor.id)).what == TWO
    second = two(database, ada, bo, ActKind.END_ENGAGEMENT, vendor.id)
    assert refusal(database, ada, lambda tx: end_engagement(tx, vendor.id, second=second)).what == LAST
    signed_in(database, a_colleague(database, house))
    with database.transaction(ada) as tx:
        assert end_engagement(tx, vendor.id, second=second).engaged_until == tx.now
