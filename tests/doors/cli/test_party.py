from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest

from leadtime.doors.cli import party
from leadtime.doors.cli.main import run
from leadtime.flow.parties import authenticate, redeem_sign_in_link
from leadtime.foundation.access import SYSTEM, Role, Scope, Viewer
from leadtime.foundation.database import Database, Transaction
from leadtime.foundation.errors import Refused


@pytest.fixture
def here(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """The installation that the command finds."""

    @contextmanager
    def transaction() -> Iterator[Transaction]:
        with database.transaction(SYSTEM) as tx:
            yield tx

    monkeypatch.setattr(party, "transaction", transaction)
    return database


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, str]:
    assert run(["party", *arguments, "--json"]) == 0
    found: dict[str, str] = json.loads(capsys.readouterr().out)
    return found


def test_an_organisation_a_person_and_a_token_are_made(here: Database, capsys: pytest.CaptureFixture[str]) -> None:
    lab = told(capsys, "enrol", "Example Lab", "--role", "finder", "--example")
    assert lab == {"organisation": lab["organisation"], "name": "Example Lab", "role": "finder", "example": True}
    ada = told(capsys, "person", lab["organisation"], "Ada", "ada@example.org", "--active-until", "2026-12-31")
    assert ada == {
        "person": ada["person"],
        "organisation": lab["organisation"],
        "name": "Ada",
        "email": "ada@example.org",
        "active_until": "2026-12-31T00:00:00+00:00",
    }
    token = told(capsys, "token", ada["person"], "--days", "30")
    assert token["expires_at"] == "2026-09-02T09:00:00+00:00"
    with here.transaction(SYSTEM) as tx:
        assert authenticate(tx, token["token"]) == Viewer(Role.FINDER, UUID(lab["organisation"]), UUID(ada["person"]))


def test_a_vendors_person_ends_with_the_vendor_and_a_token_has_a_scope(
    here: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    agency = told(capsys, "enrol", "Example Agency", "--role", "agency")["organisation"]
    vendor = told(capsys, "vendor", agency, "Example Vendor", "--engaged-until", "2026-09-01")
    assert vendor == {"employer": vendor["employer"], "engaged_until": "2026-09-01T00:00:00+00:00"}
    cy = told(capsys, "person", agency, "Cy", "cy@vendor.example", "--employer", vendor["employer"])
    token = told(capsys, "token", cy["person"], "--days", "90", "--scope", "read only")
    assert token["expires_at"] == "2026-09-01T00:00:00+00:00"
    with here.transaction(SYSTEM) as tx:
        assert authenticate(tx, token["token"]).scope is Scope.READ_ONLY


def test_a_sign_in_link_opens_and_a_removed_persons_token_does_not(
    here: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEADTIME_URL", "https://leadtime.example")
    lab = told(capsys, "enrol", "Example Lab", "--role", "finder")
    ada = told(capsys, "person", lab["organisation"], "Ada", "ada@example.org")
    link = told(capsys, "link", ada["person"], "--minutes", "10")
    address, _, secret = link["url"].rpartition("/")
    assert (address, link["expires_at"]) == ("https://leadtime.example/sign-in", "2026-08-03T09:10:00+00:00")
    with here.transaction(SYSTEM) as tx:
        session = redeem_sign_in_link(tx, secret)
    assert told(capsys, "remove", ada["person"]) == {"removed": ada["person"]}
    with here.transaction(SYSTEM) as tx, pytest.raises(Refused):
        authenticate(tx, session.secret)


def test_parties_are_listed_for_people_and_for_programs(here: Database, capsys: pytest.CaptureFixture[str]) -> None:
    lab = told(capsys, "enrol", "Example Lab", "--role", "finder", "--example")
    centre = told(capsys, "enrol", "Centre", "--role", "coordinator")
    ada = told(capsys, "person", lab["organisation"], "Ada", "ada@example.org")
    assert run(["party", "list"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{centre['organisation']}  Centre (coordinator)",
        f"{lab['organisation']}  Example Lab (finder, example)",
        f"  {ada['person']}  Ada <ada@example.org>",
    ]
    assert run(["party", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [{**centre, "people": []}, {**lab, "people": [ada]}]
    assert run(["party", "enrol", "Third", "--role", "operator"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == ["name: Third", "role: operator", "example: False"]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["enrol", " ", "--role", "finder"], "name: a name is missing. Give one.\n"),
        (["token", "nobody"], "argument: this is not an id. Copy the id from the receipt or the page.\n"),
        (
            ["token", "00000000-0000-7000-8000-000000000000"],
            "00000000-0000-7000-8000-000000000000: there is no such person. Check the id.\n",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence(capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str) -> None:
    assert run(["party", *arguments]) == 2
    assert capsys.readouterr().err == sentence


@pytest.mark.usefixtures("here")
def test_the_systems_role_is_no_choice(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["party", "enrol", "Example", "--role", "system"]) == 2
    assert "system" in capsys.readouterr().err
