"""The roles: `OWNER` migrates and owns every table, `APP` serves, members of `RUNNER` see what was lent to them.

None is superuser nor may bypass policies.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

from leadtime.foundation.errors import Refused

OWNER = "leadtime_owner"
APP = "leadtime_app"
RUNNER = "leadtime_runner"
"""The group whose members, one a runner, connect from other hosts; nobody signs in as the group itself."""

RUNNER_CONNECTIONS_MAX = 4

_READ_ROLE = "select rolsuper, rolbypassrls from pg_roles where rolname = current_user"


def create_role(connection: psycopg.Connection[tuple[object, ...]], role: str, password: str) -> None:
    """Make ``role`` without any privilege, unless it is there."""
    if connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone() is None:
        statement = "create role {} login nosuperuser nobypassrls nocreatedb nocreaterole password {}"
        connection.execute(sql.SQL(statement).format(sql.Identifier(role), sql.Literal(password)))


def create_group(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Make `RUNNER`, unless it is there."""
    if connection.execute("select 1 from pg_roles where rolname = %s", [RUNNER]).fetchone() is None:
        connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(RUNNER)))


def create_member(connection: psycopg.Connection[tuple[object, ...]], role: str, password: str) -> None:
    """Make a member of `RUNNER` that may sign in; one that is there gets the new password."""
    create_role(connection, role, password)
    named = {"role": sql.Identifier(role), "group": sql.Identifier(RUNNER), "password": sql.Literal(password)}
    for statement in (
        "alter role {role} password {password} connection limit " + str(RUNNER_CONNECTIONS_MAX),
        "grant {group} to {role}",
    ):
        connection.execute(sql.SQL(statement).format(**named))


def drop_member(connection: psycopg.Connection[tuple[object, ...]], role: str) -> None:
    """End a member's connections and its role, unless it is gone; ``connection`` must be in autocommit."""
    connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = %s", [role])
    connection.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(role)))


def create_database(connection: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    """Make the database ``name`` for the two roles alone, owned by `OWNER`; ``connection`` must be in autocommit."""
    if connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone() is None:
        connection.execute(sql.SQL("create database {} owner {}").format(sql.Identifier(name), sql.Identifier(OWNER)))
        close_database(connection, name)


def close_database(connection: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    """Let only `APP`, `RUNNER` and the owner connect.

    Temporary tables are off, since they would stand before the real ones.
    """
    database = sql.Identifier(name)
    connection.execute(sql.SQL("revoke all on database {} from public").format(database))
    for role in (APP, RUNNER):
        connection.execute(sql.SQL("grant connect on database {} to {}").format(database, sql.Identifier(role)))


def refuse_privileged(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Raise `Refused` if the connection's role would not be held by row-level security."""
    superuser, bypasses = connection.execute(_READ_ROLE).fetchone() or (True, True)
    if superuser or bypasses:
        raise Refused(
            "the database role is a superuser or bypasses row-level security, so it may not serve",
            where="LEADTIME_DATABASE_URL",
            next_step=f"Connect as an ordinary role such as {APP}.",
        )
