"""I11: every address of the running site is in the table, and everybody gets what the table says."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from uuid import UUID

import pytest

from leadtime.doors import operations
from leadtime.doors.app import build_api
from leadtime.doors.feeds import ledger
from leadtime.doors.web.routes import PAGES
from leadtime.flow import parties
from leadtime.flow.intake import ReportId
from leadtime.flow.merging import merge_in
from leadtime.flow.validation import CHECKLISTS, Unprovable
from leadtime.foundation.access import SYSTEM
from leadtime.private_match import Asker
from leadtime.workflows import report_to_operator
from leadtime.workflows.judging import hand_in_patch
from tests.contract.access_table import COLUMNS, PUBLISHED, TABLE
from tests.contract.access_table_offers import PAGES as OFFER_PAGES
from tests.contract.access_table_offers import TABLE as OFFERS
from tests.doors.standing import Client, browse_by_link
from tests.doors.world import KEV, World
from tests.flow.intake.factories import a_report, a_reproducer, as_bytes
from tests.flow.merging.factories import evidence

API = "/api/v1"
METHODS = ("get", "post", "put", "patch", "delete")


def routes_of(site):
    """Every address of the site: the API's as its description has them, the pages' as they are mounted."""
    described = build_api(site).openapi()["paths"]
    api = [f"{method.upper()} {API}{path}" for path, methods in described.items() for method in methods]
    pages = [f"{method} {route.path}" for route in PAGES for method in sorted(route.methods - {"HEAD"})]
    return api + pages + [f"GET {route.path}" for route in (*operations.ROUTES, *ledger.ROUTES)]


def test_every_address_is_in_the_table_and_nothing_else_is(site):
    assert sorted([*TABLE, *OFFERS, *OFFER_PAGES]) == sorted(routes_of(site))


def test_every_row_has_a_letter_for_everybody():
    for route, row in TABLE.items():
        assert len(row.replace(" ", "")) == len(COLUMNS), route
        assert set(row) <= set("AUMRW "), route


@pytest.mark.parametrize("who", COLUMNS)
def test_everybody_gets_what_the_table_says(who, clients, world):
    column = COLUMNS.index(who)
    program = clients("" if who == "anyone" else world.token(who))
    browser = clients() if who == "anyone" else browse_by_link(clients(), world.database, world.people[who])
    wrong = []
    for route, row in sorted(TABLE.items(), key=lambda each: in_turn(each[0])):
        got = ask(route, program if API in route else browser, world)
        if got != row.replace(" ", "")[column]:
            wrong.append(f"{route}: {got}, not {row.replace(' ', '')[column]}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("who", COLUMNS)
def test_everybody_reads_what_is_published(who, clients, world):
    program = clients("" if who == "anyone" else world.token(who))
    number = world.told.case.number
    for path in PUBLISHED:
        address = path.format(advisory=world.told.advisory, number=number, file=number.lower())
        assert program.get(address).status_code == 200, address


@pytest.mark.parametrize("who", [who for who in COLUMNS if who not in {"finder", "coordinator"}])
def test_nobody_but_finder_and_coordinators_sees_what_was_not_reproduced(who, clients, world):
    program = clients("" if who == "anyone" else world.token(who))
    for path in ("", "/receipt", "/validation"):
        assert program.get(f"{API}/reports/{world.unproven}{path}").status_code in {401, 404}
    assert str(world.unproven) not in program.get(f"{API}/reports").text


def ask(route: str, client: Client, world: World) -> str:
    """Use an address as the client and return the table's letter for the answer."""
    method, _, path = route.partition(" ")
    address = fill(path, world)
    if method == "GET":
        answer = client.get(address + QUERIES.get(route, ""))
    elif path.startswith(API):
        body = BODIES.get(path.removeprefix(API), b"{}")
        answer = client.post(
            address + QUERIES.get(route, ""), content=body(world) if callable(body) else body, headers=JSON
        )
    else:
        answer = client.submit("/sign-in", address, files=FILES.get(path), **forms(world).get(path, {}))
    return LETTERS.get(answer.status_code, str(answer.status_code))


