"""I11 for half A: everybody around one offered model gets what the table says, and every answer shows section 3(c)."""

from __future__ import annotations

import html
import json
from dataclasses import replace
from datetime import date

import pyrage
import pytest
import schemathesis
from schemathesis import GenerationMode
from sqlalchemy import select

from leadtime.flow import assessment, window
from leadtime.flow.assessment import RequestWanted
from leadtime.flow.window.tables import window_events
from leadtime.foundation.access import SYSTEM, Role
from leadtime.foundation.voluntary import NOTICE
from tests.contract.access_table_offers import COLUMNS, PAGES, TABLE
from tests.contract.test_openapi import _hold as hold
from tests.doors.live import listening
from tests.doors.standing import browse_by_link
from tests.doors.world import enrol
from tests.flow.window.factories import TERMS, WANTED, Party, a_model, a_partner_window, an_agreement

API = "/api/v1"
AGE_KEY = str(pyrage.x25519.Identity.generate().to_public())
JSON = {"content-type": "application/json"}
ROLES = {
    "developer": Role.DEVELOPER,
    "other_developer": Role.DEVELOPER,
    "agency": Role.AGENCY,
    "other_agency": Role.AGENCY,
    "partner": Role.PARTNER,
    "rival_partner": Role.PARTNER,
    "other_partner": Role.PARTNER,
    "coordinator": Role.COORDINATOR,
    "auditor": Role.AUDITOR,
    "other_auditor": Role.AUDITOR,
    "finder": Role.FINDER,
}


@pytest.fixture
def people(database):
    return {who: enrol(database, role, who) for who, role in ROLES.items()}


@pytest.fixture
def things(database, people):
    """The ids around one model that a developer offered."""
    in_it = {who: Party(one.organisation, one.person, one.viewer) for who, one in people.items()}
    developer = in_it["developer"]
    model = a_model(database, developer)
    with database.transaction(developer.viewer) as tx:
        government = window.open_window(tx, model.id, window.WindowKind.GOVERNMENT)
        agreed = window.agree(tx, model.id, in_it["agency"].organisation.id, replace(TERMS, agency_may_propose=True))
        window.offer_to(tx, government.id, agreed.id)
        window.name_auditor(tx, model.id, in_it["auditor"].organisation.id)
        designation = assessment.note_request(tx, model.id, RequestWanted("Example", date(2026, 8, 1), ""))
    opened = a_partner_window(database, developer, model)
    entries, agreements = {}, {}
    for who in ("partner", "rival_partner"):
        agreements[who] = an_agreement(database, developer, model, in_it[who])
        with database.transaction(developer.viewer) as tx:
            proposed = window.propose_partner(tx, model.id, in_it[who].organisation.id)
            entries[who] = window.consent(tx, proposed.id, opened.id, agreements[who].id)
    with database.transaction(in_it["partner"].viewer) as tx:
        made = window.grant(tx, entries["partner"].id, in_it["partner"].person.id, WANTED)
    with database.transaction(SYSTEM) as tx:
        enrolled = tx.connection.scalar(select(window_events.c.id).where(window_events.c.kind == "enrolled"))
    return {
        "model": model.id,
        "agreement": agreements["partner"].id,
        "designation": designation.id,
        "window_id": opened.id,
        "entry": entries["partner"].id,
        "grant_id": made.id,
        "partner_person": in_it["partner"].person.id,
        "other_partner": in_it["other_partner"].organisation.id,
        "auditor": in_it["other_auditor"].organisation.id,
        "call": made.id,
        "leaf": enrolled,
        "word": "bounds",
    }


TERMS_WANTED = {"instrument": "CRADA", "purposes": ["find flaws"]}


