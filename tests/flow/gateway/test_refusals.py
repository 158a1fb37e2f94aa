"""Refusals are leaves, within bounds; strangers are counted and leave nothing."""

from __future__ import annotations

from http.client import HTTPConnection
from types import SimpleNamespace

import httpx
from sqlalchemy import text

from leadtime.flow import window
from leadtime.flow.gateway import RefusalCount
from leadtime.flow.gateway.limits import REFUSALS_PER_MINUTE_MAX
from leadtime.flow.window import GrantId, GrantWanted, Limits
from leadtime.foundation.access import SYSTEM
from tests.doors.model_api.clients import ASK
from tests.doors.model_api.conftest import served, upstream  # noqa: F401  # fixtures are found by their names here
from tests.doors.model_api.standing import an_access, another_grant
from tests.flow.gateway.factories import DAY, NOW, STANDING

OTHER = GrantId(STANDING.window)


def test_sixty_in_a_minute_are_leaves_and_the_next_minutes_first_counts_the_rest():
    count = RefusalCount()
    assert [count.note(STANDING.grant, NOW) for _ in range(REFUSALS_PER_MINUTE_MAX + 5)] == [0] * 60 + [None] * 5
    assert count.note(OTHER, NOW) == 0
    assert count.note(STANDING.grant, NOW + DAY) == 5
    assert count.note(STANDING.grant, NOW + DAY) == 0


def leaf_kinds(database):
    with database.transaction(SYSTEM) as tx:
        entries = tx.connection.scalars(text("select convert_from(entry, 'UTF8') from ledger_leaves"))
        return [kind for entry in entries for kind in ("refusal", "call") if f'"kind":"{kind}"' in entry]


def post(url, access, secret=None, **headers):
    body = {"model": access.name("plain"), "messages": ASK}
    headers = {"authorization": f"Bearer {secret or access.secret}", **headers}
    return httpx.post(f"{url}/v1/chat/completions", json=body, headers=headers)


def too_large(url, access):
    """Say that the body is larger than any may be, and send none of it."""
    connection = HTTPConnection(url.removeprefix("http://"), timeout=10)
    connection.putrequest("POST", "/v1/chat/completions")
    for name, value in (("x-api-key", access.secret), ("content-length", str(33 << 20))):
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return SimpleNamespace(status_code=answer.status)


def test_each_refusal_of_a_known_caller_is_a_leaf(database, served, upstream):  # noqa: F811
    access = an_access(database, upstream.url)
    spent = another_grant(database, access.offer, GrantWanted("find flaws", limits=Limits(tokens=1)))
    narrow = another_grant(database, access.offer, GrantWanted("find flaws", networks=("192.0.2.0/24",)))
    answers = [
        post(served.url, spent),
        post(served.url, access, **{"leadtime-purpose": "training"}),
        post(served.url, narrow),
        httpx.post(f"{served.url}/v1/chat/completions", content=b"{", headers={"x-api-key": access.secret}),
        too_large(served.url, access),
    ]
    with database.transaction(access.offer.developer.viewer) as tx:
        window.withdraw(tx, access.offer.window.id)
    answers.append(post(served.url, access))
    assert [answer.status_code for answer in answers] == [429, 403, 403, 400, 413, 403]
    assert leaf_kinds(database) == ["refusal"] * 6
    assert upstream.seen == []


def test_a_stranger_leaves_nothing_and_is_counted(database, served, upstream):  # noqa: F811
    access = an_access(database, upstream.url)
    before = leaf_kinds(database)
    answers = [post(served.url, access, f"ltg_{number % 2}") for number in range(5)]
    assert {answer.status_code for answer in answers} == {401}
    assert leaf_kinds(database) == before
    assert served.gateway.standings.strangers == 5
