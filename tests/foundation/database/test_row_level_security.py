"""With no viewer nothing is seen, also on a connection that served one; with one, only what is related to it."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError

from leadtime.foundation.access import ANYONE, SYSTEM, Relation, Role, Viewer
from leadtime.foundation.database import Database
from leadtime.foundation.database.schema import data_keys, relations

FINDER = Viewer(Role.FINDER, organisation=UUID(int=1), person=UUID(int=2))
RIVAL = Viewer(Role.FINDER, organisation=UUID(int=3), person=UUID(int=4))
COORDINATOR = Viewer(Role.COORDINATOR, organisation=UUID(int=5), person=UUID(int=6))


def keep_one(database: Database) -> UUID:
    entity = uuid4()
    with database.transaction(FINDER) as tx:
        tx.relate(entity, UUID(int=1), Relation.OWN)
        tx.seal(entity, "text", b"a secret")
    return entity


@pytest.mark.parametrize(("viewer", "rows"), [(FINDER, 1), (RIVAL, 0), (COORDINATOR, 1), (SYSTEM, 1), (ANYONE, 0)])
def test_a_row_is_seen_by_its_organisation_the_coordinator_and_the_system(database, viewer, rows):
    keep_one(database)

    with database.transaction(viewer) as tx:
        assert len(tx.connection.execute(select(relations)).all()) == rows
        assert len(tx.connection.execute(select(data_keys)).all()) == rows


def test_nobody_sees_nothing_on_a_connection_that_served_a_viewer(database):
    keep_one(database)

    with database.engine.begin() as connection:
        pid_before = connection.scalar(text("select pg_backend_pid()"))
    with database.transaction(COORDINATOR) as tx:
        assert tx.connection.scalar(text("select pg_backend_pid()")) == pid_before
        assert len(tx.connection.execute(select(relations)).all()) == 1
    with database.engine.begin() as connection:
        assert connection.scalar(text("select pg_backend_pid()")) == pid_before
        assert connection.execute(select(relations)).all() == []
        assert connection.scalar(text("select leadtime_organisation()")) is None


def test_a_viewer_cannot_write_a_row_that_it_would_not_see(database):
    with pytest.raises(ProgrammingError, match="row-level security"), database.transaction(FINDER) as tx:
        tx.relate(uuid4(), UUID(int=3), Relation.OWN)
