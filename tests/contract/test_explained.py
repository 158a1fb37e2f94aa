"""I9: a merge, a date and a refusal can each be asked why, over the API."""

from __future__ import annotations

API = "/api/v1"


def test_a_merge_says_its_rule_and_the_facts_with_their_sources(clients, world):
    flaw = clients(world.token("coordinator")).get(f"{API}/vulnerabilities/{world.quiet.vulnerability}").json()
    (joined,) = (reason for reason in flaw["reasons"] if reason["decision"] == "one flaw")
    assert joined["rule"].startswith("same fault: ")
    assert {fact["source"] for fact in joined["facts"]} == {
        f"reproduction of report {credit['report']}" for credit in flaw["credits"]
    }


def test_a_date_says_its_row_and_how_old_each_input_is(clients, world):
    (line,) = clients(world.token("operator")).get(f"{API}/exposures").json()["items"]
    why = line["decision"]["why"]
    assert "BOD 26-04" in why["rule"]
    assert all(fact["name"] and fact["source"] for fact in why["facts"])
    assert any(fact["as_of"] for fact in why["facts"])


def test_a_refusal_says_which_policy_and_what_to_do(clients, world):
    case = f"{API}/cases/{world.quiet.case.id}"
    organisation = str(world.people["operator"].organisation.id)
    refused = clients(world.token("coordinator")).post(f"{case}/deliveries", json={"organisation": organisation})
    told = refused.json()
    assert (refused.status_code, told["detail"], told["where"], told["next_step"]) == (
        403,
        "deliveries go to maintainers",
        "organisation",
        "Choose an organisation of that role.",
    )
