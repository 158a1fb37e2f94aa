from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from leadtime.foundation.access import SYSTEM
from leadtime.foundation.database import Transaction
from leadtime.foundation.database.transaction import set_viewer
from leadtime.foundation.errors import LeadtimeError, Refused, Unavailable
from leadtime.ledger.append import append, append_all, count_waiting, open_log, read_log
from leadtime.ledger.homes import sequencer_of
from leadtime.ledger.keep import Keeper
from leadtime.ledger.leaves import new_leaf, parse_leaf
from leadtime.ledger.records import Log, LogKind, LogName, Round, TreeHead
from leadtime.ledger.sequence import Sequencer, take_lock
from leadtime.ledger.signers import read_signers
from leadtime.ledger.tiles import Tile, read_bundle
from leadtime.ledger.tree import root_of
from leadtime.ledger.verify import Trust, verify_log
from tests.ledger.places import MemoryDisk


def log_one(database, log, name="x"):
    with database.transaction(SYSTEM) as tx:
        return append(tx, log.name, new_leaf(tx.keys, log.name, kind="read", at=tx.now, fields={"what": name.encode()}))


def test_a_committed_leaf_is_in_the_next_checkpoint(database, log, disk, sequencer):
    first = sequencer.turn()
    assert (first.head.size, first.added, first.more) == (0, 0, False)
    leaf = log_one(database, log)
    done = sequencer.turn()
    assert (done.head.size, done.added, done.cosigned) == (1, 1, 0)
    entries = read_bundle(disk, Tile(None, 0, 1))
    assert parse_leaf(entries[0]).id == leaf
    assert done.head.root == root_of(entries)
    assert disk.read("checkpoint").startswith(b"example.org/ledger/reads\n1\n")
    with database.transaction(SYSTEM) as tx:
        assert read_log(tx, log.name).published == TreeHead(1, done.head.root)
    assert (done.more, done.silent) == (False, ())


def test_what_is_not_committed_is_no_leaf_and_gets_its_place_when_it_is(database, log, disk, sequencer):
    with database.transaction(SYSTEM) as tx:
        early = new_leaf(tx.keys, log.name, kind="read", at=tx.now, fields={})
        append(tx, log.name, early)
        late = log_one(database, log)
        assert sequencer.turn().head.size == 1
    assert sequencer.turn().head.size == 2
    assert [parse_leaf(entry).id for entry in read_bundle(disk, Tile(None, 0, 2))] == [late, early.id]


def test_what_is_rolled_back_is_no_leaf(database, log, sequencer):
    with database.engine.connect() as connection:
        tx = Transaction(connection, SYSTEM, database.clock, database.keys)
        set_viewer(connection, SYSTEM)
        append(tx, log.name, new_leaf(tx.keys, log.name, kind="read", at=tx.now, fields={}))
        connection.rollback()
    assert sequencer.turn().head.size == 0


def test_a_turn_takes_a_bounded_number_of_leaves_and_of_bytes(database, log, sequencer, monkeypatch):
    monkeypatch.setattr("leadtime.ledger.sequence.LEAVES_PER_TURN_MAX", 3)
    for _ in range(7):
        log_one(database, log)
    done = [sequencer.turn() for _ in range(4)]
    assert [(each.added, each.more) for each in done] == [(3, True), (3, True), (1, False), (0, False)]
    monkeypatch.setattr("leadtime.ledger.sequence.BYTES_PER_TURN_MAX", 500)
    for _ in range(3):
        log_one(database, log)
    done = [sequencer.turn() for _ in range(3)]
    assert [each.added for each in done] == [2, 1, 0]
    assert [each.more for each in done] == [True, False, False]


def test_partial_tiles_go_once_the_full_one_is_published(database, log, disk, sequencer):
    log_one(database, log)
    sequencer.turn()
    assert (disk.root / "tile/0/000.p/1").is_file()
    with database.transaction(SYSTEM) as tx:
        many = [new_leaf(tx.keys, log.name, kind="read", at=tx.now, fields={}) for _ in range(300)]
        append_all(tx, log.name, many)
    sequencer.turn()
    assert not (disk.root / "tile/0/000.p").exists()
    assert not (disk.root / "tile/entries/000.p").exists()
    assert (disk.root / "tile/0/001.p/45").is_file()


def test_one_sequencer_works_on_a_log_at_a_time(database, log, disk, signing, sequencer):
    other = Sequencer(database, log, disk=disk, keys=signing)
    with disk.alone(), pytest.raises(Unavailable, match="another sequencer works on this log"):
        sequencer.turn()
    elsewhere = Sequencer(database, log, disk=MemoryDisk(), keys=signing)
    with database.transaction(SYSTEM) as tx:
        assert take_lock(tx, log)
        with pytest.raises(Unavailable, match="another sequencer works on this log"):
            elsewhere.turn()
    assert other.turn().head.size == 0


