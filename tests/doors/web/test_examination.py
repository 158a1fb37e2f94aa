"""Two coordinators answer a checklist on a report's page; then its case opens."""

from __future__ import annotations

import pytest

from leadtime.flow import parties
from leadtime.flow.validation import CHECKLISTS, Unprovable
from leadtime.foundation.access import SYSTEM
from tests.doors.standing import browse
from tests.doors.world import Somebody


@pytest.fixture
def colleague(world):
    first = world.people["coordinator"]
    with world.database.transaction(SYSTEM) as tx:
        person = parties.enrol_person(tx, organisation=first.organisation.id, name="Bo", email="bo@example.org")
        return Somebody(first.organisation, person, parties.issue_token(tx, person.id, days=1).secret)


def test_the_second_persons_answers_open_the_case(clients, world, colleague):
    page = f"/reports/{world.unproven}"
    said = {item.key: f"Seen: <i>{item.key}</i>" for item in CHECKLISTS[Unprovable.HARDWARE]}
    first, second = browse(clients(), world.people["coordinator"]), browse(clients(), colleague)
    assert first.submit(page, f"{page}/examination", kind="magic", **said).status_code == 400
    assert first.submit(page, f"{page}/examination", kind="hardware", **said).status_code == 303
    shown = second.get(page).text
    assert "1 of 2 people" in shown
    assert "Seen: &lt;i&gt;device&lt;/i&gt;" in shown
    assert "<h3>Case</h3>" not in shown
    assert second.submit(page, f"{page}/examination", kind="hardware", **said).status_code == 303
    assert "<h3>Case</h3>" in second.get(page).text
    assert "1 of 2 people" not in browse(clients(), world.people["finder"]).get(page).text


def test_the_api_says_what_is_asked_and_whether_it_is_enough(clients, world, colleague):
    program = clients(world.token("coordinator"))
    asked = program.get("/api/v1/checklists").json()
    lists = {each["kind"]: each["items"] for each in asked["items"]}
    assert list(lists) == ["hardware", "protocol", "cloud", "logic"]
    body = {"kind": "cloud", "answers": {item["key"]: "Yes." for item in lists["cloud"]}}
    path = f"/api/v1/reports/{world.unproven}/examination"
    assert program.post(path, json=body).json() == {"examined": False}
    assert clients(colleague.token).post(path, json=body).json() == {"examined": True}
    assert [each["kind"] for each in program.get(f"{path}s").json()["items"]] == ["cloud", "cloud"]
