"""Bringing a database's schema up to this release: Alembic, forward only, one process at a time."""

from __future__ import annotations

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from psycopg.errors import UndefinedTable
from sqlalchemy import create_engine

import leadtime
from leadtime.foundation.database.connect import Address, connect
from leadtime.foundation.database.roles import APP
from leadtime.foundation.errors import Unavailable

MIGRATING_LOCK = 7_002
"""Advisory lock: one process at a time migrates."""


def migrations() -> Path:
    """Return the folder of the migrations: inside an installed wheel, beside ``src`` in a checkout."""
    package = Path(leadtime.__file__).parent
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parents[1] / "migrations"


def newest_revision() -> str:
    """Return the revision that this release needs: the number that its last migration's file begins with."""
    return max(path.name for path in (migrations() / "versions").glob("[0-9]*.py")).partition("_")[0]


def read_revision(connection: psycopg.Connection[tuple[object, ...]]) -> str | None:
    """Return the revision that the database is at, None if it was never migrated."""
    try:
        row = connection.execute("select version_num from alembic_version").fetchone()
    except UndefinedTable:
        connection.rollback()
        return None
    return str(row[0]) if row else None


def migrate(address: Address) -> None:
    """Bring the database up to this release as its owner; does nothing if it is there."""
    engine = create_engine("postgresql+psycopg://", creator=lambda: connect(address.owner, address.embedded))
    configuration = Config()
    configuration.set_main_option("script_location", str(migrations()))
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"select pg_advisory_xact_lock({MIGRATING_LOCK})")
            configuration.attributes["connection"] = connection
            command.upgrade(configuration, "head")
            connection.exec_driver_sql(f"grant select on alembic_version to {APP}")
    finally:
        engine.dispose()


def refuse_outdated(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Raise `Unavailable` if the database is not at the revision that this release needs."""
    found, needed = read_revision(connection), newest_revision()
    if found != needed:
        raise Unavailable(
            f"the database's schema is at revision {found or 'none'}, and this release needs {needed}",
            next_step="Run leadtime init with the release that is to serve.",
        )
