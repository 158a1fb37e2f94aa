"""A runner that was admitted, with a role of its own in the test's database."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from leadtime.flow.intake import NamedFile, Reproducer
from leadtime.flow.validation import Begun
from leadtime.foundation.access import Role, Viewer
from leadtime.workflows.farm.admit import admit_runner
from leadtime.workflows.farm.envelopes import OwnKeys, keys_of, new_keys
from leadtime.workflows.farm.roles import drop_role, make_role
from leadtime.workflows.farm.runner import Runner

COORDINATOR = Viewer(Role.COORDINATOR, organisation=UUID(int=5), person=UUID(int=6))
CANARY = b"canary-in-a-reproducer"
REPRODUCER = Reproducer(CANARY, (NamedFile("run.py", b"pass"),), NamedFile("a.bin", b"\x00\xff"))


@dataclass(frozen=True)
class Enrolled:
    """A runner: its name, its role, how it connects, its keys."""

    name: str
    role: str
    url: str
    keys: OwnKeys
    database: object

    def link(self) -> psycopg.Connection:
        return psycopg.connect(self.url, autocommit=True)

    def worker(self, run, *, slots: int = 2) -> Runner:
        installation = keys_of(self.database.keys).public
        return Runner(self.url, self.keys, installation, run, slots, threading.Event())


@pytest.fixture
def enrol_runner(address, database) -> Iterator[Callable[[], Enrolled]]:
    made = []

    def enrol() -> Enrolled:
        name, keys = f"r{uuid4().hex[:16]}", new_keys()
        with database.transaction(COORDINATOR) as tx:
            role = admit_runner(tx, name, keys.public)
        make_role(address, role, "a password")
        made.append(role)
        return Enrolled(name, role, make_conninfo(address.app, user=role, password="a password"), keys, database)

    yield enrol
    for role in made:
        drop_role(address, role)


@pytest.fixture
def enrolled(enrol_runner) -> Enrolled:
    return enrol_runner()


def a_taking(attempt: int = 1, number: int = 1) -> Begun:
    return Begun(UUID(int=number), UUID(int=1000 + number), attempt, REPRODUCER)
