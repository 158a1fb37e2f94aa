"""A migrated database is the declared one; it is brought up to date once, by one process, and never served outdated."""

from __future__ import annotations

import re
import subprocess
import sys

import psycopg
import pytest
from psycopg import sql

from leadtime.foundation.clock import SystemClock
from leadtime.foundation.database.connect import address_in, make_roles_and
from leadtime.foundation.database.embedded import ADMIN
from leadtime.foundation.database.migrate import (
    migrate,
    migrations,
    newest_revision,
    read_revision,
    refuse_outdated,
)
from leadtime.foundation.database.opening import open_address, open_database
from leadtime.foundation.errors import Missing, Unavailable
from leadtime.foundation.keys import create_keys
from leadtime.foundation.settings import read_settings

CATALOGUE = {
    "columns": """select table_name, column_name, data_type, is_nullable, column_default
        from information_schema.columns where table_schema = 'public'""",
    "indexes": "select tablename, indexname, indexdef from pg_indexes where schemaname = 'public'",
    "constraints": """select conrelid::regclass::text, conname, pg_get_constraintdef(oid)
        from pg_constraint where connamespace = 'public'::regnamespace""",
    "policies": "select tablename, policyname, roles::text, cmd, qual, with_check from pg_policies",
    "row security": """select relname, relrowsecurity, relforcerowsecurity, pg_get_userbyid(relowner)
        from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'""",
    "functions": "select proname, pg_get_functiondef(oid) from pg_proc where pronamespace = 'public'::regnamespace",
    "grants": """select table_name, grantee, privilege_type
        from information_schema.role_table_grants where table_schema = 'public'""",
    "triggers": "select tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal",
}
OURS_ALONE = "alembic_version"


@pytest.fixture
def empty(server):
    """The address of a database in which nothing is."""
    name = "empty"
    make_roles_and(name, server)
    yield address_in(server, name)
    with psycopg.connect(server.conninfo(ADMIN, "postgres"), autocommit=True) as admin:
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def catalogue_of(address) -> dict[str, list[tuple]]:
    with psycopg.connect(address.owner) as connection:
        return {
            part: sorted(
                tuple(map(str, row)) for row in connection.execute(query).fetchall() if OURS_ALONE not in str(row[0])
            )
            for part, query in CATALOGUE.items()
        }


def test_a_migrated_database_is_the_declared_one(empty, address):
    migrate(empty)

    migrated, declared = catalogue_of(empty), catalogue_of(address)

    for part in CATALOGUE:
        assert migrated[part] == declared[part], f"the {part} differ: add a migration that makes them equal"


def test_migrating_again_changes_nothing(empty):
    migrate(empty)
    before = catalogue_of(empty)

    migrate(empty)

    assert catalogue_of(empty) == before
    with psycopg.connect(empty.app) as connection:
        assert read_revision(connection) == newest_revision()
        refuse_outdated(connection)


def test_every_table_forces_row_level_security_but_the_job_librarys_and_alembics(empty):
    migrate(empty)

    loose = {row[0] for row in catalogue_of(empty)["row security"] if row[1:3] != ("True", "True")}

    assert loose == {f"procrastinate_{name}" for name in ("jobs", "workers", "events", "periodic_defers")}


def test_an_empty_database_is_not_served(empty):
    with psycopg.connect(empty.app) as connection:
        assert read_revision(connection) is None
        needed = newest_revision()
        with pytest.raises(Unavailable) as refusal:
            refuse_outdated(connection)
    assert str(refusal.value) == (
        f"the database's schema is at revision none, and this release needs {needed}. "
        "Run leadtime init with the release that is to serve."
    )


def test_migrations_are_numbered_in_one_line_without_a_way_back():
    names = sorted(path.stem for path in (migrations() / "versions").glob("*.py"))

    assert [name[:4] for name in names] == [f"{number:04}" for number in range(1, len(names) + 1)]
    for name in names:
        text = (migrations() / "versions" / f"{name}.py").read_text()
        revision = re.search(r'^revision = "(\d{4})"$', text, re.MULTILINE)
        assert revision is not None
        assert revision[1] == name[:4]
        assert "def downgrade" not in text


def test_an_installation_is_opened_ready_and_migrated_by_whoever_is_first(home):
    settings = read_settings({"LEADTIME_HOME": str(home)})
    with pytest.raises(Missing, match="this installation has no keys yet"):
        open_database(settings, SystemClock())
    create_keys(home / "keys")
    program = (
        "import sys; from leadtime.foundation.settings import read_settings;"
        "from leadtime.foundation.clock import SystemClock;"
        "from leadtime.foundation.database.opening import open_database;"
        "database = open_database(read_settings({'LEADTIME_HOME': sys.argv[1]}), SystemClock());"
        "print(database.engine.connect().exec_driver_sql('select version_num from alembic_version').scalar())"
    )

    racing = [
        subprocess.Popen([sys.executable, "-c", program, str(home)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]

    assert [process.communicate()[0].strip() for process in racing] == [newest_revision()] * 3


def test_a_role_that_does_not_own_the_database_serves_by_url(empty, clock, keys):
    migrate(empty)
    by_url = type(empty)(owner=empty.app, app=empty.app, embedded=None)

    database = open_address(by_url, clock, keys)

    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("select current_user").scalar() == "leadtime_app"
    database.engine.dispose()
