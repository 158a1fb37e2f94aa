"""What every test may ask for: a database of its own, a clock that is set, keys, a home; and no way out to a network.

One PostgreSQL serves a test session (and all its xdist workers); each test that asks for ``database`` gets a copy of a
template that holds the whole schema.
"""

from __future__ import annotations

import fcntl
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql
from sqlalchemy import Engine, QueuePool

from leadtime.foundation.database import Database
from leadtime.foundation.database.connect import Address, address_in, make_engine, make_roles_and
from leadtime.foundation.database.ddl import schema_statements
from leadtime.foundation.database.embedded import ADMIN, EmbeddedServer, start_embedded
from leadtime.foundation.database.roles import OWNER, close_database
from leadtime.foundation.keys import KeyRing
from leadtime.workflows.engine import job_schema
from leadtime.workflows.reads import note_reads
from leadtime.workflows.whole_schema import whole_schema

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

TEMPLATE = "leadtime_template"
THREAD_LOOKS_MAX = 1_000
START = datetime(2026, 8, 3, 9, 0, tzinfo=UTC)


@dataclass
class SettableClock:
    """A clock that stands still until a test moves it."""

    at: datetime = START

    def now(self) -> datetime:
        return self.at

    def advance(self, **amount: float) -> None:
        """Move the clock by ``timedelta(**amount)``."""
        self.at += timedelta(**amount)


class _Network:
    """Whether the running test is marked to fetch."""

    open = False


def pytest_configure(config: pytest.Config) -> None:
    connect = socket.socket.connect

    def connect_to_loopback(self: socket.socket, address: object) -> None:
        if not _Network.open and self.family in (socket.AF_INET, socket.AF_INET6):
            host = str(address[0])  # type: ignore[index]
            if host != "localhost" and not ip_address(host).is_loopback:
                pytest.fail(f"a test that is not marked fetch went out to {host}")
        connect(self, address)  # type: ignore[arg-type]

    socket.socket.connect = connect_to_loopback  # type: ignore[method-assign]
    config.add_cleanup(lambda: setattr(socket.socket, "connect", connect))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the soaks out unless they are asked for (``-m soak``)."""
    if "soak" not in str(config.option.markexpr):
        long = [item for item in items if item.get_closest_marker("soak")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


def pytest_runtest_setup(item: pytest.Item) -> None:
    _Network.open = item.get_closest_marker("fetch") is not None


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture(scope="session")
def keys() -> KeyRing:
    return KeyRing(wrapping=b"w" * 32, blinding=b"b" * 32, signing=b"s" * 32)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A private, empty LEADTIME_HOME."""
    path = tmp_path / "home"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """One PostgreSQL for the session, shared by xdist's workers, with the whole schema in a template database."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    running = start_embedded(shared / "postgresql", fleeting=True)
    with _alone(shared / "template.lock"):
        make_template(running)
    yield running
    running.release()


@pytest.fixture
def address(server: EmbeddedServer) -> Iterator[Address]:
    """A database of the test's own with the whole schema, empty, by both its roles."""
    with a_database_in(server) as found:
        yield found


@pytest.fixture
def database(address: Address, clock: SettableClock, keys: KeyRing) -> Iterator[Database]:
    """A database of the test's own, as the role that serves, with policies forced."""
    engine = make_engine(address)
    yield Database(engine, clock, keys, note_reads=note_reads)
    _let_threads_end(engine)
    engine.dispose()


def _let_threads_end(engine: Engine) -> None:
    """Return once no connection is in use: a door's thread may be at work although its client has gone."""
    pause = threading.Event()
    for _ in range(THREAD_LOOKS_MAX):
        if not isinstance(engine.pool, QueuePool) or engine.pool.checkedout() == 0:
            return
        pause.wait(0.01)


def make_template(server: EmbeddedServer) -> None:
    """Make the database that `a_database_in` copies, if it is not there."""
    with _admin(server) as connection:
        if not connection.execute("select 1 from pg_database where datname = %s", [TEMPLATE]).fetchone():
            make_roles_and("unfinished", server)
            with psycopg.connect(server.conninfo(OWNER, "unfinished")) as owner:
                for statement in (*schema_statements(whole_schema()), *job_schema()):
                    owner.execute(statement)
            connection.execute(sql.SQL("alter database unfinished rename to {}").format(sql.Identifier(TEMPLATE)))


@contextmanager
def a_database_in(server: EmbeddedServer) -> Iterator[Address]:
    """Lend an empty database with the whole schema; gone afterwards."""
    name = f"test_{uuid4().hex}"
    with _admin(server) as connection:
        statement = "create database {} template {} owner {} strategy file_copy"
        names = [sql.Identifier(part) for part in (name, TEMPLATE, OWNER)]
        connection.execute(sql.SQL(statement).format(*names))
        close_database(connection, name)
        yield address_in(server, name)
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@contextmanager
def _admin(server: EmbeddedServer) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.conninfo(ADMIN, "postgres"), autocommit=True) as connection:
        yield connection


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
