from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from leadtime.flow import parties, window
from leadtime.flow.window import Grant, Limits, WindowKind
from leadtime.foundation.access import SYSTEM, Role, Viewer
from leadtime.foundation.errors import Conflict, Missing, Refused
from tests.flow.window.factories import DAY, NOW, TERMS, WANTED, a_grant, an_offer, limited, party


def refused(database, viewer, act):
    with database.transaction(viewer) as tx, pytest.raises((Refused, Conflict, Missing)) as caught:
        act(tx)
    return str(caught.value)


def colleague(database, offer, **wanted):
    with database.transaction(SYSTEM) as tx:
        person = parties.enrol_person(
            tx, organisation=offer.agency.organisation.id, name="Bo Example", email="bo@example.org", **wanted
        )
    return person, Viewer(Role.AGENCY, offer.agency.organisation.id, person.id)


def test_a_grant_is_for_a_named_person_and_both_sides_see_it(database):
    offer = an_offer(database)
    with database.transaction(offer.agency.viewer) as tx:
        made = window.grant(tx, offer.entry.id, offer.agency.person.id, WANTED)
    assert made == Grant(
        id=made.id,
        entry=offer.entry.id,
        window=offer.window.id,
        model=offer.model.id,
        organisation=offer.agency.organisation.id,
        person=offer.agency.person.id,
        person_name="Ada Example",
        purpose="find flaws",
        variants=(),
        limits=Limits(),
        networks=(),
        key_thumbprint=None,
        granted_at=NOW,
        ends_at=NOW + 30 * DAY,
        ended_at=None,
    )
    for who in (offer.developer, offer.agency):
        with database.transaction(who.viewer) as tx:
            assert window.list_grants(tx, offer.window.id) == (made,)
            assert window.read_grant(tx, made.id) == made


def test_the_developer_grants_too_and_never_sees_the_secret(database):
    offer = an_offer(database)
    with database.transaction(offer.developer.viewer) as tx:
        made = window.grant(tx, offer.entry.id, offer.agency.person.id, WANTED)
    sentence = refused(database, offer.developer.viewer, lambda tx: window.issue_credential(tx, made.id))
    assert sentence == "the role developer may not use a grant. Ask somebody whose organisation has the role for it."


def test_a_colleague_does_not_draw_anothers_credential(database):
    offer = an_offer(database)
    made, _ = a_grant(database, offer)
    _, viewer = colleague(database, offer)
    sentence = refused(database, viewer, lambda tx: window.issue_credential(tx, made.id))
    assert sentence == f"{made.id}: there is no such grant of yours. Check who you are signed in as."


def test_a_credential_is_not_drawn_once_access_is_over(database):
    offer = an_offer(database)
    made, _ = a_grant(database, offer)
    with database.transaction(offer.developer.viewer) as tx:
        window.withdraw(tx, offer.window.id)
    sentence = refused(database, offer.agency.viewer, lambda tx: window.issue_credential(tx, made.id))
    assert sentence == (
        "grant: this access does not stand: the developer withdrew it. Ask the developer if that is a mistake."
    )


def test_nobody_of_another_organisation_is_granted_access(database):
    offer = an_offer(database)
    outsider = party(database, Role.AGENCY, "Other Agency")
    for person in (outsider.person.id, UUID(int=1)):
        sentence = refused(
            database, offer.agency.viewer, lambda tx, p=person: window.grant(tx, offer.entry.id, p, WANTED)
        )
        assert sentence == "person: this organisation has no such person. Ask it for the person's id."


def test_a_grant_stays_within_the_agreement(database):
    offer = an_offer(database, terms=replace(TERMS, limits=Limits(requests=10), networks=("192.0.2.0/24",)))
    for wanted, sentence in (
        (replace(WANTED, purpose="training"), "purpose: the agreement bars training."),
        (replace(WANTED, purpose="write poems"), "purpose: this purpose is outside the agreement."),
        (limited(requests=11), "limits.requests: this limit is beyond the agreement's 10."),
        (replace(WANTED, networks=("198.51.100.0/24",)), "networks: this network is outside the agreement."),
    ):
        told = refused(
            database,
            offer.agency.viewer,
            lambda tx, w=wanted: window.grant(tx, offer.entry.id, offer.agency.person.id, w),
        )
        assert told.startswith(sentence)


def test_no_grant_in_a_window_that_is_over(database):
    offer = an_offer(database)
    with database.transaction(offer.developer.viewer) as tx:
        window.withdraw(tx, offer.window.id)
    sentence = refused(
        database, offer.agency.viewer, lambda tx: window.grant(tx, offer.entry.id, offer.agency.person.id, WANTED)
    )
    assert sentence == (
        "window: in a window that is withdrawn there is no move to grant to a person. Read the window again."
    )


def test_a_person_whose_vendor_is_gone_gets_no_grant(database, clock):
    offer = an_offer(database)
    with database.transaction(SYSTEM) as tx:
        vendor = parties.enrol_employer(
            tx, organisation=offer.agency.organisation.id, name="Contractor", engaged_until=NOW + DAY
        )
    person, viewer = colleague(database, offer, employer=vendor.id)
    with database.transaction(offer.agency.viewer) as tx:
        made = window.grant(tx, offer.entry.id, person.id, WANTED)
    with database.transaction(SYSTEM) as tx:
        assert window.standings(tx, [made.id])[made.id].ends_at == NOW + DAY
    clock.advance(days=1)
    sentence = refused(database, viewer, lambda tx: window.issue_credential(tx, made.id))
    assert sentence.startswith("grant: this access does not stand: its end was reached.")
    sentence = refused(database, offer.agency.viewer, lambda tx: window.grant(tx, offer.entry.id, person.id, WANTED))
    assert sentence == "person: this person's time, or their vendor's, is over. Choose somebody who is active."


def test_a_grant_is_ended_by_nobody_else(database):
    offer = an_offer(database)
    made, _ = a_grant(database, offer)
    stranger = party(database, Role.AGENCY, "Other Agency")
    sentence = refused(database, stranger.viewer, lambda tx: window.end_grant(tx, made.id))
    assert sentence == f"{made.id}: there is no such grant. Check the id."


def test_an_offer_of_another_window_does_not_revive_a_grant(database):
    offer = an_offer(database)
    made, _ = a_grant(database, offer)
    with database.transaction(offer.developer.viewer) as tx:
        window.withdraw(tx, offer.window.id)
        again = window.open_window(tx, offer.model.id, WindowKind.GOVERNMENT)
        window.offer_to(tx, again.id, offer.agreement.id)
    with database.transaction(SYSTEM) as tx:
        assert window.standings(tx, [made.id])[made.id].ended is not None