LETTERS = {200: "A", 201: "A", 303: "A", 400: "W", 401: "U", 403: "R", 404: "M"}
"""Allowed means that it was done: nothing that a wrong body or a state would refuse passes for it."""

ENDINGS = (
    "POST /cases/{case}/publish",
    f"POST {API}/advisories/{{found}}/publication",
    "POST /cases/{case}/reopen",
    "POST /cases/{case}/revise",
    f"POST {API}/advisories/{{found}}/revision",
    f"POST {API}/advisories/{{found}}/withdrawal",
    f"POST {API}/cases/{{case}}/closing",
    f"POST {API}/cases/{{case}}/reopening",
    "POST /cases/{case}/join",
    f"POST {API}/vulnerabilities/{{vulnerability}}/split",
    "POST /cases/{case}/split",
    f"POST {API}/vulnerabilities/{{vulnerability}}/join",
    "POST /sign-out",
)
"""What comes last, in an order in which each can be done after the one before it."""


def in_turn(route: str) -> tuple[int, str]:
    """Return where a route stands: what only reads comes first, what ends things last."""
    return (ENDINGS.index(route) + 1 if route in ENDINGS else 0, route)


JSON = {"content-type": "application/json"}
QUERIES = {
    "GET /api/v1/priority": "?exposed=yes&kev=no",
    "POST /api/v1/inventories": "?asset=portal&exposed=yes",
}
DIFF = "--- a/lib/e.c\n+++ b/lib/e.c\n@@ -1 +1 @@\n-1\n+2\n"
FILES = {"/inventories": {"file": ("p.txt", b"requests==1.0\n")}}


def fill(path: str, world: World) -> str:
    """Put the world's ids into an address; embargoed things, except what only published ones have."""
    quiet = world.quiet
    values = {
        "organisation": world.people["maintainer"].organisation.id,
        "person": world.people["developer" if path.endswith("/removal") else "partner"].person.id,
        "report": quiet.report,
        "vulnerability": quiet.vulnerability,
        "case": world.told.case.id if path.endswith(("/closing", "/reopening", "{case}/split")) else quiet.case.id,
        "delivery": quiet.link.delivery.id,
        "patch": a_patch(world) if "{patch}" in path else None,
        "found": quiet.advisory,
        "advisory": quiet.advisory,
        "rendered": "osv",
        "exposed": world.exposure,
        "exposure": world.exposure,
        "kind": "kev",
        "leaf": quiet.report,
        "log": "reads",
        "act": an_act(world, confirmed=path.endswith("/export")) if "{act}" in path else None,
        **dict.fromkeys(("conflict", "employer"), world.people["finder"].person.id),
        **dict.fromkeys(("identity", "passkey", "session", "token"), world.people["finder"].person.id),
    }
    if path.startswith("/d/"):
        values["secret"] = quiet.link.secret
    elif path.startswith("/sign-in/"):
        values["secret"] = "ltl_nothing"
    elif path.startswith("/osv/"):
        values["name"] = f"x_{quiet.case.number}"
    elif path.endswith("/examination"):
        values["report"] = world.unproven
    elif path.startswith("/csaf/"):
        values["name"] = quiet.case.number.lower()
    elif path.endswith(("/revalidation", "/again")):
        values["report"] = _waiting(world)
    elif path in {"/cases/{case}/close", "/cases/{case}/withdraw"}:
        values["case"] = world.told.case.id
    return path.replace("{path:path}", "checkpoint").format(**values)


def a_patch(world: World) -> UUID:
    """A patch of the embargoed case; the same one every time."""
    with world.database.transaction(world.people["coordinator"].viewer) as tx:
        return hand_in_patch(tx, world.quiet.case.id, DIFF.encode()).patch.id