def test_sequencers_racing_for_one_log_make_one_history(database, log, disk, signing):
    ids, stop = [], threading.Event()
    problems = []

    def race():
        sequencer = Sequencer(database, log, disk=disk, keys=signing)
        while not stop.is_set():
            try:
                sequencer.turn()
            except Unavailable as problem:
                problems.append(problem.what)

    threads = [threading.Thread(target=race) for _ in range(2)]
    for thread in threads:
        thread.start()
    ids.extend(log_one(database, log) for _ in range(20))
    stop.set()
    for thread in threads:
        thread.join()
    sequencer = Sequencer(database, log, disk=disk, keys=signing)
    sequencer.turn()
    visited = []
    trust = Trust(log.origin, tuple(each.key for each in read_signers(signing, log)))
    found = verify_log(disk, trust, visit=lambda _, leaf: visited.append(leaf.id))
    assert found.problems.first == []
    assert sorted(visited) == sorted(ids)
    assert set(problems) <= {"another sequencer works on this log"}


def test_another_logs_checkpoint_on_the_disk_is_refused(database, disk, sequencer, home):
    sequencer.turn()
    other = Log(LogName("other"), "example.org/ledger/other", LogKind.MODEL)
    with database.transaction(SYSTEM) as tx:
        open_log(tx, other)
    sequencer_of(database, other, home).turn()
    disk.replace("signed", (home / "ledger/other/signed").read_bytes())
    with pytest.raises(Refused):
        sequencer.turn()


def test_a_keeper_turns_every_log_that_has_something_to_do(database, clock, log, home):
    other = Log(LogName("m1"), "example.org/ledger/m1", LogKind.MODEL)
    with database.transaction(SYSTEM) as tx:
        open_log(tx, other)
    keeper = Keeper(database, lambda each: sequencer_of(database, each, home))
    assert set(keeper.turn_all()) == {"reads", "m1"}
    assert keeper.turn_all() == {}
    log_one(database, log)
    (done,) = keeper.turn_all().values()
    assert isinstance(done, Round)
    assert done.head.size == 1
    clock.advance(seconds=59)
    assert keeper.turn_all() == {}
    clock.advance(seconds=1)
    assert set(keeper.turn_all()) == {"reads", "m1"}


def test_a_keeper_tells_of_a_log_that_may_not_sign_and_goes_on_with_the_others(database, log, home):
    other = Log(LogName("m1"), "example.org/ledger/m1", LogKind.MODEL)
    with database.transaction(SYSTEM) as tx:
        open_log(tx, other)
    keeper = Keeper(database, lambda each: sequencer_of(database, each, home))
    keeper.turn_all()
    (home / "ledger/reads/signed").write_bytes(b"nonsense")
    log_one(database, log)
    log_one(database, other)
    stop, told = threading.Event(), {}

    def tell(name, outcome):
        told[name] = outcome
        if len(told) == 2:
            stop.set()

    keeper.keep_turning(stop, tell)
    assert isinstance(told["reads"], LeadtimeError)
    assert told["m1"].head.size == 1
    with database.transaction(SYSTEM) as tx:
        assert count_waiting(tx) == {"reads": 1}


class Scripted:
    """A log's sequencer, as far as its keeper sees it: what each turn does is said beforehand, the last for ever."""

    def __init__(self, outcomes):
        self.outcomes, self.turns = list(outcomes), 0

    def turn(self):
        self.turns += 1
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


DONE = Round(TreeHead(0, root_of([])), added=0, cosigned=0, more=False)


def kept_with(database, scripts):
    """A keeper of these logs, each with its script."""
    with database.transaction(SYSTEM) as tx:
        for name in scripts:
            open_log(tx, Log(LogName(name), f"example.org/ledger/{name}", LogKind.MODEL))
    return Keeper(database, lambda each: scripts[each.name])


def test_an_error_nobody_foresaw_is_its_own_logs_alone_and_that_log_is_left_alone_for_a_while(database, clock):
    fault = TypeError("can't compare offset-naive and offset-aware datetimes")
    scripts = {"a": Scripted([fault]), "b": Scripted([replace(DONE, more=True)])}
    keeper = kept_with(database, scripts)
    assert keeper.turn_all() == {"a": fault, "b": replace(DONE, more=True)}
    log_one(database, Log(LogName("a"), "example.org/ledger/a", LogKind.MODEL))
    clock.advance(seconds=1.9)
    assert set(keeper.turn_all()) == {"b"}
    clock.advance(seconds=0.1)
    assert set(keeper.turn_all()) == {"a", "b"}


def test_a_log_without_a_working_sequencer_stops_no_other(database):
    keeper = kept_with(database, {"a": None, "b": Scripted([DONE])})
    outcomes = keeper.turn_all()
    assert isinstance(outcomes["a"], AttributeError)
    assert outcomes["b"] == DONE


def test_a_log_with_a_silent_witness_is_turned_when_that_may_be_asked_again_or_a_leaf_waits(database, clock):
    quiet = replace(DONE, silent=("w.example",))
    keeper = kept_with(database, {"a": Scripted([quiet])})
    assert keeper.turn_all() == {"a": quiet}
    assert keeper.turn_all() == {}
    clock.advance(seconds=9)
    assert keeper.turn_all() == {}
    clock.advance(seconds=1)
    assert keeper.turn_all() == {"a": quiet}
    log_one(database, Log(LogName("a"), "example.org/ledger/a", LogKind.MODEL))
    assert keeper.turn_all() == {"a": quiet}
