"""Cases that split, open again and are corrected, over the API."""

from __future__ import annotations

API = "/api/v1"
WORDS = {
    "title": "ujson hangs on a negative indent",
    "summary": "It never returns.",
    "affected": [{"introduced": "1.34", "fixed": "5.2.0", "source": "CVE-2021-45958, public description"}],
}


def test_a_split_succeeds_and_both_sides_have_their_case(clients, world):
    coordinator, finder_b = clients(world.token("coordinator")), clients(world.token("finder_b"))
    case, flaw = f"{API}/cases/{world.quiet.case.id}", f"{API}/vulnerabilities/{world.quiet.vulnerability}"
    held = coordinator.get(case).json()["reports"]
    second = next(each["id"] for each in finder_b.get(f"{API}/reports").json()["items"] if each["id"] in held)
    first = next(each for each in held if each != second)
    answer = coordinator.post(f"{flaw}/split", json={"reports": [second]})
    assert answer.status_code == 201, answer.text
    assert [credit["report"] for credit in answer.json()["credits"]] == [second]
    assert coordinator.get(case).json()["reports"] == [first]
    others = [each["id"] for each in finder_b.get(f"{API}/cases").json()["items"]]
    new = next(each for each in others if each != str(world.told.case.id))
    assert finder_b.get(case).status_code == 404
    file = coordinator.get(f"{API}/cases/{new}").json()
    assert file["reports"] == [second]
    assert file["case"]["embargo"] == coordinator.get(case).json()["case"]["embargo"]
    again = coordinator.post(f"{flaw}/split", json={"reports": [first]})
    assert again.status_code == 400


def test_a_published_case_is_opened_again_corrected_and_published_again(clients, world):
    coordinator = clients(world.token("coordinator"))
    case, advisory = f"{API}/cases/{world.told.case.id}", f"{API}/advisories/{world.told.advisory}"
    reopened = coordinator.post(f"{case}/reopening", json={"reason": "the title is wrong"})
    assert reopened.json()["case"]["state"] == "open"
    early = coordinator.post(f"{advisory}/revision", json={**WORDS, "changed": "The title."})
    assert early.status_code == 403
    corrected = {**WORDS, "changed": "The title.", "early_because": "It is public."}
    assert coordinator.post(f"{advisory}/revision", json=corrected).status_code == 200
    assert coordinator.get(case).json()["case"]["state"] == "published"
    assert clients().get(advisory).json()["title"] == "ujson hangs on a negative indent"
    osv = clients().get(f"{advisory}/osv").json()
    assert {each["name"] for each in osv["credits"]} == {
        "Example Lab A",
        "Example Lab B",
        "Example Coordination Centre",
    }


def test_what_was_withdrawn_stands_again_once_it_is_corrected(clients, world):
    coordinator = clients(world.token("coordinator"))
    advisory = f"{API}/advisories/{world.told.advisory}"
    assert coordinator.post(f"{advisory}/withdrawal", json={"reason": "Wrong."}).json()["state"] == "withdrawn"
    assert "withdrawn" in clients().get(f"{advisory}/osv").json()
    corrected = {**WORDS, "changed": "Right now.", "early_because": "It is public."}
    assert coordinator.post(f"{advisory}/revision", json=corrected).json()["state"] == "published"
    assert "withdrawn" not in clients().get(f"{advisory}/osv").json()


def test_a_coordinator_joins_two_vulnerabilities_with_their_cases_and_credits(clients, world):
    coordinator = clients(world.token("coordinator"))
    older, other = sorted([world.quiet.vulnerability, world.told.vulnerability])
    reports = [
        credit["report"]
        for flaw in (older, other)
        for credit in coordinator.get(f"{API}/vulnerabilities/{flaw}").json()["credits"]
    ]
    assert coordinator.get(f"{API}/vulnerabilities/{older}/alike").json() == {"items": [], "cursor": None}
    answer = coordinator.post(
        f"{API}/vulnerabilities/{other}/join", json={"other": str(older), "reason": "One loop, two ways in."}
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["id"] == str(older)
    assert sorted(credit["report"] for credit in answer.json()["credits"]) == sorted(reports)
    assert "One loop, two ways in." in answer.text
    assert coordinator.get(f"{API}/vulnerabilities/{other}").json()["absorbed_into"] == str(older)
    again = coordinator.post(f"{API}/vulnerabilities/{other}/join", json={"other": str(older), "reason": "r"})
    assert again.status_code == 404