def an_act(world: World, *, confirmed: bool) -> UUID:
    """An export that the coordinator asked for and a colleague confirmed, or one that the colleague asks for."""
    coordinator = world.people["coordinator"]
    house = coordinator.organisation.id
    with world.database.transaction(SYSTEM) as tx:
        colleague = parties.enrol_person(tx, organisation=house, name="Bo", email="bo@example.org")
    second = replace(coordinator.viewer, person=colleague.id)
    with world.database.transaction(coordinator.viewer if confirmed else second) as tx:
        act = parties.begin_act(tx, parties.ActKind.BULK_EXPORT, reason="a move to another host").id
    if confirmed:
        with world.database.transaction(second) as tx:
            parties.confirm_act(tx, act)
    return act


def _organisation(world: World) -> bytes:
    return json.dumps({"organisation": str(world.people["other_maintainer"].organisation.id)}).encode()


def _waiting(world: World) -> ReportId:
    """A report whose validation waits."""
    with world.database.transaction(world.people["finder"].viewer) as tx:
        return report_to_operator.hand_in(tx, as_bytes(a_report(reference="A-waiting", reproducer=a_reproducer()))).id


def _split(world: World) -> bytes:
    return json.dumps({"reports": [str(world.quiet.report)]}).encode()


def _join(world: World) -> bytes:
    return json.dumps({"other": str(world.told.vulnerability), "reason": "one loop"}).encode()


def _another_flaw(world: World) -> str:
    """A flaw of one report that came last; the older of two that are joined goes on."""
    world.database.clock.advance(seconds=1)
    finder = world.people["finder"].organisation.id
    lone = replace(evidence(1, "lone l.c:1"), report=ReportId(UUID(int=(1 << 128) - 1)), finder=finder)
    with world.database.transaction(SYSTEM) as tx:
        return str(merge_in(tx, lone).vulnerability)


def _person(world: World) -> bytes:
    body = {"organisation": str(world.people["partner"].organisation.id), "name": "New", "email": "n@example.org"}
    return json.dumps(body).encode()


WORDS = {
    "title": "t",
    "summary": "s",
    "affected": [{"introduced": "1.34", "fixed": "5.2.0", "source": "CVE-2021-45958, public description"}],
}


def _conflict(world: World) -> bytes:
    people = world.people
    house, developer = people["partner"].organisation.id, people["developer"].organisation.id
    return json.dumps({"organisation": str(house), "developer": str(developer), "reason": "rivals"}).encode()


def _employer(world: World) -> bytes:
    house = str(world.people["partner"].organisation.id)
    return json.dumps({"organisation": house, "name": "Vendor", "engaged_until": "2027-01-01T00:00:00Z"}).encode()


