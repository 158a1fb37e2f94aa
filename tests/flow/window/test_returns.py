from __future__ import annotations

import pytest

from leadtime.flow import parties, window
from leadtime.flow.window import Disposition, Return
from leadtime.foundation.access import SYSTEM, Role, Viewer
from leadtime.foundation.errors import Conflict, Refused
from tests.flow.window.factories import NOW, a_grant, an_offer


@pytest.fixture
def over(database):
    offer = an_offer(database)
    made, _ = a_grant(database, offer)
    with database.transaction(offer.developer.viewer) as tx:
        window.withdraw(tx, offer.window.id)
    return offer, made


def test_each_holder_signs_off_what_became_of_what_they_had(database, over):
    offer, made = over
    waiting = Return(
        grant=made.id,
        organisation=offer.agency.organisation.id,
        organisation_name="Example agency",
        person=offer.agency.person.id,
        person_name="Ada Example",
        disposition=None,
        note="",
        signed_by=None,
        signed_at=None,
    )
    with database.transaction(offer.developer.viewer) as tx:
        assert window.list_returns(tx, offer.window.id) == (waiting,)
    with database.transaction(offer.agency.viewer) as tx:
        signed = window.sign_off(tx, made.id, Disposition.DESTROYED, note="wiped")
    assert signed == Return(
        grant=made.id,
        organisation=offer.agency.organisation.id,
        organisation_name="Example agency",
        person=offer.agency.person.id,
        person_name="Ada Example",
        disposition=Disposition.DESTROYED,
        note="wiped",
        signed_by=offer.agency.person.id,
        signed_at=NOW,
    )
    for who in (offer.developer, offer.agency):
        with database.transaction(who.viewer) as tx:
            assert window.list_returns(tx, offer.window.id) == (signed,)


def test_a_return_is_signed_once(database, over):
    offer, made = over
    with database.transaction(offer.agency.viewer) as tx:
        window.sign_off(tx, made.id, Disposition.DESTROYED)
        with pytest.raises(Conflict) as caught:
            window.sign_off(tx, made.id, Disposition.RETURNED)
    assert str(caught.value) == "grant: this return was signed off before. Read the return list."


def test_nothing_is_signed_while_access_stands(database):
    offer = an_offer(database)
    made, _ = a_grant(database, offer)
    with database.transaction(offer.agency.viewer) as tx, pytest.raises(Conflict) as caught:
        window.sign_off(tx, made.id, Disposition.DESTROYED)
    assert str(caught.value) == "grant: this access is not over. End the grant, or wait for its end."


def test_a_colleague_signs_only_for_somebody_who_is_gone(database, over):
    offer, made = over
    with database.transaction(SYSTEM) as tx:
        other = parties.enrol_person(
            tx, organisation=offer.agency.organisation.id, name="Bo Example", email="bo@example.org"
        )
    viewer = Viewer(Role.AGENCY, offer.agency.organisation.id, other.id)
    with database.transaction(viewer) as tx, pytest.raises(Refused):
        window.sign_off(tx, made.id, Disposition.DESTROYED)
    with database.transaction(SYSTEM) as tx:
        parties.remove_person(tx, offer.agency.person.id)
    with database.transaction(viewer) as tx:
        assert window.sign_off(tx, made.id, Disposition.DESTROYED).signed_by == other.id


def test_the_developer_signs_for_nobody(database, over):
    offer, made = over
    with database.transaction(offer.developer.viewer) as tx, pytest.raises(Refused):
        window.sign_off(tx, made.id, Disposition.DESTROYED)


def test_a_marked_note_is_refused(database, over):
    offer, made = over
    with database.transaction(offer.agency.viewer) as tx, pytest.raises(Refused) as caught:
        window.sign_off(tx, made.id, Disposition.DESTROYED, note="(S//NF) wiped")
    assert str(caught.value) == (
        "note: this text bears a classification marking, and this installation is not configured to hold such text. "
        "Leave only unclassified facts here, and send the rest by a system that is meant for it."
    )
