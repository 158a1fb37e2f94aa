"""What ends access ends live streams within a second; what a caller leaves is left upstream too."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from contextlib import closing
from dataclasses import replace
from http.client import HTTPConnection

import httpx
import openai
import pytest
from sqlalchemy import text

from leadtime.flow import parties, window
from leadtime.flow.gateway import Ended
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.keys import token_hash
from tests.doors.model_api.clients import ASK, openai_client
from tests.doors.model_api.standing import an_access, another_grant, serving


def withdraw(database, access, clock):
    with database.transaction(access.offer.developer.viewer) as tx:
        window.withdraw(tx, access.offer.window.id)


def release(database, access, clock):
    with database.transaction(access.offer.developer.viewer) as tx:
        window.release(tx, access.offer.model.id)


def end_grant(database, access, clock):
    with database.transaction(access.offer.agency.viewer) as tx:
        window.end_grant(tx, access.grant.id)


def remove_person(database, access, clock):
    with database.transaction(SYSTEM) as tx:
        parties.remove_person(tx, access.offer.agency.person.id)


def draw_another_credential(database, access, clock):
    with database.transaction(access.offer.agency.viewer) as tx:
        window.issue_credential(tx, access.grant.id)


def let_it_expire(database, access, clock):
    clock.advance(days=30)


ENDS = [withdraw, release, end_grant, remove_person, let_it_expire]


@pytest.mark.parametrize("end", [*ENDS, draw_another_credential])
def test_a_live_stream_is_cut_within_a_second_and_the_next_call_refused(database, served, upstream, clock, end):
    access = an_access(database, upstream.url)
    with openai_client(served, access) as client:
        stream = iter(client.chat.completions.create(model=access.name("drip"), messages=ASK, stream=True))
        assert next(stream).choices[0].delta.content == "drop "
        end(database, access, clock)
        at = time.monotonic()
        with pytest.raises(openai.APIError) as cut:
            for _ in stream:
                pass
        assert time.monotonic() - at < 1.0
        assert cut.value.code == "access_ended"
        upstream.wait_until_left()
        with pytest.raises((openai.PermissionDeniedError, openai.AuthenticationError)):
            client.chat.completions.create(model=access.name("plain"), messages=ASK)
    seen = access.settled()
    assert [call.ended for call in seen] == [Ended.ACCESS_ENDED]


def test_a_call_that_waits_for_its_answer_is_cut_too(database, served, upstream, clock):
    access = an_access(database, upstream.url)
    with openai_client(served, access) as client:
        failed = []

        def ask():
            try:
                client.chat.completions.create(model=access.name("stall"), messages=ASK)
            except openai.PermissionDeniedError as error:
                failed.append(error.code)

        asking = threading.Thread(target=ask)
        asking.start()
        until(lambda: upstream.seen)
        withdraw(database, access, clock)
        asking.join(5)
    assert failed == ["access_ended"]
    upstream.wait_until_left()


def test_a_call_that_is_cut_before_it_was_sent_is_void(database, served, upstream, clock, monkeypatch):
    """No developer's log can show it, so the ledger must not claim that it came."""
    access, entered = an_access(database, upstream.url), threading.Event()

    async def never(_):
        entered.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(served.gateway.standings, "credential_of", never)
    with openai_client(served, access) as client:
        asking = threading.Thread(target=lambda: ask(client, access))
        asking.start()
        assert entered.wait(10)
        withdraw(database, access, clock)
        asking.join(10)
    (call,) = access.settled()
    assert (call.ended, call.charged.tokens, call.charged.micro_usd) == (Ended.NOT_SENT, 0, 0)
    with database.transaction(SYSTEM) as tx:
        entries = list(tx.connection.scalars(text("select convert_from(entry, 'UTF8') from ledger_leaves")))
    assert len([entry for entry in entries if '"kind":"void"' in entry]) == 1
    assert upstream.seen == []


def test_a_call_is_judged_by_how_its_access_stands_once_its_body_is_here(database, served, upstream):
    """Whoever holds an upload open keeps no budget that was taken away meanwhile."""
    access = an_access(database, upstream.url)
    body = json.dumps({"model": access.name("plain"), "messages": ASK}).encode()
    with closing(HTTPConnection(served.url.removeprefix("http://"), timeout=20)) as connection:
        connection.putrequest("POST", "/v1/chat/completions")
        for name, value in (("x-api-key", access.secret), ("content-length", str(len(body)))):
            connection.putheader(name, value)
        connection.endheaders(body[:10])
        agreed = access.offer.agreement
        with database.transaction(access.offer.developer.viewer) as tx:
            window.agree_anew(tx, agreed.id, replace(agreed.terms, limits=window.Limits(tokens=1)))
        until(lambda: knows(served, access, tokens=1))
        connection.send(body[10:])
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["error"]["code"]) == (429, "insufficient_quota")
    assert upstream.seen == []


