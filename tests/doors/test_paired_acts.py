"""I12: no one person exports what is unpatched, nor looks into a case that is not theirs; by API and by page."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from sqlalchemy import text

from leadtime.flow import parties
from leadtime.foundation.access import SYSTEM
from tests.doors.standing import browse, browse_by_link
from tests.doors.world import Somebody

ACTS = "/api/v1/acts"
EXPORT, EMERGENCY = "export all unpatched cases", "read one case in an emergency"


@pytest.fixture
def colleague(database, world) -> Somebody:
    """A second person of the coordinators."""
    coordinator = world.people["coordinator"]
    with database.transaction(SYSTEM) as tx:
        person = parties.enrol_person(tx, organisation=coordinator.organisation.id, name="Bo", email="bo@example.org")
        return replace(coordinator, person=person, token=parties.issue_token(tx, person.id, days=1).secret)


def test_an_export_takes_two_and_works_once(clients, world, colleague):
    ada, bo = clients(world.token("coordinator")), clients(colleague.token)
    act = ada.post(ACTS, json={"kind": EXPORT, "reason": "a move to another host"}).json()
    export = f"{ACTS}/{act['id']}/export"
    assert ada.post(export).status_code == 409
    assert ada.post(f"{ACTS}/{act['id']}/confirmation").status_code == 403
    assert bo.post(f"{ACTS}/{act['id']}/confirmation").json()["state"] == "confirmed"
    assert bo.post(export).status_code == 403
    answer = ada.post(export)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    cases = [json.loads(line) for line in answer.text.splitlines()]
    assert [each["case"]["id"] for each in cases] == [str(world.quiet.case.id)]
    assert ada.post(export).status_code == 409
    (told,) = bo.get(ACTS).json()["items"]
    assert (told["state"], told["reason"]) == ("taken", "a move to another host")
    assert (told["asked_by"], told["confirmed_by"]) == (act["asked_by"], str(colleague.person.id))


def test_an_auditor_reads_one_case_once_and_the_read_is_a_leaf(clients, world, database):
    auditor, ada = clients(world.token("auditor")), clients(world.token("coordinator"))
    quiet = world.quiet.case
    assert auditor.get(f"/api/v1/cases/{quiet.id}").status_code == 404
    wanted = {"kind": EMERGENCY, "reason": "what leaked?", "about": str(quiet.id)}
    act = auditor.post(ACTS, json=wanted).json()["id"]
    assert auditor.post(f"{ACTS}/{act}/reading").status_code == 409
    assert ada.post(f"{ACTS}/{act}/confirmation").status_code == 200
    before = leaves(database)
    answer = auditor.post(f"{ACTS}/{act}/reading")
    assert answer.status_code == 200, answer.text
    assert answer.json()["case"]["title"] == quiet.title
    assert leaves(database) > before
    assert auditor.post(f"{ACTS}/{act}/reading").status_code == 409
    assert auditor.get(f"/api/v1/cases/{quiet.id}").status_code == 404


def test_the_pages_do_the_same(clients, world, colleague):
    ada, bo = browse(clients(), world.people["coordinator"]), browse(clients(), colleague)
    assert ada.submit("/acts", "/acts", kind=EXPORT, reason="a move to another host").status_code == 303
    page = bo.get("/acts").text
    act = page.partition('action="/acts/')[2].partition("/")[0]
    assert "Confirm</button>" in page
    assert "Confirm</button>" not in ada.get("/acts").text
    assert bo.submit("/acts", f"/acts/{act}/confirm").status_code == 303
    assert "Export once" in ada.get("/acts").text
    answer = ada.submit("/acts", f"/acts/{act}/export")
    assert [each["case"]["id"] for each in answer.json()["cases"]] == [str(world.quiet.case.id)]
    assert answer.headers["content-disposition"] == f'attachment; filename="leadtime-{act}.json"'
    assert "Export once" not in ada.get("/acts").text


def test_an_auditors_page_reads_a_case_and_either_withdraws(clients, world):
    auditor, ada = browse(clients(), world.people["auditor"]), browse(clients(), world.people["coordinator"])
    wanted = {"kind": EMERGENCY, "reason": "what leaked?", "about": str(world.quiet.case.id)}
    acts = []
    for _ in range(2):
        assert auditor.submit("/acts", "/acts", **wanted).status_code == 303
        acts.append(auditor.get("/acts").text.partition('action="/acts/')[2].partition("/")[0])
        ada.submit("/acts", f"/acts/{acts[-1]}/withdraw" if len(acts) == 1 else f"/acts/{acts[-1]}/confirm")
    assert "withdrawn" in auditor.get("/acts").text
    assert auditor.submit("/acts", f"/acts/{acts[1]}/reading").json()["case"]["title"] == world.quiet.case.title
    assert auditor.submit("/acts", "/acts", kind="something", reason="x").status_code == 400


def leaves(database) -> int:
    with database.transaction(SYSTEM) as tx:
        return tx.connection.scalar(text("select count(*) from ledger_leaves"))


def test_a_developers_person_is_let_in_anew_by_two_coordinators_or_by_a_colleague(clients, world, colleague, database):
    ada, bo = clients(world.token("coordinator")), clients(colleague.token)
    developer = world.people["developer"]
    person = developer.person.id
    for kind, address, body in (
        ("give a person what signs them in", "tokens", {"days": 1}),
        ("give a person what signs them in", "sign-in-links", {"minutes": 10}),
    ):
        wanted = f"/api/v1/people/{person}/{address}"
        refused = ada.post(wanted, json=body)
        assert (refused.status_code, refused.json()["detail"]) == (
            403,
            "this takes two people, or the organisation itself",
        )
        asked = {"kind": kind, "reason": "they lost their phone", "about": str(person)}
        act = ada.post(ACTS, json=asked).json()["id"]
        assert bo.post(f"{ACTS}/{act}/confirmation").status_code == 200
        assert ada.post(f"{wanted}?act={act}", json=body).status_code == 201
    page = browse(clients(), world.people["coordinator"]).get("/acts").text
    assert f'Give a person what signs them in<br><span class="lt-digest">{developer.person.name}</span>' in page
    with database.transaction(SYSTEM) as tx:
        house = developer.organisation.id
        other = parties.enrol_person(tx, organisation=house, name="Cy Example", email="cy@example.org").id
    mine = browse_by_link(clients(), database, developer)
    assert "Cy Example" in mine.get("/me").text
    told = mine.submit("/me", f"/me/people/{other}/link").text
    link = "/sign-in/ltl_" + told.partition("/sign-in/ltl_")[2].partition("<")[0]
    assert clients().submit(link, link).status_code == 303
    assert mine.submit("/me", f"/me/people/{other}/removal").status_code == 303
    assert "Cy Example" not in mine.get("/me").text
