"""A finder's own page: where each report stands in words, how far all of them came, and nothing of anybody else's."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from leadtime.doors.read_models.pictures import Badge, Tone
from leadtime.doors.read_models.sent import Standing, read_sent, read_standings, standing_of
from leadtime.flow import intake, validation
from leadtime.flow.coordination import CaseState
from leadtime.flow.merging import OutcomeKind
from leadtime.flow.validation import State
from leadtime.foundation.access import SYSTEM
from leadtime.workflows import outcomes, report_to_operator
from tests.doors.standing import browse
from tests.flow.intake.factories import a_report, a_reproducer, as_bytes

CASE = ("LT-2026-AAAA-BBBB", "/cases/7")
DECIDED = State.DECIDED


@pytest.mark.parametrize(
    ("state", "verdict", "badge", "words"),
    [
        (None, None, Badge("received", Tone.COOL), "It is stored, and waits to be looked at."),
        (State.QUEUED, None, Badge("waiting to be reproduced", Tone.COOL), "A machine takes it in its turn."),
        (State.RUNNING, None, Badge("being reproduced", Tone.COOL), "A machine is at it."),
        (
            State.SET_ASIDE,
            None,
            Badge("set aside: a person looks at why it cannot be run", Tone.COOL),
            "It could not be run; a coordinator looks at why.",
        ),
        (DECIDED, "reproduced", Badge("reproduced", Tone.GOOD), "We saw it too. Its case opens by itself."),
        (DECIDED, "not_reproduced", Badge("not reproduced", Tone.PLAIN), "We ran it and did not see it."),
        (
            DECIDED,
            "harness_fault",
            Badge("harness fault", Tone.WARM),
            "What failed is the program around the software, not the software.",
        ),
        (
            DECIDED,
            "inconclusive",
            Badge("inconclusive", Tone.MILD),
            "It came to nothing either way; a coordinator decides what comes next.",
        ),
    ],
)
def test_before_its_case_a_report_stands_where_its_validation_does(state, verdict, badge, words):
    assert standing_of(state, verdict, None, None, case=("", "")) == Standing(badge, words)


def test_a_report_with_nothing_to_run_is_its_finders_to_mend(database, finder):
    with database.transaction(finder.viewer) as tx:
        report = report_to_operator.hand_in(tx, as_bytes(a_report())).id
        assert read_standings(tx, [report])[report] == Standing(
            Badge("no reproducer", Tone.MILD),
            "There is nothing to run in it. Send it again with a reproducer, under a reference of its own.",
        )


@pytest.mark.parametrize(
    ("state", "badge", "words"),
    [
        (CaseState.OPEN, Badge("in a case", Tone.COOL), "Its maintainer gets it next."),
        (CaseState.DELIVERED, Badge("delivered", Tone.COOL), "Its maintainer has it and has not answered yet."),
        (CaseState.ACKNOWLEDGED, Badge("acknowledged", Tone.COOL), "Its maintainer is at it."),
        (CaseState.FIX_NAMED, Badge("fixed", Tone.GOOD), "A fixed version is named; the advisory comes next."),
        (CaseState.PUBLISHED, Badge("published", Tone.GOOD), "Its advisory is public."),
        (CaseState.CLOSED, Badge("closed", Tone.PLAIN), "Its case is closed."),
    ],
)
def test_in_a_case_it_stands_where_the_case_does(state, badge, words):
    assert standing_of(DECIDED, "reproduced", state, None, case=CASE) == Standing(badge, words, *CASE)


def test_what_was_decided_of_its_flaw_is_said_first():
    rejected = standing_of(DECIDED, "reproduced", CaseState.CLOSED, OutcomeKind.REJECTED, case=CASE)
    assert rejected == Standing(
        Badge("rejected", Tone.WARM), "The flaw that it turned out to be was decided: read why.", *CASE
    )
    rated = standing_of(DECIDED, "reproduced", None, OutcomeKind.RE_RATED, case=CASE)
    assert rated == Standing(Badge("re-rated", Tone.MILD), "The flaw that it turned out to be was re-rated: read why.")


def numbers(database, somebody) -> tuple[dict[str, str], tuple[int, int, int]]:
    with database.transaction(somebody.viewer) as tx:
        found = read_sent(tx)
    return {step.name: step.count for step in found.reached}, (found.waiting, found.refuted, found.inconclusive)


def test_a_finder_counts_its_own_reports_alone(database, world):
    reached = {"Received": "2", "Proven": "2", "Delivered": "2", "Fixed": "1", "Published": "1"}
    assert numbers(database, world.people["finder"]) == ({**reached, "Received": "3"}, (0, 1, 0))
    assert numbers(database, world.people["finder_b"]) == (reached, (0, 0, 0))
    assert numbers(database, world.people["other_finder"]) == (dict.fromkeys(reached, "0"), (0, 0, 0))


def test_who_may_read_no_case_is_told_of_none(database, world):
    agency = world.people["agency"]
    with database.transaction(agency.viewer) as tx:
        report = report_to_operator.hand_in(tx, as_bytes(a_report(reference="AG-1"))).id
    with database.transaction(SYSTEM) as tx:
        tx.connection.execute(
            text("insert into case_reports values (:case, :report, :at)"),
            {"case": world.quiet.case.id, "report": report, "at": tx.now},
        )
    with database.transaction(agency.viewer) as tx:
        assert read_standings(tx, [report])[report].case == ""
    assert numbers(database, agency)[0] == {"Received": "1", "Proven": "0"}


def test_standings_open_nothing_and_tell_only_of_what_the_viewer_sees(database, world):
    others = world.quiet.report
    with database.transaction(world.people["finder_b"].viewer) as tx:
        assert others not in read_standings(tx, [others])
        own = [each.id for each in intake.list_reports(tx).reports]
        tx.unsealed.clear()
        found = read_standings(tx, own)
        assert tx.unsealed == set()
    assert {one.badge.text for one in found.values()} == {"delivered", "published"}


def test_a_decision_shows_until_it_is_reopened(database, clients, world):
    coordinator, finder = world.people["coordinator"], world.people["finder_b"]
    for kind, said in ((OutcomeKind.RE_RATED, True), (OutcomeKind.REOPENED, False)):
        with database.transaction(coordinator.viewer) as tx:
            severity = "low" if kind is OutcomeKind.RE_RATED else ""
            outcomes.decide(tx, world.quiet.vulnerability, kind, reason="It needs root.", severity=severity)
        page = browse(clients(), finder).get("/reports").text
        assert ("re-rated" in page) is said


def test_the_page_holds_nothing_of_the_other_finder_of_the_same_flaw(clients, world):
    page = browse(clients(), world.people["finder_b"]).get("/reports").text
    assert "B-heap" in page
    assert "A-heap" not in page
    assert "Example Lab A" not in page
    assert world.quiet.case.number in page


def test_a_finder_reads_how_often_its_reports_did_not_hold(clients, world):
    page = browse(clients(), world.people["finder"]).get("/reports").text
    assert "1 of 3 decided reports did not hold (33 %; 95 %: 6 to 79 %)." in page
    assert "0 reports still wait for a verdict, 1 did not hold, 0 came to nothing either way." in page
    assert f'href="/reports/{world.quiet.report}/receipt.json"' in page


def test_a_report_that_came_to_nothing_is_counted_apart(database, finder):
    with database.transaction(finder.viewer) as tx:
        report = report_to_operator.hand_in(tx, as_bytes(a_report(reference="N", reproducer=a_reproducer()))).id
    assert numbers(database, finder)[1] == (1, 0, 0)
    with database.transaction(SYSTEM) as tx:
        begun = validation.begin_validation(tx, report)
        told = validation.Outcome("inconclusive", None, json.dumps({"verdict": "inconclusive"}).encode())
        validation.absorb_validation(tx, begun, told)
    assert numbers(database, finder)[1] == (0, 0, 1)


def test_a_finder_finds_a_report_by_its_reference_or_component(clients, world):
    page = browse(clients(), world.people["finder"])
    for asked, there, gone in (
        ("A-heap", "A-heap", "A-loop"),
        ("pypi/UJSON", "A-loop", "No report names"),
        ("zz", "No report names", "A-heap"),
    ):
        told = page.get("/reports", params={"q": asked}).text
        assert there in told
        assert gone not in told
        assert f'value="{asked}"' in told
    told = clients(world.people["finder"].token).get("/api/v1/reports?q=A-heap").json()
    assert [each["reference"] for each in told["items"]] == ["A-heap"]
    page = browse(clients(), world.people["finder"]).get('/reports?q="><b>x').text
    assert "<b>x" not in page
