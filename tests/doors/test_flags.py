"""What keeps people away, stated by their own organisation: by command and on its page, with one outcome."""

from __future__ import annotations

import html
import json

import pytest

from leadtime.doors.cli.main import EXIT_REFUSED, run
from leadtime.flow import parties
from leadtime.foundation.access import SYSTEM, Role
from leadtime.foundation.voluntary import NOTICE
from tests.doors.live import listening
from tests.doors.standing import browse
from tests.doors.world import enrol


@pytest.fixture
def agency(database):
    return enrol(database, Role.AGENCY, "Agency")


@pytest.fixture
def colleague(database, agency):
    with database.transaction(SYSTEM) as tx:
        return parties.enrol_person(tx, organisation=agency.organisation.id, name="Bo", email="bo@agency.example").id


@pytest.fixture
def lab(database):
    return enrol(database, Role.DEVELOPER, "Lab")


def kept_away(database, agency, person):
    """Return from which developers a person is kept away, and whether they are marked."""
    with database.transaction(agency.viewer) as tx:
        found = parties.read_person(tx, person)
    return found.conflicts, found.foreign_access


@pytest.fixture
def flag(site, monkeypatch, capsys):
    """Run ``leadtime flag`` as somebody; return its exit code and what it said."""
    with listening(site) as url:
        monkeypatch.setenv("LEADTIME_URL", url)

        def as_somebody(somebody, *words):
            monkeypatch.setenv("LEADTIME_TOKEN", somebody.token)
            code = run(["flag", *map(str, words)])
            told = capsys.readouterr()
            return code, told.out + told.err

        yield as_somebody


def test_commands_state_and_end_it(database, flag, agency, colleague, lab):
    def stated(*words):
        code, told = flag(agency, *words)
        assert code == 0, told
        return told

    told = stated("conflict", lab.organisation.id, "--person", colleague, "--reason", "his shares", "--json")
    stated("foreign-access", "--person", colleague, "--mark", "yes")
    assert kept_away(database, agency, colleague) == ({lab.organisation.id}, True)
    stated("end-conflict", json.loads(told)["result"]["id"])
    stated("foreign-access", "--person", colleague, "--mark", "no")
    assert kept_away(database, agency, colleague) == (frozenset(), False)
    stated("conflict", lab.organisation.id, "--reason", "rivals")
    stated("foreign-access", "--mark", "yes")
    assert kept_away(database, agency, agency.person.id) == ({lab.organisation.id}, True)


def test_a_coordinator_does_neither(database, flag, colleague):
    coordinator = enrol(database, Role.COORDINATOR, "Centre")
    code, told = flag(coordinator, "foreign-access", "--person", colleague, "--mark", "yes")
    assert (code, "there is no such thing that you may see" in told) == (EXIT_REFUSED, True)


def test_the_page_does_the_same(database, clients, agency, colleague, lab):
    browser = browse(clients(), agency)
    assert "/flags" in browser.get("/me").text
    stated = {"person": str(colleague), "developer": str(lab.organisation.id), "reason": "his <shares>"}
    assert browser.submit("/flags", "/flags", **stated).status_code == 303
    browser.submit("/flags", f"/flags/people/{colleague}/mark", foreign_access="yes")
    assert kept_away(database, agency, colleague) == ({lab.organisation.id}, True)
    page = browser.get("/flags").text
    assert NOTICE in html.unescape(page)
    for part in ("Bo</th>", "Lab</td>", "his &lt;shares&gt;", "foreign access</td>", "End the mark"):
        assert part in page, part
    conflict = page.partition('action="/flags/')[2].partition("/ending")[0]
    assert browser.submit("/flags", f"/flags/{conflict}/ending").status_code == 303
    browser.submit("/flags", f"/flags/people/{colleague}/mark", foreign_access="no")
    assert kept_away(database, agency, colleague) == (frozenset(), False)
    browser.submit("/flags", "/flags/organisation/mark", foreign_access="yes")
    assert kept_away(database, agency, colleague) == (frozenset(), True)
    assert "None is stated." in browser.get("/flags").text
