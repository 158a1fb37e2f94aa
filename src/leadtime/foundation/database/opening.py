"""Opening an installation's database, ready for this release: what a door calls first."""

from __future__ import annotations

from dataclasses import replace

from leadtime.foundation.clock import Clock
from leadtime.foundation.database.connect import Address, connect, locate, make_engine, make_serving_role
from leadtime.foundation.database.migrate import migrate, newest_revision, read_revision, refuse_outdated
from leadtime.foundation.database.roles import refuse_privileged
from leadtime.foundation.database.transaction import Database
from leadtime.foundation.keys import KeyRing, read_keys
from leadtime.foundation.settings import Settings


def open_database(settings: Settings, clock: Clock) -> Database:
    """Return the installation's database as this process's pool.

    Raises `Missing` if the installation has no keys yet, else as `find_database` and `open_address`.
    """
    keys = read_keys(settings.home / "keys")
    return replace(open_address(find_database(settings), clock, keys), marked_text=settings.marked_text)


def make_database(settings: Settings) -> Address:
    """Return where the database is, after making whatever of it is missing: server, roles, schema of this release.

    Raises `Refused` saying what an administrator has to run where the role of a URL may not, `Unavailable` if nothing
    answers or if the URL's role cannot bring the database up to this release.
    """
    address = locate(settings)
    if address.embedded is None:
        if address.owner == address.app:
            return find_database(settings)
        make_serving_role(address, settings)
    migrate(address)
    return address


def find_database(settings: Settings) -> Address:
    """Return where the database is, at this release: the embedded one is started and brought up to it.

    Raises `Unavailable` if it does not answer, or if a server by URL is at another release.
    """
    address = locate(settings)
    with connect(address.owner, address.embedded) as connection:
        if address.embedded is None:
            refuse_outdated(connection)
        outdated = read_revision(connection) != newest_revision()
    if outdated:
        migrate(address)
    return address


def open_address(address: Address, clock: Clock, keys: KeyRing) -> Database:
    """Return the database at ``address`` as this process's pool; raises `Refused` if policies do not hold its role."""
    with connect(address.app, address.embedded) as connection:
        refuse_privileged(connection)
    return Database(make_engine(address), clock, keys)