def bodies(things):
    """What each address is sent."""
    terms = json.dumps(TERMS_WANTED)
    return {
        "/models": {
            "name": "vega",
            "variants": [{"name": "on", "upstream_model": "v"}],
            "upstream": "http://127.0.0.1:9/v1",
            "credential": "sk",
            "wire_format": "openai",
        },
        "/models/{model}/milestones": {"partner_release_at": "2026-08-03T09:00:00Z", "public_release_at": None},
        "/models/{model}/agreements": {"organisation": str(things["other_partner"]), "terms": TERMS_WANTED},
        "/models/{model}/auditors": {"organisation": str(things["auditor"])},
        "/models/{model}/designations": {"authority": "Example", "requested_on": "2026-08-01"},
        "/models/{model}/windows": {"kind": "partner", "days": 3},
        "/models/{model}/partners": {"organisation": str(things["other_partner"])},
        "/agreements/{agreement}/versions": json.loads(terms),
        "/designations/{designation}/outcome": {"outcome": "designate", "decided_on": "2026-08-02"},
        "/windows/{window_id}/end": {"ends_at": "2026-08-05T09:00:00Z"},
        "/windows/{window_id}/agencies": {"agreement": str(things["agreement"])},
        "/entries/{entry}/consent": {"window": str(things["window_id"]), "agreement": str(things["agreement"])},
        "/entries/{entry}/grants": {"person": str(things["partner_person"]), "purpose": "find flaws"},
        "/sealing-key": {"age_key": AGE_KEY},
        "/grants/{grant_id}/return": {"disposition": "destroyed"},
    }


def forms(things):
    """What each page's form is sent."""
    return {
        "/models": {
            "name": "lyra",
            "variants": "on = v\noff",
            "upstream": "http://127.0.0.1:9/v1",
            "credential": "sk",
            "wire_format": "openai",
        },
        "/models/{model}/milestones": {"partner_release": "2026-08-03T09:00"},
        "/models/{model}/partners": {"organisation": str(things["other_partner"])},
        "/models/{model}/offers": {
            "organisation": str(things["other_partner"]),
            "kind": "partner",
            "instrument": "CRADA",
            "purposes": "find flaws",
            "record_mode": "commitments",
        },
        "/models/{model}/entries/{entry}/grants": {
            "person": str(things["partner_person"]),
            "purpose": "find flaws",
        },
        "/models/{model}/grants/{grant_id}/return": {"disposition": "destroyed"},
    }


ENDING = ("/end", "/withdrawal", "/release", "/versions", "/milestones")
"""Asked last, so that what they end is there for the others."""


def ask(route, client, things):
    method, _, path = route.partition(" ")
    address = path.format(**things)
    if method == "GET":
        return client.get(address)
    body = bodies(things).get(path.removeprefix(API), {})
    return client.post(address, content=json.dumps(body), headers=JSON)


LETTERS = {200: "A", 201: "A", 303: "A", 401: "U", 403: "R", 404: "M", 409: "C"}


def letter_of(answer):
    """Return the table's letter of an answer; a number stands for what nobody should get."""
    return LETTERS.get(answer.status_code, str(answer.status_code))


def test_every_row_has_a_letter_for_everybody():
    for route, row in TABLE.items():
        assert len(row.replace(" ", "")) == len(COLUMNS), route
        assert set(row) <= set("AUMRC "), route


@pytest.mark.parametrize("who", COLUMNS)
def test_everybody_gets_what_the_table_says(who, clients, people, things):
    column, wrong = COLUMNS.index(who), []
    client = clients("" if who == "anyone" else people[who].token)
    for route, row in sorted(TABLE.items(), key=lambda item: (item[0].endswith(ENDING), item[0])):
        answer = ask(route, client, things)
        got = letter_of(answer)
        wanted = row.replace(" ", "")[column]
        if got != wanted:
            wrong.append(f"{route}: {got}, not {wanted}: {answer.text[:200]}")
        if answer.is_success:
            assert answer.json()["notice"] == NOTICE, route
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("who", COLUMNS)
def test_everybody_gets_what_the_table_says_on_pages_too(who, clients, people, things, database):
    column, wrong = COLUMNS.index(who), []
    browser = clients() if who == "anyone" else browse_by_link(clients(), database, people[who])
    for route, row in PAGES.items():
        method, _, path = route.partition(" ")
        address, form = path.format(**things), forms(things).get(path, {})
        answer = browser.get(address) if method == "GET" else browser.submit("/sign-in", address, **form)
        got = letter_of(answer)
        if got != row.replace(" ", "")[column]:
            wrong.append(f"{route}: {got}, not {row.replace(' ', '')[column]}")
        if method == "GET" and answer.is_success:
            assert NOTICE in html.unescape(answer.text), route
    assert not wrong, "\n".join(wrong)


