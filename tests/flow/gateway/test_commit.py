"""The one writer: many calls in one commit, an outage lets nothing out, and what is in doubt is voided."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import uuid4

import pytest
from psycopg import AsyncConnection, OperationalError
from psycopg.errors import ReadOnlySqlTransaction, UndefinedColumn
from sqlalchemy import text

from leadtime.flow import window
from leadtime.flow.gateway import commit
from leadtime.flow.gateway.commit import Committer
from leadtime.flow.gateway.limits import PROCESS_SECONDS_MAX
from leadtime.flow.gateway.records import (
    Alarm,
    AlarmKind,
    Answered,
    Ended,
    Proof,
    Reason,
    Refusal,
    Settlement,
    Usage,
)
from leadtime.flow.gateway.refusals import RefusalCount
from leadtime.flow.gateway.rules import charge_of
from leadtime.flow.gateway.witness import Request, witness_call
from leadtime.flow.window import Limits, find_standings
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
    _, secret = a_grant(database, an_offer(database, name=str(uuid4())))
    with database.transaction(SYSTEM) as tx:
        return replace(find_standings(tx, [token_hash(secret)])[token_hash(secret)], **changed)


def a_call(database, stands, proof=None):
    return witness_call(
        database.keys,
        stands,
        FULL,
        ASKED,
        caller=CALLER,
        reservation=RESERVATION,
        request=Request(90, b"s" * 32),
        at=database.clock.now(),
        proof=proof,
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


def test_no_call_passes_after_its_window_was_ended(database, address):
    """Whatever the process believes: the end of a window and a call's commit have one order, that of the database."""
    offer = an_offer(database)
    _, secret = a_grant(database, offer)
    with database.transaction(SYSTEM) as tx:
        stands = find_standings(tx, [token_hash(secret)])[token_hash(secret)]

    async def run():
        async with committing(database, address) as committer:
            before = await committer.let_through(*a_call(database, stands))
            with database.transaction(offer.developer.viewer) as tx:
                window.withdraw(tx, offer.window.id)
            return before, await committer.let_through(*a_call(database, stands))

    assert asyncio.run(run()) == (None, Refusal(Reason.ENDED, "this access is over", "Ask the model's developer."))
    assert kinds(database) == ["call", "refusal"]


def test_writers_that_share_a_budget_notice_each_other(database, address):
    stands = standing(database, limits=Limits(requests=5, concurrency=3))

    async def run():
        async with committing(database, address) as one, committing(database, address) as other:
            answers = [await writer.let_through(*a_call(database, stands)) for writer in (one, one, other, one, other)]
            return [answer and answer.reason for answer in answers]

    assert asyncio.run(run()) == [None, None, None, Reason.CONCURRENCY, Reason.CONCURRENCY]
    assert used(database, stands.grant) == (3, 450, 1_800)


def test_a_proof_is_good_once_whichever_process_sees_it(database, address):
    stands, proof = standing(database), Proof(b"p" * 32, database.clock.now())

    async def run():
        async with committing(database, address) as one, committing(database, address) as other:
            answers = [
                await writer.let_through(*a_call(database, stands, proof)) for writer in (one, one, other, other)
            ]
            together = await asyncio.gather(
                *(one.let_through(*a_call(database, stands, Proof(b"q" * 32, proof.expires_at))) for _ in range(2))
            )
            return [answer and answer.reason for answer in (*answers, *together)]

    assert asyncio.run(run()) == [None, Reason.PROOF, Reason.PROOF, Reason.PROOF, None, Reason.PROOF]


@pytest.mark.parametrize("trouble", [ReadOnlySqlTransaction, UndefinedColumn, OperationalError])
def test_what_has_ended_is_kept_through_any_trouble_of_the_database(database, address, monkeypatch, trouble):
    """A database that is read-only for a while, or in the middle of a migration, loses no end of a call."""
    write, failing = commit.write, [3]
    stands = standing(database)

    async def broken(connection, process, writing):
        if writing.settled and failing[0]:
            failing[0] -= 1
            raise trouble
        await write(connection, process, writing)

    monkeypatch.setattr(commit, "write", broken)

    async def run():
        async with committing(database, address) as committer:
            call, leaf = a_call(database, stands)
            await committer.let_through(call, leaf)
            committer.settle(settlement(database, call, Usage(3, 2)), b"a" * 32)

    asyncio.run(run())
    assert failing == [0]
    assert used(database, stands.grant) == (1, 5, 22)
    assert kinds(database) == ["call", "settled"]


def test_a_grant_that_ends_while_a_batch_is_decided_takes_none_of_the_others_with_it(database, address, monkeypatch):
    over, stays = standing(database), standing(database)
    read = commit.read_locked

    async def ending(connection, process, asking):
        found = await read(connection, process, asking)
        monkeypatch.setattr(commit, "read_locked", read)
        with database.transaction(SYSTEM) as tx:
            tx.connection.execute(text("update grants set ended_at = now() where id = :id"), {"id": over.grant})
        return found

    monkeypatch.setattr(commit, "read_locked", ending)

    async def run():
        async with committing(database, address) as committer:
            calls = (committer.let_through(*a_call(database, stands)) for stands in (over, stays))
            return await asyncio.gather(*calls)

    ended, let = asyncio.run(run())
    assert (ended.reason, let) == (Reason.ENDED, None)


def test_a_process_that_was_taken_for_dead_takes_its_places_again(database, address, monkeypatch):
    """All of them with its next commit, and not only those of the budgets that this one draws on."""
    one, other = standing(database), standing(database)

    async def run():
        async with committing(database, address) as committer:
            for stands in (one, other):
                await committer.let_through(*a_call(database, stands))
            with database.transaction(SYSTEM) as tx:
                tx.connection.execute(text("delete from gateway_leases"))
            monkeypatch.setattr(committer, "seen_at", committer.seen_at - PROCESS_SECONDS_MAX)
            await committer.let_through(*a_call(database, one))
            with database.transaction(SYSTEM) as tx:
                rows = tx.connection.execute(text("select account, live from gateway_leases"))
                return {row.account: row.live for row in rows}

    live = asyncio.run(run())
    assert (live[one.grant], live[other.grant]) == (2, 1)


@pytest.mark.parametrize("poison", ["\ud800", "\x00"])
def test_what_cannot_be_written_stops_nothing_else(database, address, poison):
    """Such a call is charged all that it reserved, and the others come to their own ends."""
    stands = standing(database)

    async def run():
        async with committing(database, address) as committer:
            ends = []
            for number in range(4):
                call, leaf = a_call(database, stands)
                await committer.let_through(call, leaf)
                ended = settlement(database, call, Usage(3, 2))
                alarm = Alarm(AlarmKind.UPSTREAM_CHANGED, poison)
                odd = replace(ended, charge=replace(ended.charge, alarms=(alarm,)))
                ends.append(odd if number == 1 else ended)
            for end in ends:
                committer.settle(end, b"a" * 32)
            return await committer.let_through(*a_call(database, stands))

    assert asyncio.run(run()) is None
    assert kinds(database) == ["call"] * 5 + ["settled"] * 4
    assert used(database, stands.grant) == (5, 3 * 5 + 150 + 150, 3 * 22 + 600 + 600)


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
