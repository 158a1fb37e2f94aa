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

from leadtime.flow import advisory, coordination, exposure, intake, merging, parties, validation
from leadtime.flow.coordination import CaseId, CaseState
from leadtime.flow.exposure import ExposureState
from leadtime.flow.validation import ReleaseWord, Rung, Standing, Word
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
PLAY_SECONDS_MAX = 800

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


def said(story, *parts):
    """Tell whether the story's output says all of this, wherever its lines were broken."""
    told = " ".join(story.told.split())
    return all(" ".join(part.split()) in told for part in parts)


def test_a_forged_harness_is_caught_and_said_to_be(played):
    name, story = played
    with story.database.transaction(SYSTEM) as tx:
        received = [each.id for each in intake.list_reports(tx).reports]
        outcomes = [validation.read_validation(tx, report).outcome for report in received]
    reasons = [json.loads(each.result)["reason"] for each in outcomes if each.verdict == Word.HARNESS_FAULT]
    assert len(reasons) == REPORTS[name][2]
    assert said(story, *(f"the harness is at fault, not the package: {reason}." for reason in reasons))


def test_the_releases_that_are_affected_are_found_by_running_them(played):
    name, story = played
    if name != "first flaw":
        assert "Which releases" not in story.told
        return
    file, _ = flaws_of(story.database, story.visitor)[0]
    with story.database.transaction(SYSTEM) as tx:
        kept = [validation.read_validation(tx, report) for report in file.reports]
    (affected,) = [each.survey.found.affected for each in kept if each.survey]
    words = {each.release: each.word for each in affected.tried}
    assert (words["5.0.0"], words["5.1.0"], words["5.2.0"]) == (ReleaseWord.FAILS,) * 2 + (ReleaseWord.CLEAN,)
    events = [f"{event.bound} {event.release}" for event in affected.events]
    assert events[-1] == "fixed 5.2.0"
    tried = f"({len(affected.tried)} of {len(affected.releases)} run)"
    assert said(story, f"affected releases: {', '.join(events)} {tried}")


def test_a_patch_for_the_reported_inputs_stops_at_variants_and_the_released_one_climbs_further(played):
    name, story = played
    with story.database.transaction(SYSTEM) as tx:
        cases = [file.case.id for file, _ in flaws_of(story.database, story.visitor)]
        newest_first = [
            coordination.read_patch(tx, each.id) for case in cases for each in coordination.list_patches(tx, case)
        ]
    if name != "first flaw":
        assert newest_first == []
        return
    real, special = (each.judgements[0].found.ladder for each in newest_first)
    stop = special.steps[3]
    assert (special.reached, stop.rung, stop.standing) == (Rung.REPRODUCER, Rung.VARIANTS, Standing.FAILED)
    assert real.is_climbed, real
    assert said(
        story,
        f"stops at “variants silent”: {stop.reason}.",
        f"{real.head}; no person has reviewed it yet: {real.steps[3].reason};",
    )
