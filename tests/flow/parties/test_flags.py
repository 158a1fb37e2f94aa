from __future__ import annotations

import pytest

from leadtime.flow.parties import (
    ConflictId,
    authenticate,
    end_conflict,
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
from leadtime.foundation.ids import new_id
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


def test_conflicts_are_stated_by_coordinators_about_developers_with_a_reason(database: Database, clock: Clock) -> None:
    agency, ada, viewer = enrol(database, Role.AGENCY)
    lab, _, _ = enrol(database, Role.DEVELOPER)
    _, stranger, _ = enrol(database, Role.FINDER)
    with database.transaction(viewer) as tx:
        with pytest.raises(Refused):
            state_conflict(tx, organisation=agency.id, developer=lab.id, reason="rivals")
        with pytest.raises(Refused):
            end_conflict(tx, ConflictId(new_id(clock.now())))
        with pytest.raises(Refused):
            mark_person(tx, ada.id, foreign_access=False)
        with pytest.raises(Refused):
            mark_organisation(tx, agency.id, foreign_access=False)
    with database.transaction(SYSTEM) as tx:
        with pytest.raises(Malformed, match="a conflict of interest is about another organisation, a developer"):
            state_conflict(tx, organisation=lab.id, developer=agency.id, reason="rivals")
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
