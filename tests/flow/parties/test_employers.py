from __future__ import annotations

from datetime import timedelta

import pytest

from leadtime.flow.parties import (
    Employer,
    EmployerId,
    authenticate,
    end_engagement,
    enrol_employer,
    enrol_person,
    issue_token,
    list_employers,
    list_people,
    read_employer,
    read_people,
    read_person,
    remove_person,
)
from leadtime.foundation.access import SYSTEM, Role
from leadtime.foundation.database import Database
from leadtime.foundation.errors import Conflict, Malformed, Missing, Refused
from leadtime.foundation.ids import new_id
from tests.conftest import SettableClock
from tests.flow.parties.factories import enrol

DAYS_30 = timedelta(days=30)


def test_a_vendors_person_is_named_and_works_until_the_first_end(database: Database, clock: SettableClock) -> None:
    agency, own, viewer = enrol(database, Role.AGENCY)
    until = clock.now() + DAYS_30
    with database.transaction(SYSTEM) as tx:
        vendor = enrol_employer(tx, organisation=agency.id, name=" Example Vendor ", engaged_until=until)
        person = enrol_person(tx, organisation=agency.id, name="Cy", email="cy@vendor.example", employer=vendor.id)
    assert vendor == Employer(vendor.id, agency.id, "Example Vendor", until)
    assert person.employer == vendor
    assert person.works_until == until
    assert own.works_until is None
    with database.transaction(viewer) as tx:
        assert list_employers(tx, agency.id) == (vendor,)
        assert read_employer(tx, vendor.id) == vendor
        assert read_person(tx, person.id) == person
        assert set(list_people(tx, agency.id)) == {own, person}
        assert read_people(tx, [own.id, person.id]) == {own.id: own, person.id: person}
    with database.transaction(SYSTEM) as tx:
        remove_person(tx, own.id)
        assert read_people(tx, [own.id, person.id]) == {person.id: person}


def test_nothing_of_a_vendors_people_works_from_its_end_on(database: Database, clock: SettableClock) -> None:
    agency, _, _ = enrol(database, Role.AGENCY)
    with database.transaction(SYSTEM) as tx:
        vendor = enrol_employer(tx, organisation=agency.id, name="Vendor", engaged_until=clock.now() + DAYS_30)
        person = enrol_person(tx, organisation=agency.id, name="Cy", email="cy@vendor.example", employer=vendor.id)
        token = issue_token(tx, person.id, days=365)
    assert token.expires_at == clock.now() + DAYS_30
    clock.advance(days=10)
    with database.transaction(SYSTEM) as tx:
        authenticate(tx, token.secret)
        assert end_engagement(tx, vendor.id).engaged_until == clock.now()
        with pytest.raises(Refused, match="this credential is not accepted"):
            authenticate(tx, token.secret)
    ended = clock.now()
    clock.advance(days=1)
    with database.transaction(SYSTEM) as tx:
        assert end_engagement(tx, vendor.id).engaged_until == ended


def test_an_employer_is_of_one_organisation_and_has_an_end_to_come(database: Database, clock: SettableClock) -> None:
    agency, _, viewer = enrol(database, Role.AGENCY)
    other, _, stranger = enrol(database, Role.OPERATOR)
    until = clock.now() + DAYS_30
    with database.transaction(SYSTEM) as tx:
        vendor = enrol_employer(tx, organisation=agency.id, name="Vendor", engaged_until=until)
        with pytest.raises(Conflict, match="this employer works for another organisation"):
            enrol_person(tx, organisation=other.id, name="Cy", email="cy@vendor.example", employer=vendor.id)
        with pytest.raises(Malformed, match="an end lies in the past"):
            enrol_employer(tx, organisation=agency.id, name="Vendor", engaged_until=clock.now())
        with pytest.raises(Missing, match="there is no such employer"):
            read_employer(tx, EmployerId(new_id(clock.now())))
    with database.transaction(viewer) as tx:
        with pytest.raises(Refused):
            enrol_employer(tx, organisation=agency.id, name="Mine", engaged_until=until)
        with pytest.raises(Refused):
            end_engagement(tx, vendor.id)
    with database.transaction(stranger) as tx:
        with pytest.raises(Missing):
            list_employers(tx, agency.id)
        with pytest.raises(Missing):
            read_employer(tx, vendor.id)
        assert read_people(tx, [viewer.person]) == {}