def knows(served, access, tokens):
    """Tell whether the gateway has heard of an agreement's new limit."""
    asking = served.gateway.standings.of(token_hash(access.secret))
    return asyncio.run_coroutine_threadsafe(asking, served.loop).result(10).budget.tokens == tokens


def until(holds):
    for _ in range(500):
        if holds():
            return
        threading.Event().wait(0.02)
    raise TimeoutError


def ask(client, access):
    with pytest.raises(openai.PermissionDeniedError):
        client.chat.completions.create(model=access.name("plain"), messages=ASK)


def test_refused_after_the_end_says_why(database, served, upstream, clock):
    access = an_access(database, upstream.url)
    withdraw(database, access, clock)
    with openai_client(served, access) as client, pytest.raises(openai.PermissionDeniedError) as over:
        client.chat.completions.create(model=access.name("plain"), messages=ASK)
    assert over.value.body["message"] == "this access is over: the developer withdrew it. Ask the model's developer."
    assert upstream.seen == []


def test_at_its_last_instant_it_works_and_at_its_end_not(database, served, upstream, clock):
    access = an_access(database, upstream.url)
    clock.at = access.offer.window.ends_at
    with openai_client(served, access) as client:
        with pytest.raises(openai.PermissionDeniedError):
            client.chat.completions.create(model=access.name("plain"), messages=ASK)
        clock.advance(microseconds=-1)
        assert client.chat.completions.create(model=access.name("plain"), messages=ASK)


def test_a_caller_that_leaves_ends_the_upstream_call(database, served, upstream):
    access = an_access(database, upstream.url)
    with openai_client(served, access, max_retries=3) as client:
        stream = client.chat.completions.create(model=access.name("drip"), messages=ASK, stream=True)
        next(iter(stream))
        stream.close()
    upstream.wait_until_left()
    (call,) = access.settled()
    assert call.ended is Ended.CALLER_LEFT


def test_a_caller_that_times_out_before_any_answer_ends_it_too(database, served, upstream):
    access = an_access(database, upstream.url)
    with openai_client(served, access, timeout=0.5) as client, pytest.raises(openai.APITimeoutError):
        client.chat.completions.create(model=access.name("stall"), messages=ASK)
    upstream.wait_until_left()
    assert access.settled()[0].ended is Ended.CALLER_LEFT


def test_a_slow_reader_is_not_read_for(database, served, upstream, monkeypatch):
    """The upstream is read no faster than the caller reads: what neither has taken fits into sockets and one buffer."""
    access = an_access(database, upstream.url)
    headers = {"authorization": f"Bearer {access.secret}"}
    body = {"model": access.name("endless"), "messages": ASK, "stream": True}
    with httpx.stream("POST", f"{served.url}/v1/chat/completions", json=body, headers=headers, timeout=10) as answer:
        assert answer.status_code == 200
        before = -1
        while upstream.written_bytes != before:
            before = upstream.written_bytes
            threading.Event().wait(0.3)
    assert before < 16 << 20
    upstream.wait_until_left()
    assert access.settled()[0].ended is Ended.CALLER_LEFT


def test_a_gateway_that_stops_ends_its_calls_and_settles_them(database, address, upstream):
    access = an_access(database, upstream.url)
    with serving(database, address) as served, openai_client(served, access) as client:
        stream = iter(client.chat.completions.create(model=access.name("drip"), messages=ASK, stream=True))
        next(stream)
        served.loop.call_soon_threadsafe(served.stop.set)
        with pytest.raises(openai.APIError):
            for _ in stream:
                pass
        upstream.wait_until_left()
    assert access.settled()[0].ended is Ended.STOPPED


def test_calls_at_once_are_bounded_and_the_place_is_free_again(database, served, upstream):
    access = an_access(database, upstream.url)
    narrow = another_grant(
        database, access.offer, window.GrantWanted("find flaws", limits=window.Limits(concurrency=1))
    )
    with openai_client(served, narrow) as client:
        stream = client.chat.completions.create(model=narrow.name("drip"), messages=ASK, stream=True)
        next(iter(stream))
        with pytest.raises(openai.RateLimitError) as full:
            client.chat.completions.create(model=narrow.name("plain"), messages=ASK)
        stream.close()
        narrow.settled()
        assert client.chat.completions.create(model=narrow.name("plain"), messages=ASK)
    assert full.value.body["code"] == "rate_limit_exceeded"
    assert full.value.response.headers["x-should-retry"] == "true"
