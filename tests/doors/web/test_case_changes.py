"""Cases that split, open again and are corrected, from the coordinator's pages."""

from __future__ import annotations

import re

from tests.doors.standing import browse


def other_report(page: str) -> str:
    """The name of the other finder's box in the form that splits."""
    (name,) = re.findall(r'name="(report [0-9a-f-]+)"[^>]*><label[^>]*>[^<]*\(Example Lab B\)', page)
    return name


def test_the_coordinator_splits_a_report_off_and_lands_in_its_case(clients, world):
    client = browse(clients(), world.people["coordinator"])
    page = f"/cases/{world.quiet.case.id}"
    chosen = other_report(client.get(page).text)
    unsure = client.submit(page, f"{page}/split", **{chosen: "yes"})
    assert unsure.status_code == 400
    split = client.submit(page, f"{page}/split", sure="yes", **{chosen: "yes"})
    assert split.status_code == 303
    assert split.headers["location"] != page
    new = client.get(split.headers["location"]).text
    assert "Example Lab B" in new
    assert "17 Sep 2026, 12:00 America/New_York" in new
    old = client.get(page).text
    assert "split off a report" in old
    assert f"{page}/split" not in old
    finder = browse(clients(), world.people["finder_b"])
    assert (finder.get(page).status_code, finder.get(split.headers["location"]).status_code) == (404, 200)


def test_the_coordinator_opens_a_case_again_and_corrects_its_advisory(clients, world):
    client = browse(clients(), world.people["coordinator"])
    page, advisory = f"/cases/{world.told.case.id}", f"/advisories/{world.told.advisory}"
    assert client.submit(page, f"{page}/reopen", reason="the title is wrong").status_code == 303
    opened = client.get(page).text
    assert 'value="ujson never returns from a negative indent"' in opened
    assert "Encoding with a large indent writes past a buffer on the stack." in opened
    words = {"title": "ujson hangs on a negative indent", "summary": "It never returns.", "cwes": "CWE-835"}
    early = client.submit(page, f"{page}/revise", changed="The title.", **words)
    assert early.status_code == 403
    assert "The embargo runs until" in early.text
    revised = client.submit(page, f"{page}/revise", changed="The title.", early_because="It is public.", **words)
    assert revised.status_code == 303
    assert client.get(page).text.count(f"{page}/reopen") == 1
    told = client.get(advisory).text
    assert "ujson hangs on a negative indent" in told
    assert "from 1.34 before 5.2.0" in told


def test_a_draft_is_changed_from_its_page_and_keeps_its_ranges(clients, world):
    client = browse(clients(), world.people["coordinator"])
    page = f"/cases/{world.quiet.case.id}"
    assert client.submit(page, f"{page}/draft", title="Other words", summary="Said anew.").status_code == 303
    draft = client.get(f"/advisories/{world.quiet.advisory}").text
    assert "Other words" in draft
    assert "from 1.34 before 5.2.0" in draft
