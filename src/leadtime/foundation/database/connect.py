"""Opening an installation's database: the embedded server or one by URL, as a role that policies hold."""

from __future__ import annotations

from dataclasses import dataclass, field

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import Engine, create_engine

from leadtime.foundation.clock import Clock
from leadtime.foundation.database.embedded import ADMIN, EmbeddedServer, password_of, start_embedded
from leadtime.foundation.database.roles import APP, OWNER, create_database, create_role, refuse_privileged
from leadtime.foundation.database.transaction import Database
from leadtime.foundation.errors import Unavailable
from leadtime.foundation.keys import KeyRing, read_keys
from leadtime.foundation.settings import Settings

DATABASE = "leadtime"
MAKING_LOCK = 7_001
"""Advisory lock: one process at a time makes roles and databases."""

POOL_CONNECTIONS_MAX = 10
POOL_WAIT_SECONDS_MAX = 20
CONNECT_SECONDS_MAX = 10
STATEMENT_SECONDS_MAX = 60
IDLE_IN_TRANSACTION_SECONDS_MAX = 120

SESSION_OPTIONS = (
    f"-c statement_timeout={STATEMENT_SECONDS_MAX}s"
    f" -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_SECONDS_MAX}s -c timezone=UTC -c search_path=public"
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where the database is: libpq connection strings of its two roles (secret) and the server, if it is our own."""

    owner: str = field(repr=False)
    app: str = field(repr=False)
    embedded: EmbeddedServer | None


def locate(settings: Settings) -> Address:
    """Return the installation's database address; starts the embedded server and makes its roles where none is set."""
    if settings.database_url:
        return Address(owner=settings.database_url, app=settings.database_url, embedded=None)
    server = start_embedded(settings.home / "database")
    make_roles_and(DATABASE, server)
    return address_in(server, DATABASE)


def make_roles_and(database: str, server: EmbeddedServer) -> None:
    """Make the two roles and ``database`` in an embedded server, whichever of them are not there yet."""
    with psycopg.connect(server.conninfo(ADMIN, "postgres"), autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(%s)", [MAKING_LOCK])
        for role in (OWNER, APP):
            create_role(connection, role, password_of(server.directory, role))
        create_database(connection, database)


def address_in(server: EmbeddedServer, database: str) -> Address:
    """Return the address of ``database`` in an embedded server."""
    return Address(owner=server.conninfo(OWNER, database), app=server.conninfo(APP, database), embedded=server)


def open_database(settings: Settings, clock: Clock) -> Database:
    """Return the installation's database as this process's pool.

    Raises `Missing` if it has no keys yet, `Refused` if its role is not held by policies, `Unavailable` if it does not
    answer.
    """
    return open_address(locate(settings), clock, read_keys(settings.home / "keys"))


def open_address(address: Address, clock: Clock, keys: KeyRing) -> Database:
    """Return the database at ``address`` as this process's pool, refusing a role that policies do not hold."""
    with connect(address.app, address.embedded) as connection:
        refuse_privileged(connection)
    return Database(make_engine(address), clock, keys)


def make_engine(address: Address) -> Engine:
    """Return a bounded pool of connections as the role that serves; a lost server is found, or started, again."""
    return create_engine(
        "postgresql+psycopg://",
        creator=lambda: connect(address.app, address.embedded),
        pool_size=POOL_CONNECTIONS_MAX,
        max_overflow=0,
        pool_timeout=POOL_WAIT_SECONDS_MAX,
        pool_pre_ping=True,
    )


def bounded(conninfo: str) -> str:
    """Return the connection string with the bounds of this file on every session and statement."""
    return make_conninfo(
        conninfo, connect_timeout=CONNECT_SECONDS_MAX, application_name="leadtime", options=SESSION_OPTIONS
    )


def connect(conninfo: str, embedded: EmbeddedServer | None) -> psycopg.Connection[tuple[object, ...]]:
    """Return one connection, starting our own server again if it is gone; raises `Unavailable` naming the server."""
    try:
        try:
            return psycopg.connect(bounded(conninfo))
        except psycopg.OperationalError:
            if embedded is None:
                raise
            embedded.ensure_running()
            return psycopg.connect(bounded(conninfo))
    except psycopg.OperationalError as error:
        host = conninfo_to_dict(conninfo).get("host", "")
        raise Unavailable(
            f"the database does not answer ({type(error).__name__})",
            where=str(host),
            next_step="Check that the server runs and that the role may connect.",
        ) from error
