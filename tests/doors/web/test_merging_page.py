"""A merge as a picture on its case's page, and the button that joins what may be the same."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text

from leadtime.doors.read_models.merge_picture import Point, draw
from leadtime.flow import intake, merging, validation
from leadtime.flow.merging.rules import compare
from leadtime.foundation.access import SYSTEM
from leadtime.workflows.evidence import unproven_evidence_of
from tests.doors.standing import browse
from tests.flow.merging.factories import evidence, report

PATCH = f"sha256:{'a' * 64}"


@pytest.fixture
def alike(database, world):
    """The world's two flaws, silenced by one patch."""
    with database.transaction(SYSTEM) as tx:
        for flaw in (world.quiet.vulnerability, world.told.vulnerability):
            first = merging.read_vulnerability(tx, flaw).reports[0]
            merging.note_patch_outcome(tx, first, PATCH, silenced=True)
    return world


def test_a_coordinator_sees_what_links_the_reports_and_nobody_else_does(clients, world):
    page = f"/cases/{world.quiet.case.id}"
    shown = browse(clients(), world.people["coordinator"]).get(page).text
    assert "2 reports of one flaw; the list below says what links them" in shown
    assert re.search(r"same fault, weight 0\.97, with report 1", shown)
    assert "(Example Lab B)</text>" in shown
    assert "What holds the reports together" not in browse(clients(), world.people["finder"]).get(page).text


def test_what_may_be_the_same_is_joined_with_a_reason(clients, alike):
    client = browse(clients(), alike.people["coordinator"])
    page, other = f"/cases/{alike.quiet.case.id}", alike.told.vulnerability
    shown = client.get(page).text
    assert "<strong>Same patch</strong>, weight 0.98" in shown
    assert f'name="other" value="{other}"' in shown
    unsure = client.submit(page, f"{page}/join", other=str(other), reason="One fix.")
    assert unsure.status_code == 400
    joined = client.submit(page, f"{page}/join", other=str(other), reason="One <b>fix</b>.", sure="yes")
    assert joined.status_code == 303
    one = client.get(joined.headers["location"]).text
    assert "One &lt;b&gt;fix&lt;/b&gt;." in one
    assert "joined by a person" in one
    assert "What may be the same flaw" not in one


def test_a_report_that_is_in_no_case_shows_coordinators_what_it_may_be(clients, database, world):
    page, link = f"/reports/{world.unproven}", f'<a href="/cases/{world.quiet.case.id}">'
    coordinator, finder = (browse(clients(), world.people[who]) for who in ("coordinator", "finder"))
    assert "What may be the same flaw" not in coordinator.get(page).text
    with database.transaction(SYSTEM) as tx:
        first = merging.read_vulnerability(tx, world.quiet.vulnerability).reports[0]
        finding, kept = intake.read_finding(tx, world.unproven), validation.read_validation(tx, world.unproven)
        merging.note_claims(tx, finding, unproven_evidence_of(finding, kept))
        tx.connection.execute(text("update claims set report = :first"), {"first": first})
    shown = coordinator.get(page).text
    assert "What may be the same flaw" in shown
    assert link in shown
    assert "the word of its finder, which joins nothing" in shown
    assert link not in finder.get(page).text
    assert coordinator.submit(page, f"{page}/case", reason="Seen in the wild.").status_code == 303
    assert "What may be the same flaw" not in coordinator.get(page).text


def test_each_report_hangs_below_the_one_that_it_is_linked_to():
    one, same = evidence(1, "f a.c:1"), evidence(3, "f a.c:1")
    link = compare(one, same)
    titles = {report(1): "first", report(2): "x" * 99, report(3): "third"}
    assert link is not None
    assert draw(list(titles), titles, [link]) == (
        Point(1, 16, 23, "first", "", 16, 23),
        Point(2, 46, 69, "third", "same fault, weight 0.97, with report 1", 16, 23),
        Point(3, 16, 115, "x" * 60, "joined by a person", 16, 115),
    )
    assert draw([], {}, [link]) == ()
