from __future__ import annotations

from leadtime.foundation.access import SYSTEM
from leadtime.ledger.append import append, read_log
from leadtime.ledger.leaves import new_leaf, parse_leaf
from leadtime.ledger.records import TreeHead
from leadtime.ledger.tiles import Tile, read_bundle
from leadtime.ledger.tree import root_of


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
    assert sequencer.settled
