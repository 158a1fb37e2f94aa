from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from leadtime.flow.parties import (
    authenticate,
    end_conflict,
    enrol_employer,
    enrol_person,
    issue_token,
    list_conflicts,
    mark_organisation,
    mark_person,
    read_organisation,
    read_person,
    read_sign_ins,
    refuse_barred,
    state_conflict,
)
from leadtime.foundation.access import SYSTEM, Act, Role, Viewer
from leadtime.foundation.clock import Clock
from leadtime.foundation.database import Database
from leadtime.foundation.errors import Malformed, Missing, Refused
from tests.flow.parties.factories import enrol, personal


def as_signed_in(database: Database, viewer: Viewer) -> Viewer:
    with database.transaction(SYSTEM) as tx:
        return authenticate(tx, issue_token(tx, viewer.person, days=1).secret)


def test_a_persons_conflict_hides_one_developers_things_from_them_alone(database: Database) -> None:
    agency, ada, viewer = enrol(database, Role.AGENCY)
    lab, _, _ = enrol(database, Role.DEVELOPER, "Example Lab")
    other, _, _ = enrol(database, Role.DEVELOPER, "Example Other Lab")
    with database.transaction(SYSTEM) as tx:
        bo = enrol_person(tx, organisation=agency.id, name="Bo", email="bo@agency.example")
        stated = state_conflict(
            tx, organisation=agency.id, person=ada.id, developer=lab.id, reason=" their spouse works there "
        )
        assert read_person(tx, ada.id).conflicts == {lab.id}
        assert read_person(tx, bo.id).conflicts == frozenset()
        assert list_conflicts(tx, agency.id) == (stated,)
    assert (stated.reason, stated.person, stated.developer) == ("their spouse works there", ada.id, lab.id)
    seen = as_signed_in(database, viewer)
    assert seen.conflicts == {lab.id}
    with database.transaction(seen) as tx:
        with pytest.raises(Missing, match="there is no such thing that you may see"):
            tx.require(Act.READ_SIGN_INS, about=lab.id)
        tx.require(Act.READ_SIGN_INS, about=other.id)
    with database.transaction(SYSTEM) as tx:
        end_conflict(tx, stated.id)
        assert list_conflicts(tx, agency.id) == ()
        with pytest.raises(Missing, match="no such conflict of interest stands"):
            end_conflict(tx, stated.id)
    assert as_signed_in(database, viewer).conflicts == frozenset()
    with database.transaction(personal(viewer)) as tx:
        assert {(event.happened.value, event.about) for event in read_sign_ins(tx).events} == {
            ("a conflict of interest was stated", "Example Lab"),
            ("a conflict of interest was ended", "Example Lab"),
            ("made an API token", "made by who administers this machine"),
        }


def test_an_organisations_conflict_is_everybodys_in_it(database: Database) -> None:
    partner, ada, viewer = enrol(database, Role.PARTNER)
    lab, _, _ = enrol(database, Role.DEVELOPER)
    _, outsider, _ = enrol(database, Role.PARTNER, "Example Other Partner")
    with database.transaction(SYSTEM) as tx:
        stated = state_conflict(tx, organisation=partner.id, developer=lab.id, reason="competitors")
        assert read_person(tx, ada.id).conflicts == {lab.id}
        assert read_person(tx, outsider.id).conflicts == frozenset()
    assert stated.person is None
    assert as_signed_in(database, viewer).conflicts == {lab.id}
    with database.transaction(SYSTEM) as tx:
        end_conflict(tx, stated.id)


