"""Older backups: nothing is signed until the log is reconciled, and then nothing is lost that anybody still has."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select, update

from leadtime.foundation.access import SYSTEM
from leadtime.foundation.errors import Refused
from leadtime.ledger.append import append_all, note_published, read_log
from leadtime.ledger.cosigning import NOTHING
from leadtime.ledger.leaves import new_leaf
from leadtime.ledger.reconcile import Reconciled, reconcile
from leadtime.ledger.sequence import Sequencer
from leadtime.ledger.signers import Signer
from leadtime.ledger.tables import leaves
from leadtime.ledger.verify import Trust, verify_log
from tests.ledger.doomed import READS, signer_in
from tests.ledger.places import MemoryDisk
from tests.ledger.test_faults import witness_of

TRUST = Trust(READS.origin, (Signer(READS.origin, b"s" * 32).key,))


def log_some(database, count):
    with database.transaction(SYSTEM) as tx:
        fresh = [new_leaf(tx.keys, READS.name, kind="read", at=tx.now, fields={}) for _ in range(count)]
        append_all(tx, READS.name, fresh)
    return [leaf.id for leaf in fresh]


class Site:
    """An installation of one log whose database and disk can be restored from back-ups."""

    def __init__(self, database, log, signing, witnesses):
        self.database, self.log, self.signing, self.witnesses = database, log, signing, witnesses
        self.disk = MemoryDisk()

    def sequencer(self):
        return Sequencer(self.database, self.log, disk=self.disk, keys=self.signing, witnesses=self.witnesses)

    def turn(self):
        return self.sequencer().turn()

    def restore_database(self, size, published, *, numbered=True):
        """Take the database back to when it had ``size`` leaves, the last of them perhaps without their indexes."""
        with self.database.transaction(SYSTEM) as tx:
            tx.connection.execute(delete(leaves).where(leaves.c.index >= size))
            if not numbered:
                tx.connection.execute(update(leaves).where(leaves.c.index >= published.size).values(index=None))
            note_published(tx, self.log.name, published)

    def reconcile(self, copy=None):
        return reconcile(self.database, self.log, disk=self.disk, keys=self.signing, copy=copy)

    def verified(self):
        visited = []
        found = verify_log(self.disk, TRUST, visit=lambda _, leaf: visited.append(leaf.id))
        assert found.problems.first == []
        return visited


@pytest.fixture
def site(database, clock, home, log, signing):
    signer_in(home)
    return Site(database, log, signing, [witness_of(clock)])


def copy_of(disk):
    copy = MemoryDisk()
    copy.files = dict(disk.files)
    return copy


@pytest.mark.parametrize("numbered", [True, False])
def test_an_older_database_signs_nothing_until_reconciled_and_then_lost_nothing(site, numbered):
    wanted = log_some(site.database, 5)
    first = site.turn().head
    wanted += log_some(site.database, 290)
    last = site.turn().head
    site.restore_database(200, first, numbered=numbered)
    late = log_some(site.database, 2)
    before = dict(site.disk.files)
    ends = 200 if numbered else 5
    with pytest.raises(Refused) as refused:
        site.turn()
    assert refused.value.what == (
        f"the database ends at {ends} leaves, and a checkpoint of 295 was signed: an older backup of the database was "
        "restored, and the log is read-only until reconciled"
    )
    assert site.disk.files == before
    done = site.reconcile()
    assert (done.head, done.rows_restored) == (last, 295 - ends)
    assert site.turn().head.size == 297
    assert sorted(site.verified()) == sorted(wanted + late)


def test_an_older_disk_signs_nothing_until_reconciled_from_the_database(site):
    wanted = log_some(site.database, 5)
    site.turn()
    older = copy_of(site.disk)
    wanted += log_some(site.database, 300)
    last = site.turn().head
    site.disk = older
    with pytest.raises(Refused) as refused:
        site.turn()
    assert refused.value.what == (
        "the disk ends before the 305 leaves that were published: an older copy of it was restored, and the log is "
        "read-only until reconciled"
    )
    assert site.reconcile().head == last
    log_some(site.database, 1)
    assert site.turn().head.size == 306
    assert sorted(site.verified()[:305]) == sorted(wanted)


def test_a_lost_disk_is_written_again_from_the_database(site):
    log_some(site.database, 300)
    last = site.turn().head
    site.disk = MemoryDisk()
    with pytest.raises(Refused, match="the disk ends before the 300 leaves that were published"):
        site.turn()
    assert site.reconcile().head == last
    assert site.turn().head == last
    assert len(site.verified()) == 300


def test_database_and_disk_restored_together_are_stopped_by_the_witness(site):
    log_some(site.database, 5)
    first = site.turn().head
    older = copy_of(site.disk)
    log_some(site.database, 4)
    last = site.turn().head
    auditor = copy_of(site.disk)
    site.disk = older
    site.restore_database(5, first)
    log_some(site.database, 1)
    for attempt in (site.turn, lambda: (site.reconcile(), site.turn())):
        with pytest.raises(Refused) as refused:
            attempt()
        assert refused.value.what == (
            "a witness cosigned 9 leaves, and database and disk end at 5: older backups were restored, and the log is "
            "read-only until reconciled"
        )
    done = site.reconcile(copy=auditor)
    assert (done.head, done.rows_restored) == (last, 4)
    assert site.turn().head.size == 10
    site.verified()


def test_a_copy_that_does_not_hold_is_refused(site):
    log_some(site.database, 5)
    site.turn()
    copy = copy_of(site.disk)
    copy.files["tile/0/000.p/5"] = bytes(160)
    with pytest.raises(
        Refused, match=r"the copy does not hold: tile/0/000\.p/5 does not hold the hashes of its entries"
    ):
        site.reconcile(copy=copy)


def test_a_copy_that_tells_another_history_changes_nothing(site, database):
    log_some(site.database, 5)
    site.turn()
    other = copy_of(site.disk)
    log_some(site.database, 3)
    site.turn()
    fork = Site(database, site.log, site.signing, [])
    fork.disk = other
    # The same key signs another sixth leaf and more, as a site would whose database was restored without its witness.
    with database.transaction(SYSTEM) as tx:
        published = read_log(tx, site.log.name).published
    site.restore_database(5, verified_head(other))
    log_some(database, 6)
    fork.turn()
    with database.transaction(SYSTEM) as tx:
        rows = tx.connection.execute(leaves.select()).all()
        before = {row.id: row._mapping["index"] for row in rows}
        note_published(tx, site.log.name, published)
    files = dict(site.disk.files)
    with pytest.raises(Refused, match="the database's first 8 leaves do not have the root that was signed"):
        site.reconcile(copy=fork.disk)
    assert site.disk.files == files
    with database.transaction(SYSTEM) as tx:
        rows = tx.connection.execute(leaves.select()).all()
        assert {row.id: row._mapping["index"] for row in rows} == before


def verified_head(disk):
    checkpoint = verify_log(disk, TRUST).head.checkpoint
    return type("Head", (), {"size": checkpoint.size, "root": checkpoint.root})


def test_a_leaf_changed_in_the_database_stops_the_log_at_the_next_start(site):
    log_some(site.database, 5)
    site.turn()
    with site.database.transaction(SYSTEM) as tx:
        tx.connection.execute(update(leaves).where(leaves.c.index == 3).values(entry=b"another"))
    log_some(site.database, 1)
    with pytest.raises(Refused, match="tell different histories of the first 5 leaves: the log is read-only until"):
        site.turn()


def test_a_leaf_changed_in_the_database_never_reaches_the_published_log_and_comes_back_with_a_backup(site):
    wanted = log_some(site.database, 5)
    head = site.turn().head
    files = dict(site.disk.files)
    with site.database.transaction(SYSTEM) as tx:
        other = tx.connection.scalar(select(leaves.c.entry).where(leaves.c.index == 2))
        tx.connection.execute(update(leaves).where(leaves.c.index == 3).values(entry=other))
    with pytest.raises(Refused) as refused:
        site.turn()
    assert refused.value.next_step == (
        "Run leadtime ledger reconcile: it mends damaged files, and changes nothing unless the database's leaves are "
        "those that were signed."
    )
    with pytest.raises(Refused) as refused:
        site.reconcile()
    assert refused.value.what == "the database's first 5 leaves do not have the root that was signed"
    assert refused.value.next_step == (
        "Restore the database from before its leaves were changed, then run leadtime ledger reconcile: later ones come "
        "back from the log's own disk. If two histories were signed: keep this log as it is, and open another."
    )
    assert site.disk.files == files
    site.restore_database(3, NOTHING)
    assert site.reconcile() == Reconciled(head, 2)
    assert sorted(site.verified()) == sorted(wanted)


def test_a_leaf_taken_out_of_the_database_stops_the_log_at_the_next_start(site):
    log_some(site.database, 5)
    site.turn()
    with site.database.transaction(SYSTEM) as tx:
        tx.connection.execute(delete(leaves).where(leaves.c.index == 3))
    with pytest.raises(Refused, match="a leaf that has its place is not in the database") as refused:
        site.turn()
    assert refused.value.next_step.startswith("Restore the database from before its leaves were changed, then run ")


@pytest.mark.parametrize("damaged", ["tile/0/001.p/44", "tile/entries/001.p/44"])
def test_a_damaged_tile_stops_the_log_and_it_alone_is_written_again_by_rename(site, damaged):
    log_some(site.database, 300)
    last = site.turn().head
    files = dict(site.disk.files)
    site.disk.files[damaged] = bytes(len(files[damaged]))
    with pytest.raises(Refused):
        site.turn()
    site.disk.renamed.clear()
    assert site.reconcile().head == last
    assert site.disk.files == files
    assert site.disk.renamed == [damaged, "signed"]
    assert site.turn().head == last


def test_without_a_witness_only_a_kept_checkpoint_tells(site):
    site.witnesses = []
    log_some(site.database, 5)
    first = site.turn().head
    older = copy_of(site.disk)
    log_some(site.database, 4)
    site.turn()
    kept = site.disk.files["checkpoint"]
    site.disk = older
    site.restore_database(5, first)
    log_some(site.database, 9)
    assert site.turn().head.size == 14
    assert verify_log(site.disk, TRUST).holds
    assert verify_log(site.disk, TRUST, earlier=[kept]).problems.first == [
        "the log did not grow from an earlier checkpoint of 9 leaves: two histories"
    ]
