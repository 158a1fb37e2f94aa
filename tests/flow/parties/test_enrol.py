from __future__ import annotations

from datetime import timedelta

import pytest

from leadtime.flow.parties import (
    Organisation,
    OrganisationId,
    PersonId,
    enrol_organisation,
    enrol_person,
    list_organisations,
    list_people,
    read_organisation,
    read_person,
)
from leadtime.foundation.access import ANYONE, SYSTEM, Role
from leadtime.foundation.clock import Clock
from leadtime.foundation.database import Database
from leadtime.foundation.errors import Conflict, Malformed, Missing, Refused
from leadtime.foundation.ids import new_id
from tests.flow.parties.factories import enrol


def test_a_coordinator_enrols_an_organisation_and_its_people(database: Database, clock: Clock) -> None:
    _, _, coordinator = enrol(database, Role.COORDINATOR)
    until = clock.now() + timedelta(days=30)
    with database.transaction(coordinator) as tx:
        lab = enrol_organisation(tx, name=" Example Lab ", role=Role.FINDER)
        person = enrol_person(tx, organisation=lab.id, name="Bo", email="bo@lab.example", active_until=until)
    with database.transaction(coordinator) as tx:
        assert read_organisation(tx, lab.id) == Organisation(lab.id, "Example Lab", Role.FINDER, example=False)
        assert read_person(tx, person.id) == person
        assert list_people(tx, lab.id) == (person,)
        assert [found.name for found in list_organisations(tx)] == ["Example Lab", "Example coordinator"]
    assert person.active_until == until


def test_two_organisations_cannot_have_one_name(database: Database) -> None:
    enrol(database, Role.FINDER, "Example Lab")
    with pytest.raises(Conflict, match="an organisation of this name is enrolled"):
        enrol(database, Role.OPERATOR, "Example Lab")


def test_nobody_but_a_coordinator_enrols(database: Database) -> None:
    lab, _, finder = enrol(database, Role.FINDER)
    with database.transaction(finder) as tx:
        with pytest.raises(Refused):
            enrol_organisation(tx, name="Mine", role=Role.COORDINATOR)
        with pytest.raises(Refused):
            enrol_person(tx, organisation=lab.id, name="Eve", email="eve@lab.example")
        with pytest.raises(Refused):
            list_organisations(tx)


def test_an_organisation_is_read_by_its_own_people_and_by_no_stranger(database: Database) -> None:
    lab, person, finder = enrol(database, Role.FINDER)
    _, _, stranger = enrol(database, Role.OPERATOR)
    with database.transaction(finder) as tx:
        assert read_organisation(tx, lab.id) == lab
        assert list_people(tx, lab.id) == (person,)
    for viewer in (stranger, ANYONE):
        with database.transaction(viewer) as tx:
            with pytest.raises(Missing):
                read_organisation(tx, lab.id)
            with pytest.raises(Missing):
                list_people(tx, lab.id)
            with pytest.raises(Missing):
                read_person(tx, person.id)


def test_a_person_needs_an_enrolled_organisation_and_a_mail_address(database: Database, clock: Clock) -> None:
    lab, _, _ = enrol(database, Role.FINDER)
    with database.transaction(SYSTEM) as tx:
        with pytest.raises(Missing, match="there is no such organisation"):
            enrol_person(tx, organisation=OrganisationId(new_id(clock.now())), name="Bo", email="bo@lab.example")
        with pytest.raises(Malformed, match="this is not a mail address"):
            enrol_person(tx, organisation=lab.id, name="Bo", email="bo")
        with pytest.raises(Missing, match="there is no such person"):
            read_person(tx, PersonId(new_id(clock.now())))
