"""Workers are killed at random moments during 2,000 validations; in the end every report has had its one effect.

Everything is real but the run itself, which believes the report: engine, database, processes, SIGKILL.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import text

from leadtime.flow.intake.rules import check_receipt
from leadtime.foundation.access import SYSTEM
from leadtime.workflows.engine import count_open
from leadtime.workflows.records import Queue
from leadtime.workflows.report_to_operator import hand_in
from tests.workflows.story import Cast, a_story_report, state_of

WORKERS_AND_DEATH = Path(__file__).with_name("soaked_workers.py")
CHECKOUT = Path(__file__).parents[2]
REPORTS = 2_000
WORKERS = 3
FLAWS = 40
KILLED_MIN = 100
SOAK_SECONDS_MAX = 5_400
LOOK_SECONDS = 1
SEED = 20260803


@pytest.mark.soak
def test_workers_killed_at_random_lose_and_double_nothing(server, address, database, home):
    cast, receipts = Cast(database), []
    name = conninfo_to_dict(address.app)["dbname"]
    arguments = [str(server.directory), name, str(home), str(WORKERS), str(SEED)]
    killing = subprocess.Popen(
        [sys.executable, str(WORKERS_AND_DEATH), *arguments],
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    end, pause = time.monotonic() + SOAK_SECONDS_MAX, threading.Event()
    for number in range(REPORTS):
        raw = a_story_report(f"S-{number}", function=f"leaf{number % FLAWS}")
        with database.transaction((cast.finder, cast.other_finder)[number % 2]) as tx:
            receipts.append(hand_in(tx, raw))
    while work_is_left(database):
        assert time.monotonic() < end, state_of(database)
        assert killing.poll() is None
        pause.wait(LOOK_SECONDS)
    killed = int(killing.communicate("enough\n")[0])

    after = state_of(database)
    assert killed >= KILLED_MIN
    assert after["validated"] == [("decided", "reproduced")] * REPORTS
    assert (after["vulnerabilities"], after["cases"], after["jobs"], after["set_aside"]) == (FLAWS, FLAWS, [], 0)
    assert_each_report_had_its_one_effect(database, receipts)
    with database.transaction(SYSTEM) as tx:
        again = tx.connection.scalar(text("select count(*) from validations where attempt > 1"))
    seconds = SOAK_SECONDS_MAX - (end - time.monotonic())
    sys.stdout.write(
        f"{REPORTS} validations in {seconds:.0f} s, {killed} workers killed, "
        f"{again} validations begun more than once; lost 0, doubled 0\n"
    )


def work_is_left(database) -> bool:
    with database.transaction(SYSTEM) as tx:
        return any(count_open(tx, queue) for queue in Queue)


def assert_each_report_had_its_one_effect(database, receipts) -> None:
    """Every receipt is still good, and its report is there, decided, merged and in a case, each once."""
    assert all(check_receipt(receipt, database.keys.public_key) for receipt in receipts)
    ids = sorted(receipt.id for receipt in receipts)
    with database.transaction(SYSTEM) as tx:
        for table, column in (("reports", "id"), ("validations", "report"), ("merged_reports", "report")):
            assert list(tx.connection.scalars(text(f"select {column} from {table} order by 1"))) == ids, table
        assert list(tx.connection.scalars(text("select report from case_reports order by 1"))) == ids
        happened = tx.connection.execute(text("select kind, count(*) from case_events group by kind"))
        events = dict(tuple(row) for row in happened)
    assert (events["opened the case"], events["joined a report"]) == (FLAWS, REPORTS)
