"""Refusals of moves are leaves within bounds: nobody fills a log, or keeps gateways busy, by being refused."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import text

from leadtime.flow import window
from leadtime.flow.window import EventKind
from leadtime.flow.window.refusals import REFUSALS_PER_MINUTE_MAX, RefusalMinute, count_one
from leadtime.foundation.access import SYSTEM, Role
from leadtime.foundation.database.connect import bounded
from tests.flow.window.factories import NOW, an_offer, party

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (None, RefusalMinute(NOW, 1, 0), 0),
        (RefusalMinute(NOW - 59 * SECOND, 19, 0), RefusalMinute(NOW - 59 * SECOND, 20, 0), 0),
        (RefusalMinute(NOW - 59 * SECOND, 20, 0), RefusalMinute(NOW - 59 * SECOND, 20, 1), None),
        (RefusalMinute(NOW - 59 * SECOND, 20, 7), RefusalMinute(NOW - 59 * SECOND, 20, 8), None),
        (RefusalMinute(NOW - 60 * SECOND, 20, 7), RefusalMinute(NOW, 1, 0), 7),
    ],
)
def test_twenty_in_a_minute_are_leaves_and_the_next_minutes_first_counts_the_rest(before, after, told):
    assert REFUSALS_PER_MINUTE_MAX == 20
    assert count_one(before, NOW) == (after, told)


def refuse(database, offer, viewer, times=1):
    for _ in range(times):
        with database.transaction(SYSTEM) as tx:
            window.note_refusal(tx, offer.window.id, viewer, "a milestone is the developer's")


def refusals(database, offer):
    with database.transaction(offer.developer.viewer) as tx:
        lines = window.history_of(tx, offer.model.id)
    return [(line.person, line.note) for line in lines if line.kind is EventKind.REFUSED]


def leaves(database):
    with database.transaction(SYSTEM) as tx:
        return tx.connection.scalar(text("select count(*) from ledger_leaves"))


def test_one_who_is_refused_again_and_again_leaves_so_many_leaves_and_holds_nobody_else_back(database, clock):
    offer, other = an_offer(database), party(database, Role.PARTNER)
    before, person = leaves(database), offer.agency.person.id
    refuse(database, offer, offer.agency.viewer, REFUSALS_PER_MINUTE_MAX + 3)
    refuse(database, offer, other.viewer)
    assert leaves(database) - before == REFUSALS_PER_MINUTE_MAX + 1
    one = (person, "a milestone is the developer's")
    assert refusals(database, offer) == [one] * REFUSALS_PER_MINUTE_MAX + [(other.person.id, one[1])]
    clock.advance(minutes=1)
    refuse(database, offer, offer.agency.viewer, 2)
    told = (person, "a milestone is the developer's (3 more before it were only counted)")
    assert refusals(database, offer)[-2:] == [told, one]


def test_a_refusal_wakes_no_gateway(database, address):
    offer = an_offer(database)

    async def heard():
        connection = await psycopg.AsyncConnection.connect(bounded(address.app), autocommit=True)
        async with connection:
            await connection.execute(f"listen {window.CHANNEL}")
            await asyncio.to_thread(refuse, database, offer, offer.agency.viewer)
            await asyncio.to_thread(withdraw, database, offer)
            return [notice.payload async for notice in connection.notifies(timeout=60, stop_after=1)], [
                notice.payload async for notice in connection.notifies(timeout=0)
            ]

    assert asyncio.run(heard()) == ([str(offer.model.id)], [])


def withdraw(database, offer):
    with database.transaction(offer.developer.viewer) as tx:
        window.withdraw(tx, offer.window.id)