def test_their_own_organisation_states_what_keeps_them_away_and_ends_it_for_each_other(database: Database) -> None:
    agency, ada, viewer = enrol(database, Role.AGENCY)
    lab, _, _ = enrol(database, Role.DEVELOPER)
    with database.transaction(SYSTEM) as tx:
        bo = enrol_person(tx, organisation=agency.id, name="Bo", email="bo@agency.example")
    with database.transaction(viewer) as tx:
        about_ada = state_conflict(tx, organisation=agency.id, person=ada.id, developer=lab.id, reason="her spouse")
        about_bo = state_conflict(tx, organisation=agency.id, person=bo.id, developer=lab.id, reason="his shares")
        mark_person(tx, ada.id, foreign_access=True)
        end_conflict(tx, about_bo.id)
        for own in (lambda: end_conflict(tx, about_ada.id), lambda: mark_person(tx, ada.id, foreign_access=False)):
            with pytest.raises(Refused) as caught:
                own()
            assert str(caught.value) == (
                "person: nobody ends what keeps themselves away. Let a colleague of yours decide."
            )
    with database.transaction(replace(viewer, person=bo.id)) as tx:
        end_conflict(tx, about_ada.id)
        mark_person(tx, ada.id, foreign_access=False)
        mark_organisation(tx, agency.id, foreign_access=True)
        mark_organisation(tx, agency.id, foreign_access=False)
        assert list_conflicts(tx, agency.id) == ()
        assert read_person(tx, ada.id).foreign_access is False


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.AGENCY, Role.DEVELOPER])
def test_nobody_else_keeps_them_away(database: Database, role: Role) -> None:
    agency, ada, _ = enrol(database, Role.AGENCY)
    lab, _, _ = enrol(database, Role.DEVELOPER, "Example Lab")
    _, _, other = enrol(database, role, "Example Other")
    with database.transaction(SYSTEM) as tx:
        stated = state_conflict(tx, organisation=agency.id, developer=lab.id, reason="rivals")
    with database.transaction(other) as tx:
        for tried in (
            lambda: state_conflict(tx, organisation=agency.id, developer=lab.id, reason="rivals"),
            lambda: end_conflict(tx, stated.id),
            lambda: mark_person(tx, ada.id, foreign_access=True),
            lambda: mark_organisation(tx, agency.id, foreign_access=True),
        ):
            with pytest.raises(Missing):
                tried()


def test_a_vendors_person_states_nothing_of_the_organisation(database: Database, clock: Clock) -> None:
    agency, _, viewer = enrol(database, Role.AGENCY)
    lab, _, _ = enrol(database, Role.DEVELOPER)
    with database.transaction(SYSTEM) as tx:
        vendor = enrol_employer(
            tx, organisation=agency.id, name="Vendor", engaged_until=clock.now() + timedelta(days=9)
        )
        vi = enrol_person(tx, organisation=agency.id, name="Vi", email="vi@vendor.example", employer=vendor.id)
    with database.transaction(replace(viewer, person=vi.id)) as tx, pytest.raises(Refused) as caught:
        state_conflict(tx, organisation=agency.id, developer=lab.id, reason="rivals")
    assert str(caught.value) == (
        "person: a vendor's person does not state what keeps the organisation's people away. "
        "Ask one of the organisation's own people."
    )


def test_a_conflict_is_about_a_developer_and_has_a_reason(database: Database) -> None:
    agency, _, viewer = enrol(database, Role.AGENCY)
    lab, _, _ = enrol(database, Role.DEVELOPER)
    partner, stranger, _ = enrol(database, Role.PARTNER)
    with database.transaction(viewer) as tx:
        with pytest.raises(Malformed, match="a conflict of interest is about another organisation, a developer"):
            state_conflict(tx, organisation=agency.id, developer=partner.id, reason="rivals")
        with pytest.raises(Malformed, match="a reason is missing"):
            state_conflict(tx, organisation=agency.id, developer=lab.id, reason=" ")
        with pytest.raises(Missing, match="there is no such person"):
            state_conflict(tx, organisation=agency.id, person=stranger.id, developer=lab.id, reason="rivals")


def test_a_person_or_a_whole_organisation_is_marked_for_foreign_access(database: Database) -> None:
    partner, ada, viewer = enrol(database, Role.PARTNER)
    with database.transaction(SYSTEM) as tx:
        mark_person(tx, ada.id, foreign_access=True)
        assert read_person(tx, ada.id).foreign_access
        assert not read_organisation(tx, partner.id).foreign_access
        bo = enrol_person(tx, organisation=partner.id, name="Bo", email="bo@partner.example")
        assert not bo.foreign_access
    marked = as_signed_in(database, viewer)
    assert marked.foreign_access
    with pytest.raises(Refused, match="the agreement bars foreign access"):
        refuse_barred(foreign_access=marked.foreign_access, barred=True)
    with database.transaction(SYSTEM) as tx:
        mark_person(tx, ada.id, foreign_access=False)
        assert not read_person(tx, ada.id).foreign_access
        mark_organisation(tx, partner.id, foreign_access=True)
        assert read_organisation(tx, partner.id).foreign_access
        assert read_person(tx, bo.id).foreign_access
    assert as_signed_in(database, viewer).foreign_access
    with database.transaction(personal(viewer)) as tx:
        told = {event.happened.value for event in read_sign_ins(tx).events}
    assert told == {"marked for foreign access", "no longer marked for foreign access", "made an API token"}
