"""The whole flow on real, published software, as `make run` plays it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from leadtime.flow import advisory, coordination, exposure, merging, parties
from leadtime.flow.coordination import CaseId, CaseState
from leadtime.flow.exposure import ExposureState
from leadtime.formats.advisories import Outcome
from leadtime.foundation.access import ANYONE, SYSTEM
from leadtime.foundation.clock import SystemClock
from leadtime.foundation.database import Database
from leadtime.foundation.settings import read_settings
from leadtime.workflows.opening import open_database

ROOT = Path(__file__).parents[2]
STORIES = {"first flaw": ROOT / "examples" / "first-flaw", "another": Path(__file__).parent / "comments"}
REPORTS = {"first flaw": (3, 1, 1), "another": (2, 0, 0)}
"""Of each story: how many reports are true, how many do not reproduce, in how many the harness is at fault."""
PLAY_SECONDS_MAX = 400

pytestmark = [pytest.mark.fetch, pytest.mark.sandbox]


@dataclass(frozen=True)
class Played:
    told: str
    visitor: dict
    mode: int
    database: Database


@pytest.fixture(scope="module", params=STORIES, ids=STORIES)
def played(request, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LEADTIME_")}
    environment |= {"LEADTIME_HOME": str(home), "LEADTIME_URL": f"http://127.0.0.1:{port}", "COLUMNS": "200"}
    done = subprocess.run(
        [Path(sys.executable).with_name("leadtime"), "demo", "--once", "--story", STORIES[request.param]],
        env=environment, capture_output=True, text=True, timeout=PLAY_SECONDS_MAX, check=False,
    )  # fmt: skip
    log = home / "serve.log"
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{log.read_text()[-4000:] if log.exists() else ''}"
    passport = home / "story.json"
    visitor = json.loads(passport.read_text())
    database = open_database(read_settings(environment), SystemClock())
    yield request.param, Played(done.stdout, visitor, passport.stat().st_mode & 0o777, database)
    database.engine.dispose()


def flaws_of(database, visitor):
    with database.transaction(SYSTEM) as tx:
        files = [coordination.read_case(tx, CaseId(case)) for case in visitor["cases"]]
        return [(file, merging.read_vulnerability(tx, file.case.vulnerability)) for file in files]


def test_two_finders_with_different_inputs_become_one_vulnerability_with_both_credits(played):
    _, story = played
    file, flaw = flaws_of(story.database, story.visitor)[0]
    assert len(flaw.reports) == 2
    assert len({credit.organisation for credit in flaw.credits}) == 2
    assert flaw.reasons[1].decision == "one flaw"
    assert file.case.state is CaseState.PUBLISHED
    assert [bool(delivery.fixed) for delivery in file.deliveries] == [True]


def test_every_advisory_says_what_was_run(played):
    _, story = played
    with story.database.transaction(ANYONE) as tx:
        published = advisory.list_published(tx)
    assert len(published) == len(story.visitor["advisories"]) == len(story.visitor["cases"])
    for each in published:
        (package,) = each.document.packages
        assert {run.outcome for run in package.runs} == {Outcome.AFFECTED, Outcome.FIXED}


def test_an_exposed_operator_deployed_and_an_unaffected_one_has_an_empty_list(played):
    _, story = played
    lists = {}
    for who in ("operator_exposed", "operator_unaffected"):
        with story.database.transaction(SYSTEM) as tx:
            viewer = parties.authenticate(tx, story.visitor["people"][who]["token"])
        with story.database.transaction(viewer) as tx:
            lists[who] = exposure.patch_by_list(tx)
    assert [line.state for line in lists["operator_exposed"]] == [ExposureState.DEPLOYED]
    assert lists["operator_unaffected"] == ()


def test_the_visitors_pass_is_for_this_user_alone_and_names_everybody(played):
    name, story = played
    assert story.mode == 0o600
    people = json.loads((STORIES[name] / "story.json").read_text())["organisations"]
    assert set(story.visitor["people"]) == set(people)


def test_the_developer_reads_what_was_found_thanks_to_its_early_access(played):
    name, story = played
    told = "Thanks to early access to borage-early: reported 1, reproduced 1, flaws 1, published 1, deployed 0."
    assert (told in " ".join(story.told.split())) is (name == "first flaw")


def test_false_reports_reach_nobody(played):
    name, story = played
    true, not_reproduced, harness_faults = REPORTS[name]
    assert story.told.count("not reproduced") == not_reproduced
    assert story.told.count("harness fault") == harness_faults
    joined = [report for file, _ in flaws_of(story.database, story.visitor) for report in file.reports]
    assert len(joined) == true