EXPORT = "export all unpatched cases"
EXAMINED = {"kind": "logic", "answers": {item.key: "Yes." for item in CHECKLISTS[Unprovable.LOGIC]}}
BODIES = {
    "/acts": json.dumps({"kind": EXPORT, "reason": "a move"}).encode(),
    "/conflicts": _conflict,
    "/employers": _employer,
    "/me/tokens": b'{"name": "program", "scope": "read only", "days": 1}',
    "/organisations/{organisation}/foreign-access": b'{"foreign_access": false}',
    "/people/{person}/foreign-access": b'{"foreign_access": true}',
    "/organisations": b'{"name": "Example Org", "role": "operator"}',
    "/people": _person,
    "/people/{person}/tokens": b'{"days": 1}',
    "/people/{person}/sign-in-links": b'{"minutes": 1}',
    "/people/{person}/removal": b"",
    "/reports": json.dumps(a_report()).encode(),
    "/reports/batch": json.dumps(a_report()).encode(),
    "/reports/{report}/case": b'{"reason": "seen in the wild"}',
    "/vulnerabilities/{vulnerability}/join": _join,
    "/reports/{report}/examination": json.dumps(EXAMINED).encode(),
    "/vulnerabilities/{vulnerability}/outcome": b'{"kind": "re-rated", "severity": "low", "reason": "needs a login"}',
    "/vulnerabilities/{vulnerability}/severity": b'{"severity": "high", "reason": "it is reached from the network"}',
    "/vulnerabilities/{vulnerability}/split": _split,
    "/sources/{kind}": json.dumps(KEV).encode(),
    "/cases/{case}/embargo": b'{"ends_at": "2026-09-20T12:00", "zone": "UTC"}',
    "/cases/{case}/embargo-lift": b'{"reason": "agreed"}',
    "/cases/{case}/participants": _organisation,
    "/cases/{case}/deliveries": _organisation,
    "/cases/{case}/closing": b'{"reason": "done"}',
    "/cases/{case}/reopening": b'{"reason": "not done"}',
    "/cases/{case}/advisory": json.dumps(WORDS).encode(),
    "/cases/{case}/patches": json.dumps({"diff": DIFF}).encode(),
    "/organisations/{organisation}/pace": b'{"open_deliveries_max": 3}',
    "/deliveries/{delivery}/fixed-version": b'{"version": "5.2.0"}',
    "/advisories/{found}/publication": b'{"early_because": "agreed"}',
    "/advisories/{found}/revision": json.dumps({**WORDS, "changed": "words", "early_because": "agreed"}).encode(),
    "/advisories/{found}/withdrawal": b'{"reason": "wrong"}',
    "/exposures/{exposed}/deployment": b'{"version": "5.2.0"}',
    "/inventories": b"requests==1.0\n",
    "/held": json.dumps({"request": base64.b64encode(Asker.of([b"0" * 32]).request).decode()}).encode(),
}


def forms(world: World) -> dict[str, dict[str, str]]:
    """What each page's form says."""
    return {
        "/acts": {"kind": EXPORT, "reason": "a move"},
        "/sign-in": {"token": "lt_nothing"},
        "/sign-in/passkey/answer": {"answer": "{}"},
        "/me/passkeys": {"answer": "{}", "name": "laptop"},
        "/me/tokens": {"name": "program", "scope": "read only", "days": "1"},
        "/flags": {"developer": str(world.people["developer"].organisation.id), "reason": "rivals"},
        "/flags/organisation/mark": {"foreign_access": "no"},
        "/flags/people/{person}/mark": {"foreign_access": "yes"},
        "/cases/{case}/embargo": {"ends_at": "2026-09-20T12:00", "zone": "UTC"},
        "/cases/{case}/deliver": {
            "organisation": str(world.people["other_maintainer"].organisation.id),
            "again": "yes",
        },
        "/reports/{report}/examination": {"kind": "logic", **EXAMINED["answers"]},
        "/reports/{report}/case": {"reason": "seen in the wild"},
        "/cases/{case}/lift": {"reason": "agreed"},
        "/cases/{case}/close": {"reason": "done"},
        "/cases/{case}/withdraw": {"reason": "wrong"},
        "/cases/{case}/severity": {"severity": "low", "reason": "needs a login"},
        "/cases/{case}/outcome": {"kind": "re-rated", "severity": "low", "reason": "needs a login"},
        "/cases/{case}/fixed": {"version": "5.2.0"},
        "/cases/{case}/draft": {"title": "t", "summary": "s"},
        "/cases/{case}/revise": {"title": "t", "summary": "s", "changed": "words", "early_because": "agreed"},
        "/cases/{case}/reopen": {"reason": "not done"},
        "/cases/{case}/join": {"sure": "yes", "reason": "one loop", "other": _another_flaw(world)},
        "/cases/{case}/split": {"sure": "yes", f"report {world.told.report}": "yes"},
        "/cases/{case}/publish": {"sure": "yes", "early_because": "agreed"},
        "/cases/{case}/patches": {"diff": DIFF},
        "/d/{secret}/patches": {"diff": DIFF},
        "/d/{secret}/fixed": {"version": "5.2.0"},
        "/patch-by/{exposure}/deployed": {"version": "5.2.0"},
        "/inventories": {"asset": "portal", "exposed": "yes"},
    }
