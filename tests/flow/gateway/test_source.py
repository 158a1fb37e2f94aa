"""What a gateway hears of at once: not windows alone, but people, their vendors, and what keeps them away."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from psycopg import AsyncConnection

from leadtime.flow import parties, window
from leadtime.flow.gateway import DatabaseStandings
from leadtime.foundation.access import SYSTEM, Role
from leadtime.foundation.database.connect import bounded
from tests.flow.window.factories import an_offer, party

SECONDS_MAX = 60.0
"""A bound for a machine that is busy: what is told is heard in milliseconds."""


def remove(tx, offer):
    parties.remove_person(tx, offer.agency.person.id)


def end_a_vendor(tx, offer):
    (vendor,) = parties.list_employers(tx, offer.agency.organisation.id)
    parties.end_engagement(tx, vendor.id)


def state_a_conflict(tx, offer):
    house, developer = offer.agency.organisation.id, offer.developer.organisation.id
    parties.state_conflict(tx, organisation=house, developer=developer, reason="rivals")


def end_a_conflict(tx, offer):
    (stated,) = parties.list_conflicts(tx, offer.agency.organisation.id)
    parties.end_conflict(tx, stated.id)


def mark_a_person(tx, offer):
    parties.mark_person(tx, offer.agency.person.id, foreign_access=True)


def mark_an_organisation(tx, offer):
    parties.mark_organisation(tx, offer.agency.organisation.id, foreign_access=True)


async def heard_after(database, address, act):
    """What is heard of ``act`` by a gateway that listens already."""

    async def connect():
        return await AsyncConnection.connect(bounded(address.app), autocommit=True)

    source = DatabaseStandings(database, connect)
    try:
        assert await source.hear(0) is None, "whatever came before it listened may have been missed"
        assert await source.hear(0) == frozenset()
        await asyncio.to_thread(act)
        return await source.hear(SECONDS_MAX)
    finally:
        await source.close()


@pytest.mark.parametrize(
    "change", [remove, end_a_vendor, state_a_conflict, end_a_conflict, mark_a_person, mark_an_organisation]
)
def test_what_ends_a_persons_access_is_told_at_once_and_may_be_anybodys(database, address, change):
    offer = an_offer(database)
    house, rival = offer.agency.organisation.id, party(database, Role.DEVELOPER, "Rival").organisation.id
    with database.transaction(SYSTEM) as tx:
        parties.enrol_employer(tx, organisation=house, name="Vendor", engaged_until=tx.now + timedelta(days=9))
        parties.state_conflict(tx, organisation=house, developer=rival, reason="rivals")

    def act():
        with database.transaction(SYSTEM) as tx:
            change(tx, offer)

    assert asyncio.run(heard_after(database, address, act)) is None


def test_a_windows_change_names_its_model(database, address):
    offer = an_offer(database)

    def act():
        with database.transaction(offer.developer.viewer) as tx:
            window.withdraw(tx, offer.window.id)

    assert asyncio.run(heard_after(database, address, act)) == {offer.model.id}
