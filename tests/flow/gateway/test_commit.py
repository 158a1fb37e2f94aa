"""The one writer: many calls in one commit, an outage lets nothing out, and what is in doubt is voided."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import uuid4

import pytest
from psycopg import AsyncConnection, OperationalError
from sqlalchemy import text

from leadtime.flow.gateway import commit
from leadtime.flow.gateway.commit import Committer
from leadtime.flow.gateway.records import Answered, Ended, Reason, Settlement, Usage
from leadtime.flow.gateway.refusals import RefusalCount
from leadtime.flow.gateway.rules import charge_of
from leadtime.flow.gateway.witness import Request, witness_call
from leadtime.flow.window import Limits, find_standing
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.database.connect import bounded
from leadtime.foundation.errors import Unavailable
from leadtime.foundation.keys import token_hash
from tests.flow.gateway.factories import ASKED, CALLER, FULL, RESERVATION
from tests.flow.window.factories import a_grant, an_offer


@asynccontextmanager
async def committing(database, address, connect=None):
    async def connected():
        return await AsyncConnection.connect(bounded(address.app), autocommit=True)

    committer = Committer(connect or connected, database.clock, database.keys, uuid4(), RefusalCount())
    running = asyncio.create_task(committer.run())
    try:
        yield committer
    finally:
        committer.close()
        await running


def standing(database, **changed):
    """How a grant of this database stands, with what the test changes in it."""
    _, secret = a_grant(database, an_offer(database))
    with database.transaction(SYSTEM) as tx:
        return replace(find_standing(tx, token_hash(secret)), **changed)


def a_call(database, stands):
    return witness_call(
        database.keys,
        stands,
        FULL,
        ASKED,
        caller=CALLER,
        reservation=RESERVATION,
        request=Request(90, b"s" * 32),
        at=database.clock.now(),
    )


def settlement(database, call, usage=None, ended=Ended.WHOLE):
    answered = Answered(ended, 200, 10, 10, usage)
    return Settlement(call, answered, charge_of(call, answered), database.clock.now())


def used(database, account):
    with database.transaction(SYSTEM) as tx:
        query = text("select requests, tokens, micro_usd from gateway_accounts where account = :account")
        row = tx.connection.execute(query, {"account": account}).one_or_none()
        return tuple(row) if row else None


def kinds(database):
    with database.transaction(SYSTEM) as tx:
        entries = tx.connection.scalars(text("select convert_from(entry, 'UTF8') from ledger_leaves"))
        found = sorted(entry.split('"kind":"')[1].split('"')[0] for entry in entries)
        return [kind for kind in found if kind in ("call", "refusal", "settled", "void")]


def test_calls_that_come_together_share_a_commit(database, address):
    stands = standing(database, limits=Limits(requests=40))

    async def run():
        async with committing(database, address) as committer:
            answers = await asyncio.gather(*(committer.let_through(*a_call(database, stands)) for _ in range(64)))
            return answers, committer.commits

    answers, commits = asyncio.run(run())
    assert [answer and answer.reason for answer in answers] == [None] * 40 + [Reason.REQUESTS] * 24
    assert commits <= 3
    assert used(database, stands.grant) == (40, 40 * 150, 40 * 600)
    assert used(database, stands.agreement) == (40, 40 * 150, 40 * 600)
    assert kinds(database) == ["call"] * 40 + ["refusal"] * 24


def test_what_is_left_of_a_reservation_is_free_after_its_end(database, address):
    stands = standing(database, limits=Limits(tokens=150, concurrency=1))

    async def run():
        async with committing(database, address) as committer:
            call, leaf = a_call(database, stands)
            assert await committer.let_through(call, leaf) is None
            crowded = await committer.let_through(*a_call(database, stands))
            committer.settle(settlement(database, call, Usage(3, 2)), b"a" * 32)
            short = await committer.let_through(*a_call(database, stands))
            return crowded.reason, short.reason

    assert asyncio.run(run()) == (Reason.CONCURRENCY, Reason.TOKENS)
    assert used(database, stands.grant) == (1, 5, 22)
    assert kinds(database) == ["call", "refusal", "refusal", "settled"]


def test_nothing_goes_out_while_nothing_can_be_written(database, address):
    async def refuse():
        raise OperationalError

    async def run():
        async with committing(database, address, refuse) as committer:
            task = asyncio.create_task(committer.let_through(*a_call(database, standing(database))))
            with pytest.raises(Unavailable) as unkept:
                await task
            committer._endings.clear()
            return str(unkept.value)

    assert asyncio.run(run()) == (
        "the gateway cannot write its record just now, so it lets no call through. Try again in a second."
    )
    assert kinds(database) == []


@pytest.mark.parametrize("kept", [False, True])
def test_a_commit_that_failed_or_only_seemed_to_is_made_good(database, address, monkeypatch, kept):
    """Each fault both ways: failed and lost, failed but kept. A kept one is voided: it was never sent."""
    write, failing = commit.write, [True]

    async def broken(connection, process, writing):
        if failing and writing.let_through:
            failing.clear()
            if kept:
                await write(connection, process, writing)
            raise OperationalError
        await write(connection, process, writing)

    monkeypatch.setattr(commit, "write", broken)
    stands = standing(database, limits=Limits(requests=1, concurrency=1))

    async def run():
        async with committing(database, address) as committer:
            with pytest.raises(Unavailable):
                await committer.let_through(*a_call(database, stands))
            return await committer.let_through(*a_call(database, stands))

    assert asyncio.run(run()) is None
    assert used(database, stands.grant) == (1, 150, 600)
    assert kinds(database) == (["call", "call", "void"] if kept else ["call"])


def test_a_caller_that_left_before_its_commit_is_voided(database, address):
    stands = standing(database, limits=Limits(requests=5))

    async def run():
        async with committing(database, address) as committer:
            task = asyncio.create_task(committer.let_through(*a_call(database, stands)))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(run())
    assert used(database, stands.grant) == (0, 0, 0)
    assert kinds(database) == ["call", "void"]


def test_a_call_is_settled_once(database, address):
    stands = standing(database, limits=Limits(tokens=1_000))

    async def run():
        async with committing(database, address) as committer:
            call, leaf = a_call(database, stands)
            await committer.let_through(call, leaf)
            with database.transaction(SYSTEM) as tx:
                tx.connection.execute(text("update gateway_calls set settled_at = now(), ended = 'forfeited'"))
            committer.settle(settlement(database, call, Usage(1, 1)), b"a" * 32)

    asyncio.run(run())
    assert used(database, stands.grant) == (1, 150, 600)
    assert kinds(database) == ["call"]


def test_a_clean_end_gives_its_places_back(database, address):
    async def run():
        async with committing(database, address) as committer:
            await committer.let_through(*a_call(database, standing(database, limits=Limits(concurrency=1))))

    asyncio.run(run())
    with database.transaction(SYSTEM) as tx:
        assert tx.connection.scalar(text("select count(*) from gateway_leases")) == 0
        assert tx.connection.scalar(text("select count(*) from gateway_processes")) == 0
