"""``leadtime init`` and ``leadtime worker`` as processes: an installation begins, works, drains, and comes back."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import insert

from leadtime.doors.cli.worker import parse_queues
from leadtime.flow import parties, validation
from leadtime.foundation.access import SYSTEM, Role
from leadtime.foundation.clock import SystemClock
from leadtime.foundation.errors import Malformed
from leadtime.foundation.settings import read_settings
from leadtime.workflows.opening import open_database
from leadtime.workflows.records import Queue
from leadtime.workflows.report_to_operator import hand_in
from leadtime.workflows.tables import set_aside
from tests.flow.intake.factories import a_report, a_reproducer, as_bytes
from tests.flow.parties.factories import enrol

SECONDS_MAX = 60


def leadtime(home: Path, *arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "leadtime.doors.cli.main", *arguments],
        env=os.environ | {"LEADTIME_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def said(process: subprocess.Popen) -> str:
    out, errors = process.communicate(timeout=SECONDS_MAX)
    assert process.returncode == 0, errors
    return out


def test_a_home_is_made_once_worked_and_left_in_order(home, tmp_path):
    first = said(leadtime(home, "init", "--name", "Ada Byron", "--email", "ada@example.org"))
    secret = re.search(r"Sign in once, within 60 minutes, at http://127\.0\.0\.1:8420/sign-in/(\S+)\n", first)
    again = said(leadtime(home, "init"))
    assert "Sign in once" not in again
    assert "A coordinator is enrolled already" in again

    database = open_database(read_settings({"LEADTIME_HOME": str(home)}), SystemClock())
    with database.transaction(SYSTEM) as tx:
        session = parties.redeem_sign_in_link(tx, secret[1])
        assert parties.authenticate(tx, session.secret).role is Role.COORDINATOR
    _, _, finder = enrol(database, Role.FINDER)
    with database.transaction(finder) as tx:
        report = hand_in(tx, as_bytes(a_report(reproducer=a_reproducer()))).id

    worker = leadtime(home, "worker", "--queues", "flow,validation")
    end = time.monotonic() + SECONDS_MAX
    state = validation.State.QUEUED
    while state is not validation.State.DECIDED:
        assert time.monotonic() < end
        assert worker.poll() is None
        with database.transaction(finder) as tx:
            kept = validation.read_validation(tx, report)
            state = kept.state
    worker.send_signal(signal.SIGTERM)
    said(worker)

    with database.transaction(SYSTEM) as tx:
        row = {"job": 7, "step": "validate", "queue": "validation", "entity": report, "attempts": 5}
        tx.connection.execute(insert(set_aside).values(row | {"reason": "it kills its workers", "at": tx.now}))
    assert f"7  validate {report}, set aside" in said(leadtime(home, "jobs"))
    assert json.loads(said(leadtime(home, "jobs", "--json")))[0]["reason"] == "it kills its workers"
    assert said(leadtime(home, "jobs", "--again", "7")) == "No job is set aside.\n"

    assert kept.outcome.verdict == "inconclusive"
    runner_is_admitted_and_removed(home, tmp_path / "runner")
    database.engine.dispose()


def runner_is_admitted_and_removed(home: Path, elsewhere: Path) -> None:
    """A runner's host shows its key, is admitted with a role of its own, trusts the installation, and is let go."""
    key = said(leadtime(elsewhere, "runner", "key")).strip()
    told = json.loads(said(leadtime(home, "runner", "add", "lab1", "--key", key, "--json")))
    assert (told["user"], told["database"]) == ("leadtime_runner_lab1", "leadtime")
    assert said(leadtime(home, "runner", "list")) == "lab1: not there\n"
    assert "worker --queues validation" in said(leadtime(elsewhere, "runner", "trust", told["installation"]))
    alone = leadtime(elsewhere, "worker", "--queues", "flow")
    _, errors = alone.communicate(timeout=SECONDS_MAX)
    assert (alone.returncode, "a runner works the queue validation alone" in errors) == (2, True)
    assert said(leadtime(home, "runner", "remove", "lab1")) == "lab1 is no runner any more.\n"
    assert said(leadtime(home, "runner", "list", "--json")) == "[]\n"


def test_a_home_that_was_never_made_is_named(home):
    worker = leadtime(home / "nowhere", "worker")
    _, errors = worker.communicate(timeout=SECONDS_MAX)

    assert worker.returncode == 2
    assert errors.endswith("this installation has no keys yet. Run leadtime init.\n")


@pytest.mark.parametrize(
    ("text", "queues"),
    [
        ("flow", (Queue.FLOW,)),
        ("validation, flow", (Queue.VALIDATION, Queue.FLOW)),
        ("flow,flow", (Queue.FLOW,)),
    ],
)
def test_queues_are_named_with_commas(text, queues):
    assert parse_queues(text) == queues


@pytest.mark.parametrize("text", ["", "flows", "flow,", "flow;validation"])
def test_other_queues_are_refused(text):
    with pytest.raises(Malformed, match="the queues are flow and validation"):
        parse_queues(text)