def test_a_refused_request_leaves_a_leaf_in_the_models_log(clients, people, things, database):
    answer = ask("POST /api/v1/models/{model}/milestones", clients(people["agency"].token), things)
    assert answer.status_code == 403
    assert answer.json()["detail"] == "the role agency may not write a milestone"
    with database.transaction(people["developer"].viewer) as tx:
        line = window.history_of(tx, things["model"])[-1]
    assert line.kind is window.EventKind.REFUSED
    assert line.organisation == people["agency"].organisation.id
    assert line.note.startswith("the role agency may not write a milestone.")


def test_a_refusal_about_a_window_entry_or_grant_leaves_one_too(clients, people, things, database):
    for route in (
        "POST /api/v1/windows/{window_id}/withdrawal",
        "POST /api/v1/entries/{entry}/end",
        "POST /api/v1/agreements/{agreement}/versions",
    ):
        assert ask(route, clients(people["partner"].token), things).status_code == 403, route
    client = clients(people["developer"].token)
    assert ask("POST /api/v1/grants/{grant_id}/credential", client, things).status_code == 403
    with database.transaction(people["developer"].viewer) as tx:
        told = [line for line in window.history_of(tx, things["model"]) if line.kind is window.EventKind.REFUSED]
    assert len(told) == 4


def test_no_answer_tells_the_upstream_or_its_credential(clients, people, things):
    told = ask("GET /api/v1/models/{model}", clients(people["developer"].token), things).text
    assert "sk-upstream" not in told
    assert "127.0.0.1:9999" not in told
    assert "declared_digest" in told


def test_days_and_an_end_are_not_both_taken(clients, people, things):
    body = {"kind": "government", "days": 3, "ends_at": "2026-08-05T09:00:00Z"}
    answer = clients(people["developer"].token).post(f"{API}/models/{things['model']}/windows", json=body)
    assert (answer.status_code, answer.json()["detail"]) == (400, "days and ends_at say one thing twice")


def test_a_31_day_window_is_refused_by_the_api_too(clients, people, things):
    answer = clients(people["developer"].token).post(
        f"{API}/models/{things['model']}/windows", json={"kind": "government", "days": 31}
    )
    assert (answer.status_code, answer.json()["detail"]) == (
        403,
        "a government window lasts at most 30 days from the first offer",
    )


@pytest.mark.filterwarnings("default")  # the generator's own
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_the_api_of_half_a_keeps_to_its_description(mode, site, people, things):
    ids = {name: str(value) for name, value in things.items()}
    wrong: list[str] = []
    with listening(site) as url:
        for found in schemathesis.openapi.from_url(f"{url}/api/v1/openapi.json").get_all_operations():
            operation = found.ok()
            route = f"{operation.method.upper()} {API}{operation.path}"
            if route not in TABLE:
                continue
            known = {name: value for name, value in ids.items() if f"{{{name}}}" in operation.path}
            try:
                hold(operation, mode, f"{url}/api/v1", people["developer"].token, known)
            except Exception as error:  # noqa: BLE001  # every call is told, not the first alone
                wrong.append(f"{route}: {error}")
    assert not wrong, "\n".join(wrong)
