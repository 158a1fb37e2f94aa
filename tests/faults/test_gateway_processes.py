"""I2 over several gateway processes on one database: no overshoot, whoever is killed when, and cuts on all of them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path

import aiohttp
import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import text

from leadtime.flow import window
from leadtime.flow.gateway import Ended, sweep
from leadtime.flow.window import GrantWanted, Limits
from leadtime.foundation.access import SYSTEM
from tests.doors.model_api.clients import ASK
from tests.doors.model_api.standing import an_access, await_listening, limited
from tests.doors.model_api.upstream import answering
from tests.faults.deaths import await_burial

PROCESS = Path(__file__).with_name("gateway_process.py")
CHECKOUT = Path(__file__).parents[2]
CALLS = 64


@pytest.fixture
def upstream():
    with answering() as running:
        yield running


class Gateway:
    """One gateway process."""

    def __init__(self, server, address, gap: str = "none") -> None:
        name = conninfo_to_dict(address.app)["dbname"]
        self.process = subprocess.Popen(
            [sys.executable, str(PROCESS), str(server.directory), name, gap],
            cwd=CHECKOUT,
            env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        port = int(self.process.stdout.readline())
        await_listening(port)
        self.url = f"http://127.0.0.1:{port}"

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def end(self) -> None:
        self.process.communicate()


@contextmanager
def gateways(server, address, count: int = 2):
    with ExitStack() as stack:
        running = [Gateway(server, address) for _ in range(count)]
        for one in running:
            stack.callback(lambda one=one: one.process.poll() is None and one.end())
        yield running


async def ask(session, url, access, variant, **more):
    headers = {"authorization": f"Bearer {access.secret}"}
    body = {"model": access.name(variant), "messages": ASK, **more}
    try:
        async with session.post(f"{url}/v1/chat/completions", json=body, headers=headers) as answer:
            return answer.status, (await answer.json()).get("error", {}).get("code")
    except aiohttp.ClientError:
        return 0, "broken off"


def all_at_once(running, access, upstream, variant="held", **more) -> Counter:
    """Have all calls come at once, over all processes; those let through are held until every other was refused."""

    async def run():
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            urls = [running[number % len(running)].url for number in range(CALLS)]
            asked = [asyncio.ensure_future(ask(session, url, access, variant, **more)) for url in urls]
            while sum(one.done() for one in asked) + len(upstream.seen) < CALLS:  # noqa: ASYNC110  # another thread's
                await asyncio.sleep(0.01)
            upstream.go.set()
            return Counter(await asyncio.gather(*asked))

    return asyncio.run(run())


def balance(database, account):
    with database.transaction(SYSTEM) as tx:
        query = text("select requests, tokens, micro_usd from gateway_accounts where account = :account")
        return tuple(tx.connection.execute(query, {"account": account}).one())


def age_processes(database) -> None:
    """Make every process look silent for a minute; those that live say so again within a second."""
    with database.transaction(SYSTEM) as tx:
        tx.connection.execute(text("update gateway_processes set seen_at = seen_at - interval '1 minute'"))


def test_requests_never_pass_their_limit(server, database, address, upstream):
    access = an_access(database, upstream.url, terms=limited(requests=10))
    with gateways(server, address) as running:
        answers = all_at_once(running, access, upstream)
    assert answers == {(200, None): 10, (429, "insufficient_quota"): CALLS - 10}
    assert len(upstream.seen) == 10
    assert balance(database, access.offer.agreement.id)[0] == 10


def test_tokens_never_pass_their_limit_and_a_restart_forgets_nothing(server, database, address, upstream):
    wanted = GrantWanted("find flaws", limits=Limits(tokens=7_000))
    access = an_access(database, upstream.url, terms=limited(tokens=50_000), wanted=wanted)
    with gateways(server, address) as running:
        answers = all_at_once(running, access, upstream, max_tokens=50)
    passed = answers[(200, None)]
    assert 1 < passed < CALLS
    assert passed * 12 == balance(database, access.grant.id)[1]
    reserved = max(call.reserved.tokens for call in access.settled(passed))
    assert passed * reserved <= 7_000 < (passed + 1) * reserved
    with gateways(server, address, 1) as (again,):
        upstream.seen.clear()
        answers = all_at_once([again], access, upstream, max_tokens=50)
    assert balance(database, access.grant.id)[1] <= 7_000
    assert answers[(200, None)] >= 1


def test_calls_at_once_never_pass_their_limit(server, database, address, upstream):
    access = an_access(database, upstream.url, terms=limited(concurrency=7))
    with gateways(server, address) as running:
        answers = all_at_once(running, access, upstream)
    assert answers == {(200, None): 7, (429, "rate_limit_exceeded"): CALLS - 7}
    assert upstream.most_open == 7


def test_a_killed_process_gives_back_its_places_late_and_its_reservations_never(server, database, address, upstream):
    access = an_access(database, upstream.url, terms=limited(concurrency=4, requests=10))

    async def run(doomed, other):
        async with aiohttp.ClientSession() as session:
            held = [asyncio.ensure_future(ask(session, doomed.url, access, "held")) for _ in range(4)]
            while len(upstream.seen) < 4:  # noqa: ASYNC110  # another thread's
                await asyncio.sleep(0.01)
            doomed.kill()
            broken = await asyncio.gather(*held)
            at_once = await ask(session, other.url, access, "plain")
            await asyncio.to_thread(age_processes, database)
            later = (429, "")
            while later[0] == 429:
                later = await ask(session, other.url, access, "plain")
            return set(broken), at_once, later

    with gateways(server, address) as (doomed, other):
        broken, at_once, later = asyncio.run(run(doomed, other))
    await_burial(database, address)
    age_processes(database)
    with database.transaction(SYSTEM) as tx:
        sweep(tx)
    assert broken == {(0, "broken off")}
    assert at_once == (429, "rate_limit_exceeded")
    assert later == (200, None)
    assert balance(database, access.offer.agreement.id)[0] == 5
    ends = Counter(call.ended for call in access.calls())
    assert ends == {Ended.FORFEITED: 4, Ended.WHOLE: 1}
    with database.transaction(SYSTEM) as tx:
        assert sweep(tx) == 0


@pytest.mark.parametrize(("gap", "leaves"), [("before", 0), ("after", 1)])
def test_killed_around_its_commit_a_process_has_sent_nothing(server, database, address, upstream, gap, leaves):  # noqa: PLR0917  # fixtures
    access = an_access(database, upstream.url, terms=limited(requests=10))
    doomed = Gateway(server, address, gap)

    async def run():
        async with aiohttp.ClientSession() as session:
            return await ask(session, doomed.url, access, "plain")

    assert asyncio.run(run()) == (0, "broken off")
    doomed.process.communicate()
    assert doomed.process.returncode == -signal.SIGKILL
    await_burial(database, address)
    assert upstream.seen == []
    assert len(access.calls()) == leaves
    age_processes(database)
    with database.transaction(SYSTEM) as tx:
        assert sweep(tx) == leaves
        called = tx.connection.scalar(
            text("select count(*) from ledger_leaves where convert_from(entry, 'UTF8') like '%\"kind\":\"call\"%'")
        )
    assert called == leaves


def test_withdrawal_cuts_streams_of_every_process_within_a_second(server, database, address, upstream):
    access = an_access(database, upstream.url)
    first_words = threading.Semaphore(0)

    async def stream(session, url):
        headers = {"authorization": f"Bearer {access.secret}"}
        body = {"model": access.name("drip"), "messages": ASK, "stream": True}
        last = b""
        async with session.post(f"{url}/v1/chat/completions", json=body, headers=headers) as answer:
            async for piece in answer.content.iter_any():
                if not last:
                    first_words.release()
                last = piece
        return time.monotonic(), any(code in last for code in (b'"access_ended"', b'"standing_unknown"'))

    async def run(running):
        async with aiohttp.ClientSession() as session:
            streams = [asyncio.ensure_future(stream(session, one.url)) for one in running for _ in range(3)]
            for _ in streams:
                await asyncio.to_thread(first_words.acquire)
            await asyncio.to_thread(withdraw)
            at = time.monotonic()
            return at, await asyncio.gather(*streams)

    def withdraw():
        with database.transaction(access.offer.developer.viewer) as tx:
            window.withdraw(tx, access.offer.window.id)

    with gateways(server, address) as running:
        at, ends = asyncio.run(run(running))
    assert all(cut for _, cut in ends)
    assert max(ended for ended, _ in ends) - at < 1.0
