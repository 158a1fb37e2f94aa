"""How far a proof can be believed, and how often a finder's reports did not hold, where people look."""

from __future__ import annotations

import json

import pytest

from leadtime.doors.read_models.evidence import tier_in
from leadtime.flow import validation
from leadtime.flow.parties import OrganisationId
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.errors import Missing
from leadtime.workflows.report_to_operator import hand_in
from tests.doors.standing import browse
from tests.workflows.story import a_story_report


def decided(database, finder, reference: str, verdict: str) -> None:
    with database.transaction(finder.viewer) as tx:
        report = hand_in(tx, a_story_report(reference)).id
    with database.transaction(SYSTEM) as tx:
        begun = validation.begin_validation(tx, report)
        validation.absorb_validation(tx, begun, validation.Outcome(verdict, None, b"{}"))


def test_a_finders_reports_that_did_not_hold_are_counted_over_those_decided(database, clients, finder, stranger):
    path = f"/api/v1/organisations/{finder.organisation.id}/track-record"
    program = clients(finder.token)
    assert program.get(path).json() == {
        "organisation": str(finder.organisation.id),
        "decided": 0,
        "refuted": 0,
        "rate": None,
    }
    for number, verdict in enumerate(
        ("reproduced", "reproduced", "not_reproduced", "harness_fault", "inconclusive", "inconclusive")
    ):
        decided(database, finder, f"A-{number}", verdict)
    decided(database, stranger, "B-1", "harness_fault")
    with database.transaction(finder.viewer) as tx:
        hand_in(tx, a_story_report("A-waits"))
    told = program.get(path).json()
    assert (told["decided"], told["refuted"]) == (4, 2)
    assert told["rate"] == {"hits": 2, "runs": 4, "low": 0.15, "high": 0.85}
    with database.transaction(stranger.viewer) as tx, pytest.raises(Missing):
        validation.read_track_record(tx, OrganisationId(finder.organisation.id))


def test_a_finder_reads_its_own_record_and_a_coordinator_that_of_a_reports_finder(world, clients):
    finder = browse(clients(), world.people["finder"])
    coordinator = browse(clients(), world.people["coordinator"])
    said = "1 of 3 decided reports did not hold (33 %; 95 %: 6 to 79 %)."
    assert said in finder.get("/reports").text
    assert said in coordinator.get(f"/reports/{world.unproven}").text
    assert said not in finder.get(f"/reports/{world.unproven}").text
    assert "did not hold" not in coordinator.get("/reports").text


def test_the_tier_and_why_it_is_not_higher_stand_beside_the_evidence(world, clients):
    finder = browse(clients(), world.people["finder"])
    page = finder.get(f"/reports/{world.quiet.report}").text
    assert "How far it can be believed: <strong>tier 2 of 4</strong>, by this report alone" in page
    assert "<li>No harmless input was given, so that the harness may fail whatever it is fed</li>" in page
    assert "tier" not in finder.get(f"/reports/{world.unproven}").text


def test_a_second_finder_of_another_house_counts_on_the_case(world, clients):
    case = browse(clients(), world.people["coordinator"]).get(f"/cases/{world.quiet.case.id}").text
    report = browse(clients(), world.people["finder"]).get(f"/reports/{world.quiet.report}").text
    sentence = "No second result is there of another person, organisation and model family"
    assert (sentence in report, sentence in case) == (True, False)
    assert "by this report alone" in report
    assert "by this report alone" not in case
    assert ", with the results of others for the same flaw" in case


def test_a_kept_result_says_what_its_tier_rests_on():
    result = json.loads('{"harness": "finder", "control": "clean", "fixed": {"verdict": "clean"}}')
    assert tier_in(result, 2).level == 4
    assert tier_in(result, 1).level == 3
    assert tier_in({**result, "control": None}, 2).level == 2
    assert tier_in({**result, "oracle": "exception"}, 2).level == 2
    assert tier_in({}, 2).level == 1
