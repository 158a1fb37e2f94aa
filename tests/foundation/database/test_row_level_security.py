"""With no viewer nothing is seen, also on a connection that served one; with one, only what is related to it."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from leadtime.foundation.access import ANYONE, SYSTEM, Relation, Role, Viewer
from leadtime.foundation.database import Database
from leadtime.foundation.database.schema import data_keys, relations
from leadtime.foundation.errors import Missing, Unavailable

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


def test_who_is_no_longer_related_sees_nothing_more_but_keeps_its_own(database):
    entity = keep_one(database)
    with database.transaction(COORDINATOR) as tx:
        tx.relate(entity, UUID(int=3), Relation.PARTICIPANT)
    with database.transaction(RIVAL) as tx:
        assert tx.relation_to(entity) is Relation.PARTICIPANT
    with database.transaction(COORDINATOR) as tx:
        tx.unrelate(entity, UUID(int=3))
        tx.unrelate(entity, UUID(int=1))
    with database.transaction(RIVAL) as tx:
        assert tx.relation_to(entity) is Relation.STRANGER
        with pytest.raises(Missing):
            tx.unseal(entity, "text", b"")
    with database.transaction(FINDER) as tx:
        assert tx.relation_to(entity) is Relation.OWN


def test_a_lock_is_waited_for_by_its_domain_and_value_alone(database):
    with database.transaction(FINDER) as first:
        first.lock("case", "one")
        first.lock("case", "one")
        with database.transaction(RIVAL) as other:
            other.connection.execute(text("set local lock_timeout = '20ms'"))
            other.lock("case", "two")
            other.lock("report", "one")
            with pytest.raises(OperationalError, match="lock timeout"):
                other.lock("case", "one")


def test_what_the_database_cannot_do_now_is_said_in_one_sentence_without_the_query(database):
    def take_at_once():
        with database.transaction(RIVAL) as other:
            other.connection.execute(text("set local lock_timeout = '20ms'"))
            other.lock("case", "one")

    with database.transaction(FINDER) as first:
        first.lock("case", "one")
        with pytest.raises(Unavailable) as refusal:
            take_at_once()
    said = "the database cannot do this now (LockNotAvailable). Try again; if it stays so, look at it."
    assert str(refusal.value) == said


@pytest.mark.parametrize(
    ("organisation", "relation"),
    [(RIVAL.organisation, Relation.OWN), (RIVAL.organisation, Relation.PARTICIPANT), (UUID(int=9), Relation.OWN)],
)
def test_nobody_relates_themselves_to_what_others_have(database, organisation, relation):
    entity = keep_one(database)

    with pytest.raises(ProgrammingError, match="row-level security"), database.transaction(RIVAL) as tx:
        tx.relate(entity, organisation, relation)


def test_something_new_is_ones_own_and_a_participant_only_by_a_coordinators_word(database):
    entity = uuid4()
    with database.transaction(FINDER) as tx:
        tx.relate(entity, FINDER.organisation, Relation.OWN)
        tx.relate(entity, FINDER.organisation, Relation.OWN)
    with database.transaction(COORDINATOR) as tx:
        tx.relate(entity, RIVAL.organisation, Relation.PARTICIPANT)
    with pytest.raises(ProgrammingError, match="row-level security"), database.transaction(FINDER) as tx:
        tx.relate(uuid4(), FINDER.organisation, Relation.PARTICIPANT)


def test_asking_whose_something_is_leaves_the_viewer_as_it_was(database):
    with database.transaction(FINDER) as tx:
        tx.relate(uuid4(), FINDER.organisation, Relation.OWN)
        assert tx.connection.scalar(text("select leadtime_role()")) == Role.FINDER.value


def test_a_query_that_fails_does_not_say_what_it_was_asked_with(database):
    with pytest.raises(ProgrammingError) as failed, database.transaction(FINDER) as tx:
        tx.connection.execute(text("select nothing from nowhere where a = :a"), {"a": "CANARY-9d1f"})
    assert "CANARY-9d1f" not in str(failed.value)
