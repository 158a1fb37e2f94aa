"""A coordinator decides a root cause on its case's page; its finder reads that on the report's."""

from __future__ import annotations

from tests.doors.standing import browse


def test_a_decision_is_made_on_the_case_and_read_on_the_report(clients, world):
    case, report = f"/cases/{world.quiet.case.id}", f"/reports/{world.quiet.report}"
    coordinator = browse(clients(), world.people["coordinator"])
    finder = browse(clients(), world.people["finder"])
    assert "Decided:" not in finder.get(report).text
    wrong = coordinator.submit(case, f"{case}/outcome", kind="refused", reason="x")
    assert (wrong.status_code, "here is no such outcome" in wrong.text) == (400, True)
    said = {"kind": "re-rated", "severity": "low", "reason": "It needs <b>root</b> already."}
    assert coordinator.submit(case, f"{case}/outcome", **said).status_code == 303
    page = finder.get(report).text
    assert "Decided: re-rated to low" in page
    assert "It needs &lt;b&gt;root&lt;/b&gt; already." in page
    shown = coordinator.get(case).text
    assert "<strong>re-rated to low</strong>" in shown
    assert "reopened: new evidence" in shown


def test_the_api_tells_a_finder_the_same(clients, world):
    path = f"/api/v1/reports/{world.quiet.report}/outcome"
    finder, coordinator = clients(world.token("finder")), clients(world.token("coordinator"))
    assert finder.get(path).json() == {"outcome": None}
    flaw = f"/api/v1/vulnerabilities/{world.quiet.vulnerability}"
    told = coordinator.post(f"{flaw}/outcome", json={"kind": "rejected", "reason": "Not reachable."})
    assert told.status_code == 201
    assert finder.get(path).json() == {"outcome": told.json()}
    assert coordinator.get(f"{flaw}/outcomes").json() == {"items": [{**told.json(), "number": 1}], "cursor": None}
    assert coordinator.get(f"/api/v1/cases/{world.quiet.case.id}").json()["case"]["state"] == "closed"
