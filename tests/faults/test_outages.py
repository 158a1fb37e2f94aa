"""A full disk, a lost database connection and a stop leave a clear state; what was under way goes on afterwards."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import text

from leadtime.flow.validation.evidence import Evidence, read_evidence
from leadtime.flow.validation.trial.builds import SealedBuilds
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.database.embedded import ADMIN
from leadtime.foundation.errors import Unavailable
from leadtime.workflows import report_to_operator
from leadtime.workflows.engine import sweep, work
from leadtime.workflows.records import Queue
from leadtime.workflows.report_to_operator import plan
from tests.faults.deaths import await_burial
from tests.workflows.story import (
    PATIENT,
    QUICK,
    Cast,
    a_story_report,
    believe,
    state_of,
    station_of,
    validation_of,
    work_until_idle,
)

SMALL_BYTES = 256 * 1024
DRAINED = Path(__file__).with_name("drained_worker.py")
CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KiB; making one takes root."""
    if os.geteuid() != 0:
        pytest.skip("a small disk can be mounted by root alone")
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL_BYTES}", "tmpfs", place], check=True)
    yield place
    subprocess.run(["umount", place], check=True)


def files_in(place: Path) -> list[Path]:
    return [path for path in place.rglob("*") if path.is_file()]


@pytest.mark.parametrize("in_clear", [True, False])
def test_evidence_that_does_not_fit_leaves_nothing_and_fits_when_there_is_room(small_disk, in_clear):
    evidence = Evidence(small_disk / "evidence", in_clear=in_clear)
    small = evidence.keep(b"a small piece")
    large = os.urandom(2 * SMALL_BYTES)

    with pytest.raises(OSError, match="No space left") as full:
        evidence.keep(large)

    assert full.value.errno == errno.ENOSPC
    assert len(files_in(small_disk)) == 1
    assert evidence.digests == [small]
    subprocess.run(["mount", "-o", f"remount,size={8 * SMALL_BYTES}", small_disk], check=True)
    kept = evidence.keep(large)
    if not in_clear:
        assert read_evidence(small_disk / "evidence", kept) == large


def test_a_build_that_does_not_fit_is_not_kept_at_all(small_disk, tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "program").write_bytes(os.urandom(2 * SMALL_BYTES))
    builds = SealedBuilds(small_disk / "builds")

    with pytest.raises(OSError, match="No space left"):
        builds.keep("name", b"k" * 32, tree)

    assert files_in(small_disk) == []
    assert not builds.take("name", b"k" * 32, tmp_path / "elsewhere")


def test_a_validation_waits_while_the_disk_is_full_and_is_decided_afterwards(database, address, home):
    """What the run answers on a full disk is an outage: tried again, with every other try left."""
    Cast(database).hand_in(a_story_report("A-1"))
    full = [True]

    def prove(begun, stopping):
        if full:
            raise Unavailable("less than 1 GiB of disk are free")
        return believe(begun, stopping)

    run_with(prove, database, address, home)
    assert state_of(database)["validated"] == [("running", None)]
    with database.transaction(SYSTEM) as tx:
        assert tx.connection.execute(text("select cause, times from failed_tries")).all() == [("outage", 1)]
        tx.connection.execute(text("update procrastinate_jobs set scheduled_at = null"))
    full.clear()
    run_with(prove, database, address, home)

    assert_decided_once(database)


@pytest.mark.parametrize("place", ["while it runs", "while it is absorbed"])
def test_a_connection_that_is_lost_in_a_validation_is_made_anew(database, address, home, monkeypatch, place):
    Cast(database).hand_in(a_story_report("A-1"))
    lost = []

    def lose() -> None:
        if not lost:
            lost.append(1)
            name = address.app.partition("dbname=")[2].split()[0]
            with psycopg.connect(address.embedded.conninfo(ADMIN, "postgres"), autocommit=True) as admin:
                query = "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = %s"
                assert admin.execute(query, [name]).fetchone() != (0,)

    def prove(begun, stopping):
        if place == "while it runs":
            lose()
        return believe(begun, stopping)

    if place == "while it is absorbed":
        absorb = report_to_operator.validation.absorb_validation

        def absorb_and_lose(tx, begun, outcome):
            absorbed = absorb(tx, begun, outcome)
            lose()
            return absorbed

        monkeypatch.setattr(report_to_operator.validation, "absorb_validation", absorb_and_lose)
    run_with(prove, database, address, home)
    while state_of(database)["jobs"]:
        work_until_idle(station_of(database, address, str(home)))

    assert lost
    assert_decided_once(database)


ENDINGS = {
    "gives back": (0, {("validate", "todo")}),
    "finishes": (0, {("merge", "todo")}),
    "hangs": (1, {("validate", "doing"), ("validate", "todo")}),
}
"""What a worker's run does once it is to stop: the exit code, and one of the jobs that may be left."""


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_busy_worker_that_is_told_to_stop_leaves_within_a_bound(server, database, address, home, ending):
    report = Cast(database).hand_in(a_story_report("A-1"))
    name = conninfo_to_dict(address.app)["dbname"]
    worker = subprocess.Popen(
        [sys.executable, DRAINED, str(server.directory), name, str(home), ending],
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert "begun\n" in worker.stdout, worker.wait()
    worker.send_signal(signal.SIGTERM)
    worker.communicate()
    await_burial(database, address)

    code, may_be_left = ENDINGS[ending]
    (left,) = state_of(database)["jobs"]
    assert worker.returncode == code
    assert left in may_be_left
    with database.transaction(SYSTEM) as tx:
        tx.connection.execute(text("update procrastinate_jobs set scheduled_at = null"))
        tx.connection.execute(text("update procrastinate_workers set last_heartbeat = now() - interval '1 hour'"))
        assert sweep(tx, dead_after_seconds=2) == (left[1] == "doing")
    station = station_of(database, address, str(home))
    asyncio.run(work(station, plan(believe), queues=Queue, concurrency=1, timings=PATIENT, until_idle=True))
    assert_decided_once(database)
    assert (validation_of(database, report).attempt == 1) == (ending == "finishes")


def run_with(prove, database, address, home) -> None:
    station = station_of(database, address, str(home))
    asyncio.run(work(station, plan(prove), queues=Queue, concurrency=1, timings=QUICK, until_idle=True))


def assert_decided_once(database) -> None:
    after = state_of(database)
    assert after["validated"] == [("decided", "reproduced")]
    assert (after["merged_reports"], after["cases"], after["jobs"], after["set_aside"]) == (1, 1, [], 0)
