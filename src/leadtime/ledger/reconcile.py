"""Reconciling a log after an older backup was restored: what a signed copy still has is put back where it is missing.

Nothing is ever taken away, and nothing that two places tell differently is chosen between: then the log stays
read-only, and its history goes on under a new origin.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert

from leadtime.foundation.access import SYSTEM
from leadtime.foundation.database import Database, Transaction
from leadtime.foundation.errors import Refused, Unavailable
from leadtime.ledger.append import note_published, read_log
from leadtime.ledger.disk import Disk, FileDisk
from leadtime.ledger.growth import Edge, Growth, grow
from leadtime.ledger.leaves import parse_leaf
from leadtime.ledger.records import Log, TreeHead
from leadtime.ledger.sequence import (
    LEAVES_PER_TURN_MAX,
    RESTORE,
    SIGNED,
    count_numbered,
    read_entries,
    read_signed,
    replace_other,
    sign_head,
    take_lock,
)
from leadtime.ledger.signers import Signer, make_signers, signing_at
from leadtime.ledger.tables import leaves
from leadtime.ledger.tiles import WIDTH, Source, read_bundle, tiles_at
from leadtime.ledger.verify import Trust, verify_log


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What reconciling did: the head that all agree on now, and how many leaves came back into the database."""

    head: TreeHead
    rows_restored: int


def reconcile(database: Database, log: Log, *, disk: Disk, keys: FileDisk, copy: Source | None = None) -> Reconciled:
    """Bring database and disk to the largest head that either of them, or a ``copy`` of the log's files, knows.

    Leaves that the database lost come back from the copy's entries (None: the disk's own); tiles that the disk lost, or
    holds damaged, are written again from the database. Raises `Refused` if the copy does not hold, or if two places
    tell different histories; `Missing` if nobody has the leaves; then nothing was changed.
    """
    with disk.alone() as only, database.transaction(SYSTEM) as guard:
        if not only or not take_lock(guard, log):
            raise Unavailable("a sequencer works on this log", where=log.name, next_step="Stop it first.")
        signers = make_signers(keys, log)
        published, on_disk = read_log(guard, log.name).published, read_signed(disk, log, signers)
        source, held = (disk, on_disk) if copy is None else (copy, _head_of(copy, log, signers))
        heads = sorted((published, on_disk, held), key=lambda each: each.size)
        head = heads[-1]
        with database.transaction(SYSTEM) as tx:
            restored = _restore_rows(tx, log, source, held.size)
            _mend_tiles(tx, log, disk, heads)
            note_published(tx, log.name, head)
        note = sign_head(log, head, signing_at(signers, guard.now))
        disk.replace(SIGNED, note.raw)
    return Reconciled(head, restored)


def _head_of(copy: Source, log: Log, signers: Sequence[Signer]) -> TreeHead:
    """Return the head of a copy that was verified whole."""
    found = verify_log(copy, Trust(log.origin, tuple(each.key for each in signers)))
    if found.head is None or not found.holds:
        raise Refused(f"the copy does not hold: {found.problems.first[0]}", where=log.name)
    return TreeHead(found.head.checkpoint.size, found.head.checkpoint.root)


def _restore_rows(tx: Transaction, log: Log, source: Source, size: int) -> int:
    """Put back the rows of the leaves before ``size`` that the database lost, from a source's entries; count them."""
    numbered = count_numbered(tx, log)
    restored = 0
    for bundle in tiles_at(None, size, first=numbered // WIDTH) if numbered < size else ():
        rows = [
            {"id": parse_leaf(entry).id, "log": log.name, "entry": entry, "index": index}
            for index, entry in enumerate(read_bundle(source, bundle), start=bundle.index * WIDTH)
            if index >= numbered
        ]
        if rows:
            # A row that the backup held before it had its place comes back with it.
            ids = [row["id"] for row in rows]
            tx.connection.execute(delete(leaves).where(leaves.c.id.in_(ids), leaves.c.index.is_(None)))
            tx.connection.execute(insert(leaves), rows)
        restored += len(rows)
    return restored


def _mend_tiles(tx: Transaction, log: Log, disk: Disk, heads: Sequence[TreeHead]) -> None:
    """Give the disk the tiles that it lacks or holds damaged; before any, every head is compared with the leaves."""
    for _ in _grow_through(tx, log, heads):
        pass
    for growth in _grow_through(tx, log, heads):
        for path, content in {**growth.bundles, **growth.tiles}.items():
            replace_other(disk, path, content)


def _grow_through(tx: Transaction, log: Log, heads: Sequence[TreeHead]) -> Iterator[Growth]:
    """Yield what the database's leaves make of the tree, up to the last of ``heads``; each must have its root."""
    edge = Edge()
    for head in heads:
        while edge.size < head.size:
            # In whole tiles where it can be, so that no partial one stays between.
            end = min(head.size, (edge.size // WIDTH) * WIDTH + LEAVES_PER_TURN_MAX)
            growth = grow(edge, read_entries(tx, log, edge.size, end))
            edge = growth.edge
            yield growth
        if edge.root != head.root:
            raise Refused(
                f"the database's first {head.size} leaves do not have the root that was signed",
                where=log.name,
                next_step=f"{RESTORE} If two histories were signed: keep this log as it is, and open another.",
            )
