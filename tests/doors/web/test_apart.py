"""A provider that stalls holds up those who asked for it, and nobody else: no developer's withdrawal waits (I1)."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import httpx
import pytest

from leadtime.doors import limits, oidc
from leadtime.doors.app import build_app
from leadtime.doors.site import Site
from leadtime.doors.web.asking import bound_threads
from leadtime.foundation.errors import Unavailable
from leadtime.foundation.settings import OidcClient
from tests.doors.world import URL

SECONDS_MAX = 60.0
"""A bound for a machine that is busy: a page that waits behind the provider would wait for ever."""


@pytest.fixture
def provided(site: Site) -> Site:
    client = OidcClient("https://id.test", "leadtime", "secret", "Example Agency")
    return Site(site.database, replace(site.settings, oidc=client))


async def stalled(provided, monkeypatch, count):
    """Send ``count`` browsers to a provider that does not answer until others were served; return what they got."""
    bound_threads()
    loop, asked, go = asyncio.get_running_loop(), asyncio.Semaphore(0), threading.Event()

    def discover(*_):
        loop.call_soon_threadsafe(asked.release)
        go.wait(SECONDS_MAX)
        raise Unavailable("the identity provider cannot be used: it does not answer", next_step="Use another way.")

    monkeypatch.setattr(oidc, "discover", discover)
    transport = httpx.ASGITransport(app=build_app(provided), raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url=URL) as http:
        page = (await http.get("/sign-in")).text
        form = {"csrf": page.partition('name="csrf" value="')[2].partition('"')[0]}
        leaving = [asyncio.create_task(http.post("/sign-in/provider", data=form)) for _ in range(count)]
        try:
            for _ in range(limits.PROVIDER_THREADS_MAX):
                await asyncio.wait_for(asked.acquire(), SECONDS_MAX)
            served = await asyncio.wait_for(http.get("/sign-in"), SECONDS_MAX)
        finally:
            go.set()
            left = await asyncio.gather(*leaving)
    return served, left


def test_a_provider_that_stalls_holds_up_no_other_page(provided, monkeypatch):
    served, left = asyncio.run(stalled(provided, monkeypatch, 2 * limits.THREADS_MAX))
    assert served.status_code == 200
    assert {answer.status_code for answer in left} == {400}


def test_only_so_many_wait_for_it_and_the_next_is_refused_at_once(provided, monkeypatch):
    _, left = asyncio.run(stalled(provided, monkeypatch, limits.PROVIDER_PAGES_MAX + 1))
    refused = [answer for answer in left if answer.status_code == 503]
    assert len(refused) == 1
    assert "Too many are on their way to the identity provider just now." in refused[0].text
