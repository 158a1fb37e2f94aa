"""An installation that serves one half has nothing of the other: no address, no link, no word in its API."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest

from leadtime.doors.app import build_api
from leadtime.doors.site import Part
from leadtime.foundation.access import Role
from leadtime.foundation.voluntary import NOTICE
from tests.doors.standing import browse
from tests.doors.world import enrol

CLEARINGHOUSE = (
    *("/reports", "/cases", "/advisories", "/patch-by", "/acts", "/osv/", "/osv/all.zip", "/metrics"),
    *(f"/api/v1/{name}" for name in ("reports", "cases", "advisories", "exposures", "acts", "totals")),
)
EARLY_ACCESS = ("/models", "/api/v1/models")
EVERYWHERE = ("/", "/healthz", "/readyz", "/sign-in", "/api", "/ledger", "/api/v1/openapi.json")


@pytest.fixture
def only(site):
    """Make the site as it is with one part alone."""
    return lambda part: replace(site, parts=frozenset({part}))


HALVES = {Part.GATEWAY: EARLY_ACCESS, Part.SITE: CLEARINGHOUSE}


@pytest.mark.parametrize(("part", "other"), [tuple(Part), tuple(reversed(Part))], ids=Part)
def test_what_a_part_does_not_serve_does_not_exist_there(only, clients_of, database, part, other):
    coordinator = enrol(database, Role.COORDINATOR, "Coordination")
    browser = browse(clients_of(only(part))(coordinator.token), coordinator)
    assert dict.fromkeys(HALVES[other], 404) == {path: browser.get(path).status_code for path in HALVES[other]}
    assert 404 not in {browser.get(path).status_code for path in (*HALVES[part], *EVERYWHERE)}


@pytest.mark.parametrize("part", Part)
@pytest.mark.parametrize("role", [None, *(role for role in Role if role is not Role.SYSTEM)])
def test_no_page_leads_to_an_address_that_is_not_there(only, clients_of, database, part, role):
    browser = clients_of(only(part))()
    if role:
        browser = browse(browser, enrol(database, role, "Example"))
    for page in ("/", "/sign-in", "/me", "/models", "/api"):
        answer = browser.get(page)
        links = set(re.findall(r'href="(/[^"#?]*)', answer.text))
        assert {link: browser.get(link).status_code for link in links if browser.get(link).status_code == 404} == {}


def test_a_gateway_alone_says_what_it_is_and_shows_section_3c(only, clients_of):
    page = html.unescape(clients_of(only(Part.GATEWAY))().get("/").text)
    assert "A model, offered early" in page
    assert NOTICE in page
    assert "Advisories" not in page


def test_both_parts_together_have_what_each_has_and_no_address_twice(site, only):
    def paths(at):
        return set(build_api(at).openapi()["paths"])

    gateway, clearinghouse = paths(only(Part.GATEWAY)), paths(only(Part.SITE))
    assert paths(site) == gateway | clearinghouse
    shared = gateway & clearinghouse
    assert {path.split("/")[1] for path in shared} == {
        *("organisations", "employers", "people", "conflicts", "me", "reads")
    }
