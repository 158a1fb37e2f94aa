"""The database's own disk is full to the last byte: what cannot be kept is refused, and goes on when there is room."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select

from leadtime.foundation.access import SYSTEM
from leadtime.foundation.database.connect import Address
from leadtime.foundation.database.embedded import ADMIN, EmbeddedServer, start_embedded
from leadtime.foundation.digests import canonical_json
from leadtime.foundation.errors import Unavailable
from leadtime.ledger.append import append_all, count_waiting, open_log
from leadtime.ledger.disk import FileDisk
from leadtime.ledger.leaves import new_leaf
from leadtime.ledger.sequence import Sequencer
from leadtime.ledger.signers import signers_home
from leadtime.ledger.tables import leaves
from leadtime.workflows import rules
from leadtime.workflows.engine import perform, takings, work
from leadtime.workflows.records import Queue
from leadtime.workflows.report_to_operator import plan
from tests.conftest import a_database_in, make_template
from tests.ledger.conftest import READS
from tests.workflows.story import PATIENT, Cast, a_story_report, believe, state_of, station_of

DISK_BYTES = 160 << 20
LARGE_BYTES = 140_000
"""Of what is kept: far more than the free room in pages that the database has already."""

FILLINGS_MAX = 100

FULL = r"the database cannot do this now \(DiskFull\)"


@dataclass(frozen=True)
class SmallDisk:
    """A file system that holds a database server of its own, and what fills it."""

    place: Path
    admin: str

    @property
    def ballast(self) -> Path:
        return self.place / "ballast"

    def fill(self) -> None:
        """Leave no room but in the log that the server writes ahead, without which it would stop altogether."""
        with psycopg.connect(self.admin, autocommit=True) as admin:
            admin.execute("select pg_switch_wal()")
            admin.execute("checkpoint")
        with self.ballast.open("ab") as ballast:
            for _ in range(FILLINGS_MAX):
                free = os.statvfs(self.place)
                if free.f_bavail == 0:
                    return
                with suppress(OSError):
                    os.posix_fallocate(ballast.fileno(), ballast.tell(), free.f_bavail * free.f_bsize)
                ballast.seek(0, os.SEEK_END)
        raise AssertionError("somebody makes room")

    def make_room(self) -> None:
        self.ballast.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def small_server(tmp_path_factory) -> Iterator[tuple[SmallDisk, EmbeddedServer]]:
    if os.geteuid() != 0:
        pytest.skip("a small disk can be mounted by root alone")
    place = tmp_path_factory.mktemp("small")
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", place], check=True)
    server = start_embedded(place / "postgresql", fleeting=True)
    make_template(server)
    admin = server.conninfo(ADMIN, "postgres")
    with psycopg.connect(admin, autocommit=True) as connection:
        # None but the tests' own statements take or give room.
        connection.execute("alter system set checkpoint_timeout = '1d'")
        connection.execute("select pg_reload_conf()")
    yield SmallDisk(place, admin), server
    server.release()
    subprocess.run(["umount", "--lazy", place], check=True)


@pytest.fixture
def disk(small_server) -> SmallDisk:
    return small_server[0]


@pytest.fixture
def address(small_server) -> Iterator[Address]:
    """In place of the session's server: the tests' ``database`` lies on the small disk."""
    disk, server = small_server
    with a_database_in(server) as found:
        yield found
        disk.make_room()


def large(words: str) -> str:
    """Return what no compression makes small."""
    return f"{words} {base64.b64encode(os.urandom(LARGE_BYTES)).decode()}"


def test_a_report_that_cannot_be_kept_is_refused_whole_and_taken_when_there_is_room(database, disk):
    cast = Cast(database)
    report = json.loads(a_story_report("A-1"))
    report["description"] = large("A deep document does it:")
    raw = json.dumps(report).encode()
    before = state_of(database)
    disk.fill()

    for _ in range(2):
        with pytest.raises(Unavailable, match=FULL):
            cast.hand_in(raw)
    assert state_of(database) == before

    disk.make_room()
    cast.hand_in(raw)
    after = state_of(database)
    assert (after["reports"], after["validated"], after["jobs"]) == (1, [("queued", None)], [("validate", "todo")])


def test_a_leaf_that_cannot_be_kept_leaves_no_gap_in_the_log(database, disk, home):
    with database.transaction(SYSTEM) as tx:
        open_log(tx, READS)
        several = [new_leaf(tx.keys, READS.name, kind="read", at=tx.now, fields={"x": b"y"}) for _ in range(3_000)]
        append_all(tx, READS.name, several[:1])
    disk.fill()

    with pytest.raises(Unavailable, match=FULL), database.transaction(SYSTEM) as tx:
        append_all(tx, READS.name, several[1:])
    with database.transaction(SYSTEM) as tx:
        assert count_waiting(tx) == {READS.name: 1}

    disk.make_room()
    with database.transaction(SYSTEM) as tx:
        append_all(tx, READS.name, several[1:])
    sequencer = Sequencer(database, READS, disk=FileDisk(home / "log"), keys=signers_home(home, READS))
    assert sequencer.turn().head.size == len(several)
    with database.transaction(SYSTEM) as tx:
        indexes = tx.connection.scalars(select(leaves.c.index).order_by(leaves.c.index)).all()
    assert indexes == list(range(len(several)))


def test_a_worker_goes_on_by_itself_when_there_is_room(database, address, home, disk, monkeypatch):
    """More tries fail on a full disk than a step has for its own faults: nothing is lost, doubled, or set aside."""
    monkeypatch.setattr(rules, "PAUSE_SECONDS_FIRST", 0)
    monkeypatch.setattr(perform, "PAUSE_SECONDS_FIRST", 0)
    monkeypatch.setattr(takings, "AGAIN_SECONDS", 0.1)
    Cast(database).hand_in(a_story_report("A-1"))
    seen = []

    def prove(begun, stopping):
        seen.append(state_of(database)["validated"])
        if len(seen) == 1:
            disk.fill()
        if len(seen) > rules.ATTEMPTS_MAX:
            disk.make_room()
        outcome = believe(begun, stopping)
        result = json.loads(outcome.result) | {"said": large("")}
        return replace(outcome, result=canonical_json(result))

    station = station_of(database, address, str(home))
    asyncio.run(work(station, plan(prove), queues=Queue, concurrency=1, timings=PATIENT, until_idle=True))

    assert seen == [[("running", None)]] * (rules.ATTEMPTS_MAX + 1)
    after = state_of(database)
    assert after["validated"] == [("decided", "reproduced")]
    assert (after["merged_reports"], after["cases"], after["jobs"], after["set_aside"]) == (1, 1, [], 0)
