"""I4: workers are killed at every place of every step: nothing is lost, nothing is doubled, another takes over."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import text

from leadtime.flow.merging.rules import NEAR_LINES_MAX
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.database import Transaction
from leadtime.workflows.engine import sweep, work
from leadtime.workflows.records import Queue, Timings
from leadtime.workflows.report_to_operator import hand_in, plan
from tests.faults.deaths import await_burial
from tests.workflows.story import (
    PATIENT,
    Cast,
    a_story_report,
    believe,
    patch_by,
    state_of,
    station_of,
    validation_of,
    work_until_idle,
)

WORKER = Path(__file__).with_name("doomed_worker.py")
CHECKOUT = Path(__file__).parents[2]
TAKEN_OVER_SECONDS_MAX = 60
LOOKS_MAX = 1_000

PLACES = [
    ("validate", 1, "before"),
    ("validate", 1, "after"),
    ("validate", 2, "during"),
    ("validate", 2, "before"),
    ("validate", 2, "after"),
    ("merge", 1, "before"),
    ("merge", 1, "after"),
    ("open_case", 1, "before"),
    ("open_case", 1, "after"),
    ("match_inventory", 1, "before"),
    ("match_inventory", 1, "after"),
]


@dataclass
class Scene:
    """The story's database, its people, and workers of it."""

    server: object
    address: object
    database: object
    home: Path
    cast: Cast

    def doomed(self, step: str, number: int, moment: str) -> subprocess.Popen:
        name = conninfo_to_dict(self.address.app)["dbname"]
        arguments = [str(self.server.directory), name, str(self.home), step, str(number), moment]
        return subprocess.Popen(
            [sys.executable, str(WORKER), *arguments],
            cwd=CHECKOUT,
            env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def kill_at(self, step: str, number: int, moment: str) -> None:
        worker = self.doomed(step, number, moment)
        worker.communicate()
        assert worker.returncode == -signal.SIGKILL
        await_burial(self.database, self.address)

    def doing(self) -> list[str]:
        return [name for name, status in state_of(self.database)["jobs"] if status == "doing"]

    def settle(self) -> None:
        """Work as another worker would, to whom every other is dead, until no job is left."""
        station = station_of(self.database, self.address, str(self.home))
        with self.database.transaction(SYSTEM) as tx:
            sweep(tx, dead_after_seconds=-1)
        asyncio.run(work(station, plan(believe), queues=Queue, concurrency=2, timings=PATIENT, until_idle=True))
        assert state_of(self.database)["jobs"] == []

    def be_taken_over(self) -> None:
        """Work as another worker would that finds out by itself, after a while, who is dead."""
        station = station_of(self.database, self.address, str(self.home))
        for _ in range(LOOKS_MAX):
            work_until_idle(station)
            if not state_of(self.database)["jobs"]:
                return
        raise AssertionError("the dead worker keeps its job")


@pytest.fixture
def scene(server, address, database, home) -> Scene:
    return Scene(server, address, database, home, Cast(database))


UNDISTURBED = {
    "reports": 2,
    "validations": 2,
    "vulnerabilities": 1,
    "merged_reports": 2,
    "cases": 1,
    "case_reports": 2,
    "published_advisories": 1,
    "exposures": 1,
    "set_aside": 0,
    "validated": [("decided", "reproduced")] * 2,
    "jobs": [],
}


HISTORY = {"added a participant": 2, "joined a report": 2, "opened the case": 1, "published an advisory": 1}


def assert_undisturbed(scene: Scene) -> None:
    """The story came to what it comes to when nobody is killed."""
    left = state_of(scene.database)
    assert {name: left[name] for name in UNDISTURBED} == UNDISTURBED
    with scene.database.transaction(SYSTEM) as tx:
        happened = tx.connection.execute(text("select kind, count(*) from case_events group by kind order by kind"))
        assert {row[0]: row[1] for row in happened} == HISTORY
    assert patch_by(scene.database, scene.cast.operator) == ["pkg:pypi/ujson on records server"]


@pytest.mark.parametrize(("step", "number", "moment"), PLACES)
def test_a_worker_killed_on_the_way_to_the_case(scene, step, number, moment):
    report = scene.cast.hand_in(a_story_report("A-1"))
    scene.cast.hand_in(a_story_report("B-1"), by=scene.cast.other_finder)
    scene.cast.keep_inventory()

    scene.kill_at(step, number, moment)

    assert scene.doing() == [step]
    scene.settle()
    scene.cast.publish(report)
    scene.settle()
    assert_undisturbed(scene)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_worker_killed_after_publication(scene, moment):
    report = scene.cast.hand_in(a_story_report("A-1"))
    scene.cast.hand_in(a_story_report("B-1"), by=scene.cast.other_finder)
    scene.cast.keep_inventory()
    scene.settle()
    scene.cast.publish(report)

    scene.kill_at("match_advisory", 1, moment)

    assert scene.doing() == ["match_advisory"]
    scene.be_taken_over()
    assert_undisturbed(scene)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_worker_killed_while_a_report_between_two_cases_is_merged(scene, moment):
    scene.cast.hand_in(a_story_report("A-1", line=500))
    scene.settle()
    scene.database.clock.advance(minutes=1)
    scene.cast.hand_in(a_story_report("A-2", line=500 + 2 * NEAR_LINES_MAX))
    scene.settle()
    scene.cast.hand_in(a_story_report("B-1", line=500 + NEAR_LINES_MAX), by=scene.cast.other_finder)

    scene.kill_at("merge", 1, moment)
    scene.settle()

    with scene.database.transaction(SYSTEM) as tx:
        cases = tx.connection.execute(text("select id, state from cases order by opened_at, id")).all()
        query = "select count(*) from case_reports where case_id = :case"
        joined = [tx.connection.scalar(text(query), {"case": case}) for case, _ in cases]
        closed = tx.connection.scalar(text("select count(*) from case_events where kind like 'closed%'"))
    assert [state for _, state in cases] == ["open", "open"]
    assert (joined, closed) == ([2, 1], 0)


def test_a_worker_that_was_paused_and_comes_back_decides_nothing_twice(scene):
    report = scene.cast.hand_in(a_story_report("A-1"))
    paused = scene.doomed("validate", 9, "hold")
    assert "holding\n" in paused.stdout
    paused.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, paused.pid, os.WSTOPPED | os.WNOWAIT)

    scene.settle()
    decided = validation_of(scene.database, report)
    paused.send_signal(signal.SIGCONT)
    paused.communicate("go on\n")

    assert decided.attempt == 2
    assert validation_of(scene.database, report) == decided
    left = state_of(scene.database)
    assert (left["merged_reports"], left["cases"], left["jobs"], left["set_aside"]) == (1, 1, [], 0)


def test_a_report_is_acknowledged_only_with_its_job(scene):
    """Kill -9 between receipt and commit: neither the report nor its job is there; after the commit both are."""
    before = state_of(scene.database)
    with scene.database.engine.connect() as connection, connection.begin() as cut:
        tx = Transaction(connection, scene.cast.finder, scene.database.clock, scene.database.keys)
        connection.execute(text("select set_config('leadtime.role', 'system', true)"))
        hand_in(tx, a_story_report("A-1"))
        cut.rollback()
    assert state_of(scene.database) == before

    scene.cast.hand_in(a_story_report("A-1"))
    after = state_of(scene.database)
    assert (after["reports"], after["validated"], after["jobs"]) == (1, [("queued", None)], [("validate", "todo")])


def test_by_the_times_as_they_are_set_a_dead_workers_job_is_taken_over_within_a_minute():
    times = Timings()
    assert times.dead_after_seconds + times.sweep_seconds + times.poll_seconds < TAKEN_OVER_SECONDS_MAX
    assert times.heartbeat_seconds * 3 < times.dead_after_seconds
