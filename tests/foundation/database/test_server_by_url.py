"""A PostgreSQL that somebody else runs: its owner's URL makes and migrates, another role's only serves."""

from __future__ import annotations

import stat
from dataclasses import replace

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from leadtime.foundation.clock import SystemClock
from leadtime.foundation.database.embedded import ADMIN, start_embedded
from leadtime.foundation.database.migrate import newest_revision
from leadtime.foundation.database.opening import find_database, make_database, open_address
from leadtime.foundation.database.roles import APP, RUNNER, create_role
from leadtime.foundation.errors import Refused, Unavailable
from leadtime.foundation.settings import read_settings

OWNER = "an_owner"


@pytest.fixture
def elsewhere(tmp_path):
    """A server of somebody else's, with a database and an owner who may make roles; and its administrator's URL."""
    server = start_embedded(tmp_path / "elsewhere", fleeting=True)
    admin = server.conninfo(ADMIN, "postgres")
    with psycopg.connect(admin, autocommit=True) as connection:
        create_role(connection, OWNER, "a password")
        connection.execute(f"alter role {OWNER} createrole")
        connection.execute(f"create database clearinghouse owner {OWNER}")
    yield make_conninfo(admin, dbname="clearinghouse"), admin
    server.release()


@pytest.fixture
def settings(home, elsewhere):
    url = make_conninfo(elsewhere[0], user=OWNER, password="a password")
    return replace(read_settings({"LEADTIME_HOME": str(home)}), database_url=url)


def current(database) -> tuple:
    with database.engine.connect() as connection:
        query = "select current_user, version_num from alembic_version"
        return tuple(connection.exec_driver_sql(query).one())


def test_the_owners_url_makes_everything_and_another_role_serves(settings, keys):
    database = open_address(make_database(settings), SystemClock(), keys)

    assert current(database) == (APP, newest_revision())
    database.engine.dispose()
    password = settings.home / "database" / "passwords" / APP
    assert stat.S_IMODE(password.stat().st_mode) == 0o600
    assert make_database(settings) == find_database(settings)


def test_a_database_that_nobody_brought_up_to_this_release_is_not_served(settings):
    with pytest.raises(Unavailable, match="at revision none, and this release needs"):
        find_database(settings)


def test_a_serving_roles_url_only_serves(settings, keys):
    serving = replace(settings, database_url=make_database(settings).app)

    database = open_address(make_database(serving), SystemClock(), keys)

    assert current(database) == (APP, newest_revision())
    database.engine.dispose()


def test_an_owner_who_may_not_make_roles_is_told_what_the_administrator_has_to_run(settings, elsewhere):
    with psycopg.connect(elsewhere[1], autocommit=True) as admin:
        admin.execute(f"alter role {OWNER} nocreaterole")

    with pytest.raises(Refused) as refusal:
        make_database(settings)

    assert str(refusal.value) == (
        f"LEADTIME_DATABASE_URL: the database's owner may not make the roles {APP} and {RUNNER}. "
        f"Have the server's administrator run: create role {APP} login password '…'; with the password in "
        f"{settings.home}/database/passwords/{APP}; and: create role {RUNNER} nologin."
    )


def test_a_superusers_url_serves_nobody_as_superuser(settings, elsewhere, keys):
    by_admin = replace(settings, database_url=elsewhere[0])

    database = open_address(make_database(by_admin), SystemClock(), keys)

    assert current(database)[0] == APP
    database.engine.dispose()
