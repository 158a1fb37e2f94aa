"""Nobody serves who could step over row-level security, and the serving role owns nothing."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from leadtime.foundation.database.connect import Address
from leadtime.foundation.database.embedded import ADMIN
from leadtime.foundation.database.opening import open_address
from leadtime.foundation.database.roles import APP
from leadtime.foundation.errors import Refused, Unavailable


def test_a_superuser_may_not_serve(server, address, clock, keys):
    by_admin = Address(owner=address.owner, app=server.conninfo(ADMIN, "postgres"), embedded=server)

    with pytest.raises(Refused, match="superuser or bypasses row-level security") as refusal:
        open_address(by_admin, clock, keys)

    assert refusal.value.where == "LEADTIME_DATABASE_URL"


def test_a_role_that_bypasses_policies_may_not_serve(server, address, clock, keys):
    with psycopg.connect(server.conninfo(ADMIN, "postgres"), autocommit=True) as admin:
        admin.execute(sql.SQL("alter role {} bypassrls").format(sql.Identifier(APP)))
        try:
            with pytest.raises(Refused, match="bypasses row-level security"):
                open_address(address, clock, keys)
        finally:
            admin.execute(sql.SQL("alter role {} nobypassrls").format(sql.Identifier(APP)))


@pytest.mark.parametrize(
    "statement",
    [
        "create table mine (number int)",
        "create temporary table relations (entity uuid, organisation uuid)",
        "alter table relations disable row level security",
        "drop policy visible on relations",
        "truncate relations",
        "set role leadtime_owner",
        "create function leadtime_role() returns text language sql as 'select ''system'''",
    ],
)
def test_the_serving_role_cannot_loosen_its_walls(database, statement):
    with database.engine.connect() as connection, pytest.raises(ProgrammingError) as refusal:
        connection.execute(text(statement))

    assert isinstance(refusal.value.orig, InsufficientPrivilege)


def test_a_server_that_does_not_answer_is_named(clock, keys, tmp_path):
    nowhere = Address(owner="", app=f"host={tmp_path} user=x dbname=y password=secret", embedded=None)

    with pytest.raises(Unavailable, match=r"the database does not answer \(OperationalError\)") as refusal:
        open_address(nowhere, clock, keys)

    assert "secret" not in str(refusal.value)
    assert refusal.value.where == str(tmp_path)
