"""A runner's role in the database: made and dropped by whoever may, which the role that serves may not."""

from __future__ import annotations

from psycopg import Connection, connect
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import InsufficientPrivilege

from leadtime.foundation.database.connect import Address, bounded
from leadtime.foundation.database.embedded import ADMIN
from leadtime.foundation.database.roles import RUNNER, create_member, drop_member
from leadtime.foundation.errors import Refused


def make_role(address: Address, role: str, password: str) -> None:
    """Make a runner's role; raises `Refused` with what the server's administrator has to run where we may not."""
    with _as_maker(address) as connection:
        try:
            create_member(connection, role, password)
        except InsufficientPrivilege as error:
            raise Refused(
                f"the database's owner may not make the role {role}",
                where="LEADTIME_DATABASE_URL",
                next_step=f"Have its administrator run: create role {role} login password '…' in role {RUNNER};",
            ) from error


def drop_role(address: Address, role: str) -> None:
    """End a runner's connections and its role; raises `Refused` as `make_role`."""
    with _as_maker(address) as connection:
        try:
            drop_member(connection, role)
        except InsufficientPrivilege as error:
            raise Refused(
                f"the database's owner may not drop the role {role}",
                where="LEADTIME_DATABASE_URL",
                next_step=f"Have the server's administrator run: drop role {role};",
            ) from error


def _as_maker(address: Address) -> Connection[tuple[object, ...]]:
    """Return a connection that may make roles: our own server's administrator, or else the database's owner."""
    own = address.embedded
    name = str(conninfo_to_dict(address.app)["dbname"])
    return connect(own.conninfo(ADMIN, name) if own else bounded(address.owner), autocommit=True)
