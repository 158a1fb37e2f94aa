"""The page of one report: all that its finder claimed, where it stands, and its advisory once that is public."""

from __future__ import annotations

import pytest

from leadtime.flow import coordination
from leadtime.foundation.access import SYSTEM
from leadtime.workflows import report_to_operator
from tests.doors.standing import browse
from tests.doors.world import proven
from tests.flow.intake.factories import a_report, as_bytes

CLAIMS = {
    "affected": ["< 5.2.0", "1.x"],
    "cwe": "CWE-787",
    "locations": [{"file": "lib/leaf.c", "line": 7, "function": "leaf"}],
    "trust_boundary": "who writes the document",
    "severity_claimed": "high",
    "found_by": {"tool": "example-fuzzer", "model": "orion-1", "run": "r-7", "person_reviewed": False},
    "told": ["the maintainer"],
    "disclosure": {"date": "2026-11-02", "counted_from": "the day it was sent"},
    "credit": ["Ada Example"],
}


def facts(page: str) -> list[str]:
    """Return the names and values of what the report says, in order."""
    listed = page.partition('id="text"')[2].partition("<dl")[2].partition("</dl>")[0]
    return [part.partition("<")[0] for part in listed.replace("<dd>", "<dt>").split("<dt>")[1:]]


@pytest.fixture
def page_of(database, clients, finder):
    def show(**told: object) -> str:
        with database.transaction(finder.viewer) as tx:
            report = report_to_operator.hand_in(tx, as_bytes(a_report(**told))).id
        return browse(clients(), finder).get(f"/reports/{report}").text

    return show


def test_a_report_is_shown_with_all_that_its_finder_claimed(page_of):
    assert facts(page_of(**CLAIMS)) == [
        "Weakness",
        "CWE-787",
        "Severity, as claimed",
        "high",
        "Location",
        "lib/leaf.c:7 leaf",
        "Affected, as claimed",
        "&lt; 5.2.0, 1.x",
        "Trust boundary",
        "who writes the document",
        "Found by",
        "example-fuzzer, orion-1, r-7",
        "Read by a person first",
        "no",
        "Told before",
        "the maintainer",
        "Its finder tells the public on",
        "2026-11-02, counted from the day it was sent",
        "Credit",
        "Ada Example",
    ]


def test_what_a_report_does_not_claim_is_left_out(page_of):
    assert facts(page_of()) == ["Found by", "example-fuzzer", "Read by a person first", "yes"]


def test_a_report_of_a_published_flaw_leads_to_its_advisory_and_one_of_a_quiet_flaw_does_not(clients, world):
    finder = browse(clients(), world.people["finder"])
    told = finder.get(f"/reports/{world.told.report}").text
    assert f'href="/advisories/{world.told.advisory}"' in told
    assert "Its advisory is public." in told
    quiet = finder.get(f"/reports/{world.quiet.report}").text
    assert "/advisories/" not in quiet.partition("<main")[2]
    assert "Its maintainer has it and has not answered yet." in quiet


def test_who_sends_a_flaw_again_that_is_public_reads_that_it_was(clients, world, database, clock):
    clock.advance(days=1)
    later = world.people["other_finder"]
    again, flaw = proven(database, later, "C-loop", "loop", "It never returns")
    with database.transaction(SYSTEM) as tx:
        coordination.open_case(tx, flaw, title="ujson never returns from a negative indent")
    page = browse(clients(), later).get(f"/reports/{again}").text
    assert "It was public before your report came." in page
    first = browse(clients(), world.people["finder"]).get(f"/reports/{world.told.report}").text
    assert "It was public before" not in first
