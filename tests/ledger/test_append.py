from __future__ import annotations

from uuid import uuid4

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import DBAPIError

from leadtime.foundation.access import ANYONE, SYSTEM, Role, Viewer
from leadtime.foundation.errors import Conflict, Malformed, Missing
from leadtime.ledger.append import append, append_all, count_waiting, list_logs, note_published, open_log, read_log
from leadtime.ledger.leaves import new_leaf
from leadtime.ledger.records import Log, LogKind, LogName, TreeHead
from leadtime.ledger.tables import leaves
from leadtime.ledger.tree import EMPTY_ROOT
from tests.ledger.conftest import READS

PERSON = Viewer(Role.AGENCY, uuid4(), uuid4())


def leaf_of(tx):
    return new_leaf(tx.keys, READS.name, kind="read", at=tx.now, fields={"x": b"y"})


@pytest.mark.parametrize("viewer", [PERSON, ANYONE, SYSTEM])
def test_whoever_acts_appends(database, log, viewer):
    with database.transaction(viewer) as tx:
        leaf = leaf_of(tx)
        assert append(tx, log.name, leaf) == leaf.id
    with database.transaction(SYSTEM) as tx:
        row = tx.connection.execute(select(leaves)).one()
    assert (row.id, row.log, row.entry, row._mapping["index"]) == (leaf.id, "reads", leaf.entry, None)


def test_an_append_is_one_statement(database, log):
    statements = []
    with database.transaction(PERSON) as tx:
        leaf = leaf_of(tx)
        event.listen(tx.connection, "before_cursor_execute", lambda *told: statements.append(told[2]))
        append(tx, log.name, leaf)
        assert len(statements) == 1
        append_all(tx, log.name, [leaf_of(tx) for _ in range(50)])
        assert len(statements) == 2
        append_all(tx, log.name, [])
    with database.transaction(SYSTEM) as tx:
        assert count_waiting(tx) == {"reads": 51}


def test_appends_of_open_transactions_do_not_wait_for_each_other(database, log):
    with database.transaction(PERSON) as one, database.transaction(PERSON) as two:
        one.connection.execute(text("set local lock_timeout = '1s'"))
        two.connection.execute(text("set local lock_timeout = '1s'"))
        append(one, log.name, leaf_of(one))
        append(two, log.name, leaf_of(two))
        append(one, log.name, leaf_of(one))


@pytest.mark.parametrize("viewer", [PERSON, ANYONE])
def test_only_the_system_sees_changes_and_removes_rows(database, log, viewer):
    with database.transaction(SYSTEM) as tx:
        append(tx, log.name, leaf_of(tx))
    with database.transaction(viewer) as tx:
        assert tx.connection.execute(select(leaves)).all() == []
        assert tx.connection.execute(leaves.update().values(index=5)).rowcount == 0
        assert tx.connection.execute(leaves.delete()).rowcount == 0
        note_published(tx, log.name, TreeHead(5, b"x" * 32))
    with database.transaction(SYSTEM) as tx:
        assert count_waiting(tx) == {"reads": 1}
        assert read_log(tx, log.name).published == TreeHead(0, EMPTY_ROOT)


def test_nobody_but_the_system_gives_a_leaf_its_place(database, log):
    with pytest.raises(DBAPIError, match="row-level security"), database.transaction(PERSON) as tx:
        tx.connection.execute(leaves.insert().values(id=uuid4(), log=log.name, entry=b"x", index=0))


def test_without_a_viewer_nothing_is_appended(database, log):
    with pytest.raises(DBAPIError, match="row-level security"), database.engine.begin() as connection:
        connection.execute(leaves.insert().values(id=uuid4(), log=log.name, entry=b"x"))


@pytest.mark.parametrize("size", [0, 65_536])
def test_an_entry_that_no_tile_can_hold_is_refused_before_it_jams_the_log(database, log, size):
    with pytest.raises(DBAPIError, match="ck_ledger_leaves_entry_bytes"), database.transaction(SYSTEM) as tx:
        tx.connection.execute(leaves.insert().values(id=uuid4(), log=log.name, entry=b"x" * size))


def test_one_place_holds_one_leaf(database, log):
    rows = [{"id": uuid4(), "log": log.name, "entry": b"x", "index": 0} for _ in range(2)]
    with pytest.raises(DBAPIError, match="uq_ledger_leaves_log_index"), database.transaction(SYSTEM) as tx:
        tx.connection.execute(leaves.insert(), rows)


def test_a_log_is_opened_once_by_anybody_whose_verb_does(database, clock):
    with database.transaction(PERSON) as tx:
        open_log(tx, READS)
        open_log(tx, READS)
        opened = read_log(tx, READS.name)
        assert (opened.log, opened.published, opened.opened_at) == (READS, TreeHead(0, EMPTY_ROOT), clock.now())
        assert list_logs(tx) == (opened,)
        assert tx.viewer == PERSON
        assert tx.connection.execute(text("select count(*) from ledger_logs")).scalar() == 0


@pytest.mark.parametrize(
    "other",
    [
        Log(READS.name, "example.org/other", LogKind.READS),
        Log(LogName("other"), READS.origin, LogKind.READS),
        Log(READS.name, READS.origin, LogKind.MODEL),
    ],
)
def test_name_and_origin_are_one_logs(database, log, other):
    with database.transaction(SYSTEM) as tx, pytest.raises(Conflict, match="another log has this name or origin"):
        open_log(tx, other)


@pytest.mark.parametrize("origin", ["", "a b", "a+b", "a\nb"])
def test_an_origin_may_name_a_key(database, origin):
    with database.transaction(SYSTEM) as tx, pytest.raises(Malformed, match="an origin has no spaces"):
        open_log(tx, Log(LogName("other"), origin, LogKind.READS))


def test_a_log_that_was_never_opened_is_missing_and_its_leaves_are_counted(database):
    with database.transaction(SYSTEM) as tx:
        with pytest.raises(Missing, match="no log of that name was opened"):
            read_log(tx, LogName("nothing"))
        append(tx, LogName("nothing"), leaf_of(tx))
        assert count_waiting(tx) == {"nothing": 1}
