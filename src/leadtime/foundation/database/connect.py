"""Where an installation's database is and how it is reached: the embedded server or one by URL, within bounds."""

from __future__ import annotations

from dataclasses import dataclass, field

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import Engine, create_engine

from leadtime.foundation.database.embedded import ADMIN, EmbeddedServer, password_of, start_embedded
from leadtime.foundation.database.roles import (
    APP,
    OWNER,
    RUNNER,
    close_database,
    create_database,
    create_group,
    create_role,
)
from leadtime.foundation.errors import Refused, Unavailable
from leadtime.foundation.settings import Settings

DATABASE = "leadtime"
MAKING_LOCK = 7_001
"""Advisory lock: one process at a time makes roles and databases."""

POOL_CONNECTIONS_MAX = 10
POOL_WAIT_SECONDS_MAX = 20
CONNECT_SECONDS_MAX = 10
STATEMENT_SECONDS_MAX = 60
IDLE_IN_TRANSACTION_SECONDS_MAX = 120

_OWNS_DATABASE = "select pg_has_role(datdba, 'member') from pg_database where datname = current_database()"

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
    """Return the installation's database address; starts the embedded server and makes its roles where no URL is set.

    A URL whose role owns the database is used to migrate, and `APP` with the password in
    ``LEADTIME_HOME/database/passwords`` serves; any other role serves itself and cannot migrate.
    """
    directory = settings.home / "database"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if settings.database_url is None:
        server = start_embedded(directory)
        make_roles_and(DATABASE, server)
        return address_in(server, DATABASE)
    with connect(settings.database_url, None) as connection:
        (owns,) = connection.execute(_OWNS_DATABASE).fetchone() or (False,)
    if not owns:
        return Address(owner=settings.database_url, app=settings.database_url, embedded=None)
    served = make_conninfo(settings.database_url, user=APP, password=password_of(directory, APP))
    return Address(owner=settings.database_url, app=served, embedded=None)


def make_serving_role(address: Address, settings: Settings) -> None:
    """Make `APP` and `RUNNER` in a server by URL, if they are not there.

    Raises `Refused` saying what its administrator has to run.
    """
    password = password_of(settings.home / "database", APP)
    with connect(address.owner, None) as connection:
        (name,) = connection.execute("select current_database()").fetchone() or ("",)
        try:
            create_role(connection, APP, password)
            create_group(connection)
            close_database(connection, str(name))
        except InsufficientPrivilege as error:
            raise Refused(
                f"the database's owner may not make the roles {APP} and {RUNNER}",
                where="LEADTIME_DATABASE_URL",
                next_step=f"Have the server's administrator run: create role {APP} login password '…'; with the "
                f"password in {settings.home}/database/passwords/{APP}; and: create role {RUNNER} nologin.",
            ) from error


def make_roles_and(database: str, server: EmbeddedServer) -> None:
    """Make the two roles and ``database`` in an embedded server, whichever of them are not there yet."""
    with psycopg.connect(server.conninfo(ADMIN, "postgres"), autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(%s)", [MAKING_LOCK])
        for role in (OWNER, APP):
            create_role(connection, role, password_of(server.directory, role))
        create_group(connection)
        create_database(connection, database)


def address_in(server: EmbeddedServer, database: str) -> Address:
    """Return the address of ``database`` in an embedded server."""
    return Address(owner=server.conninfo(OWNER, database), app=server.conninfo(APP, database), embedded=server)


def make_engine(address: Address) -> Engine:
    """Return a bounded pool of connections as the role that serves; a lost server is found, or started, again."""
    return create_engine(
        "postgresql+psycopg://",
        creator=lambda: connect(address.app, address.embedded),
        pool_size=POOL_CONNECTIONS_MAX,
        max_overflow=0,
        pool_timeout=POOL_WAIT_SECONDS_MAX,
        pool_pre_ping=True,
        # What a query was asked with is content: it stays out of every error and log.
        hide_parameters=True,
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
