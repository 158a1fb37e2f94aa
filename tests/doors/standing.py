"""A whole site over a database of the test's own, and clients that speak HTTP to it without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from leadtime.doors.app import build_app
from leadtime.doors.site import Site
from leadtime.flow import parties
from leadtime.foundation.access import SYSTEM, Role
from leadtime.foundation.database import Database
from leadtime.foundation.settings import Settings
from tests.doors.world import URL, Somebody, World, a_world, enrol


class Client:
    """A browser or program that asks the site; keeps cookies."""

    def __init__(self, app: Any, token: str = "", url: str = URL) -> None:
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)
        self.http = httpx.AsyncClient(transport=transport, base_url=url, follow_redirects=False)
        self.token = token

    def request(self, method: str, path: str, **wanted: Any) -> httpx.Response:
        headers = dict(wanted.pop("headers", {}))
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        return self._runner.run(self.http.request(method, path, headers=headers, **wanted))

    def get(self, path: str, **wanted: Any) -> httpx.Response:
        return self.request("GET", path, **wanted)

    def post(self, path: str, **wanted: Any) -> httpx.Response:
        return self.request("POST", path, **wanted)

    def submit(self, page: str, action: str, files: Any = None, **fields: str) -> httpx.Response:
        """Open ``page`` and send its form to ``action``, with the word that the page gave."""
        word = self.get(page).text.partition('name="csrf" value="')[2].partition('"')[0]
        return self.post(action, data={"csrf": word, **fields}, files=files)

    def close(self) -> None:
        self._runner.run(self.http.aclose())
        self._runner.close()


@pytest.fixture
def site(database: Database, home: Path) -> Site:
    settings = Settings(home=home, database_url=None, url=URL, token=None, python=None, sandbox_user="nobody")
    return Site(database, settings)


@pytest.fixture
def clients_of() -> Iterator[Any]:
    """Make makers of clients: ``clients_of(site)()`` is anyone's browser at that site."""
    made: list[Client] = []

    def at(site: Site) -> Any:
        app = build_app(site)

        def make(token: str = "") -> Client:
            made.append(Client(app, token, site.settings.url))
            return made[-1]

        return make

    yield at
    for client in made:
        client.close()


@pytest.fixture
def clients(clients_of: Any, site: Site) -> Any:
    """Make clients of the site: ``clients()`` is anyone, ``clients(token)`` somebody's program."""
    return clients_of(site)


@pytest.fixture
def anyone(clients: Any) -> Client:
    return clients()


@pytest.fixture
def coordinator(database: Database) -> Somebody:
    return enrol(database, Role.COORDINATOR, "Coordination Centre")


@pytest.fixture
def finder(database: Database) -> Somebody:
    return enrol(database, Role.FINDER, "Finder A")


def browse(client: Client, somebody: Somebody) -> Client:
    """Sign a browser in by a pasted token."""
    answer = client.submit("/sign-in", "/sign-in", token=somebody.token)
    assert answer.status_code == 303, answer.text
    return client


def browse_by_link(client: Client, database: Database, somebody: Somebody) -> Client:
    """Sign a browser in by a one-time link: a session of the person's own, which may change how they sign in."""
    with database.transaction(SYSTEM) as tx:
        link = parties.issue_sign_in_link(tx, somebody.person.id, minutes=10).secret
    answer = client.submit(f"/sign-in/{link}", f"/sign-in/{link}")
    assert answer.status_code == 303, answer.text
    return client


@pytest.fixture
def stranger(database: Database) -> Somebody:
    return enrol(database, Role.FINDER, "Finder B")


@pytest.fixture
def auditor(database: Database) -> Somebody:
    return enrol(database, Role.AUDITOR, "Auditor")


@pytest.fixture
def world(database: Database) -> World:
    return a_world(database)
