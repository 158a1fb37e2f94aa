"""Kill -9 in every gap between row, tile, checkpoint and witness: no fork, no lost leaf, no leaf twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import func, select

from leadtime.foundation.access import SYSTEM
from leadtime.foundation.errors import Missing
from leadtime.ledger.append import append_all, read_log
from leadtime.ledger.leaves import new_leaf
from leadtime.ledger.records import TreeHead
from leadtime.ledger.sequence import SEQUENCING_LOCK, Sequencer
from leadtime.ledger.tables import leaves
from leadtime.ledger.verify import Trust, verify_log
from tests.ledger.doomed import GAPS, READS, signer_in, witness_in

NEW = "before replace keys"
"""The list of keys is written with the first checkpoint only."""

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def executioner(server):
    """One process that forks a doomed sequencer for each line it is sent."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(Path(__file__).with_name("doomed.py")), str(server.directory)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as running:
        yield running
        running.stdin.close()


def log_some(database, count):
    with database.transaction(SYSTEM) as tx:
        fresh = [
            new_leaf(tx.keys, READS.name, kind="read", at=tx.now, fields={"n": str(number).encode()})
            for number in range(count)
        ]
        append_all(tx, READS.name, fresh)
    return [leaf.id for leaf in fresh]


def go_on(sequencer):
    for _ in range(5):
        done = sequencer.turn()
        if not done.more and not done.silent:
            return done
    raise AssertionError("the log does not settle")


def await_its_end(database):
    """Wait until PostgreSQL has noticed that the dead one's connection is gone, and given its lock back."""
    with database.transaction(SYSTEM) as tx:
        tx.connection.execute(select(func.pg_advisory_xact_lock(SEQUENCING_LOCK, func.hashtext(READS.name))))


def read_if_there(disk, path):
    try:
        return [disk.read(path)]
    except Missing:
        return []


@pytest.mark.parametrize(
    ("before", "gap"),
    [*((5, gap) for gap in GAPS if gap != NEW), (0, NEW), (0, "after numbering is committed"), (0, "after put_all")],
)
def test_killed_there_a_fresh_sequencer_goes_on_with_one_history(  # noqa: PLR0917  # fixtures
    executioner, gap, before, database, address, home, log, disk, signing
):
    signer = signer_in(home)
    witness = witness_in(home, [signer.key], database.clock)
    wanted = log_some(database, before)
    if before:
        go_on(Sequencer(database, log, disk=disk, keys=signing, witnesses=[witness]))
    kept = read_if_there(disk, "checkpoint")
    wanted += log_some(database, 300)

    name = conninfo_to_dict(address.app)["dbname"]
    executioner.stdin.write(json.dumps({"database": name, "home": str(home), "gap": gap}) + "\n")
    executioner.stdin.flush()
    assert executioner.stdout.readline() == "-9\n"
    await_its_end(database)

    kept += [*read_if_there(disk, "signed"), *read_if_there(disk, "checkpoint")]
    seen = witness.memory.latest(log.origin)
    wanted += log_some(database, 7)
    done = go_on(Sequencer(database, log, disk=disk, keys=signing, witnesses=[witness]))

    visited = []
    trust = Trust(log.origin, (signer.key,), (witness.key,), 1)
    found = verify_log(disk, trust, earlier=kept, visit=lambda _, leaf: visited.append(leaf.id))
    assert found.problems.first == []
    assert found.head.checkpoint.size == done.head.size == before + 307 >= seen.size
    assert sorted(visited) == sorted(wanted)
    with database.transaction(SYSTEM) as tx:
        assert read_log(tx, log.name).published == TreeHead(done.head.size, done.head.root)
        assert list(tx.connection.scalars(select(leaves.c.id).order_by(leaves.c.index))) == visited
