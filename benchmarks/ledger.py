"""The ledger's speed: durable appends and inclusion proofs, beside pymerkle and the bare cost of hashing.

Run: ``.venv/bin/python benchmarks/ledger.py``. Rounds are interleaved, and the same entries go to each. Bars: a durable
append (entry bundles, hash tiles, a signed checkpoint, all synced) of batches of 4,096 at least 0.8 times as fast as
pymerkle's SQLite tree in one transaction, and at least 0.4 times as fast as hashing alone (the tree over the batch by
hashlib, nothing kept); an inclusion proof from tiles on disk at least twice as fast as pymerkle's from memory. The best
rounds are compared, since a sync waits for whatever else the machine writes; medians stand beside them. Without a bar,
and after the others so that the database's own writes do not count as theirs: from rows to the published checkpoint in
one sequencer's turn. Exits with 1 if a bar is missed.

pymerkle (GPL) is only ever measured: nothing of Leadtime imports it.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pymerkle import InmemoryTree, SqliteTree

from leadtime.foundation.access import SYSTEM
from leadtime.foundation.clock import SystemClock
from leadtime.foundation.database import Database
from leadtime.foundation.database.opening import make_database, open_address
from leadtime.foundation.keys import KeyRing, create_keys
from leadtime.foundation.settings import read_settings
from leadtime.ledger import (
    FileDisk,
    Leaf,
    Log,
    LogKind,
    Sequencer,
    TreeHead,
    append_all,
    new_leaf,
    open_log,
    parse_log_name,
    sequencer_of,
)
from leadtime.ledger.growth import Edge
from leadtime.ledger.sequence import sign_head, write_growth
from leadtime.ledger.signers import Signer
from leadtime.ledger.tiles import TileTree
from leadtime.ledger.tree import fold, leaf_hashes, prove_inclusion

BATCH_LEAVES = 4_096
ROUNDS = 21
DATABASE_ROUNDS = 7
PROOFS = 3_000
PYMERKLE_MIN, HASHING_MIN, PROOF_MIN = 0.8, 0.4, 2.0

LOG = Log(parse_log_name("bench"), "example.org/ledger/bench", LogKind.MODEL)
FIELDS = dict.fromkeys(
    ("person", "organisation", "grant", "purpose", "variant", "path", "request", "request_bytes", "client"), b"value"
)
"""What the leaf of one call to a model commits to."""


class Tiles:
    """Our log, without the database: what a sequencer does once its leaves have their places."""

    def __init__(self, home: Path) -> None:
        self.disk, self.edge = FileDisk(home / "tiles"), Edge()
        self.signer = Signer(LOG.origin, os.urandom(32))

    def append(self, entries: list[bytes]) -> None:
        """Append a batch, durably, and sign it."""
        self.edge = write_growth(self.disk, self.edge, entries)
        note = sign_head(LOG, TreeHead(self.edge.size, self.edge.root), [self.signer])
        self.disk.replace("checkpoint", note.raw)


def main() -> int:
    """Measure, print the tables, and return 1 if a bar is missed."""
    # Not /tmp, which may be memory: no durable append.
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="leadtime-bench-") as folder:
        home = Path(folder)
        os.chmod(home, 0o755)  # noqa: PTH101  # the embedded server runs as a user of its own
        return measure(home)


def measure(home: Path) -> int:
    """Run every round and compare."""
    keys = create_keys(home / "keys")
    tiles, sqlite, memory = Tiles(home), SqliteTree(str(home / "pymerkle.db")), InmemoryTree()
    seconds: dict[str, list[float]] = {"hashing": [], "pymerkle": [], "tiles": [], "database": []}
    for _ in range(ROUNDS):
        entries = [leaf.entry for leaf in fresh_leaves(keys)]
        time_it(seconds["hashing"], lambda: fold(leaf_hashes(entries)))  # noqa: B023
        time_it(seconds["pymerkle"], lambda: sqlite.append_entries(entries))  # noqa: B023
        time_it(seconds["tiles"], lambda: tiles.append(entries))  # noqa: B023
        for entry in entries:
            memory.append_entry(entry)
    proofs = measure_proofs(tiles, memory)
    database, sequencer = open_site(home, keys)
    for _ in range(DATABASE_ROUNDS):
        leaves = fresh_leaves(keys)
        time_it(seconds["database"], lambda: through_database(database, sequencer, leaves))  # noqa: B023
    return tell(seconds, proofs, len(entries[0]))


def fresh_leaves(keys: KeyRing) -> list[Leaf]:
    """Return a batch of leaves as a gateway makes them."""
    now = SystemClock().now()
    return [new_leaf(keys, LOG.name, kind="call", at=now, fields=FIELDS) for _ in range(BATCH_LEAVES)]


def through_database(database: Database, sequencer: Sequencer, leaves: list[Leaf]) -> None:
    """Insert a batch, commit it, and sequence it."""
    with database.transaction(SYSTEM) as tx:
        append_all(tx, LOG.name, leaves)
    sequencer.turn()


def measure_proofs(tiles: Tiles, memory: InmemoryTree) -> dict[str, list[float]]:
    """Return the seconds of each proof, of the same random leaves, in turn."""
    seconds: dict[str, list[float]] = {"ours": [], "pymerkle": []}
    size = tiles.edge.size
    tree = TileTree(tiles.disk, size)
    chance = random.Random(20_260_803)
    for _ in range(PROOFS):
        index = chance.randrange(size)
        time_it(seconds["pymerkle"], lambda: memory.prove_inclusion(index + 1))  # noqa: B023
        time_it(seconds["ours"], lambda: prove_inclusion(tree, index, size))  # noqa: B023
    return seconds


def tell(seconds: dict[str, list[float]], proofs: dict[str, list[float]], entry_bytes: int) -> int:
    """Print the tables; return 1 if a bar is missed."""
    best = {name: min(each) for name, each in seconds.items()}
    print(f"durable append, batches of {BATCH_LEAVES:,} entries of {entry_bytes} bytes, {ROUNDS} rounds")
    print(f"  {'':40} {'best':>12} {'median':>11} {'worst':>11}")
    names = {
        "hashing": "hashing alone (limit)",
        "tiles": "Leadtime: tiles and checkpoint, synced",
        "pymerkle": "pymerkle: SQLite, one transaction",
        "database": "Leadtime: rows, tiles and checkpoint",
    }
    for name, label in names.items():
        times = (best[name], statistics.median(seconds[name]), max(seconds[name]))
        print(f"  {label:40} {BATCH_LEAVES / best[name]:10,.0f}/s {times[1] * 1e3:8.1f} ms {times[2] * 1e3:8.1f} ms")
    ours, theirs = statistics.median(proofs["ours"]), statistics.median(proofs["pymerkle"])
    print(
        f"inclusion proof in {ROUNDS * BATCH_LEAVES:,} leaves, median of {PROOFS} random ones, tiles read on first use"
    )
    print(f"  Leadtime, tiles on disk {ours * 1e6:8.1f} us   mean {statistics.mean(proofs['ours']) * 1e6:8.1f} us")
    print(
        f"  pymerkle, in memory     {theirs * 1e6:8.1f} us   mean {statistics.mean(proofs['pymerkle']) * 1e6:8.1f} us"
    )
    bars = [
        ("append / pymerkle", best["pymerkle"] / best["tiles"], PYMERKLE_MIN),
        ("append / hashing", best["hashing"] / best["tiles"], HASHING_MIN),
        ("proof / pymerkle", theirs / ours, PROOF_MIN),
    ]
    for name, found, bar in bars:
        print(f"{name:20} {found:6.2f}   bar {bar:.1f}   {'met' if found >= bar else 'MISSED'}")
    return 0 if all(found >= bar for _, found, bar in bars) else 1


def time_it(seconds: list[float], act: Callable[[], object]) -> None:
    """Note how long ``act`` takes."""
    began = time.perf_counter()
    act()
    seconds.append(time.perf_counter() - began)


def open_site(home: Path, keys: KeyRing) -> tuple[Database, Sequencer]:
    """Return database and sequencer of an installation of its own."""
    settings = replace(read_settings({}), home=home / "site")
    settings.home.mkdir(mode=0o700)
    database = open_address(make_database(settings), SystemClock(), keys)
    with database.transaction(SYSTEM) as tx:
        open_log(tx, LOG)
    sequencer = sequencer_of(database, LOG, settings.home)
    sequencer.turn()
    return database, sequencer


if __name__ == "__main__":
    sys.exit(main())
