from __future__ import annotations

import asyncio

import anyio
import pytest
from starlette.routing import Route
from structlog.testing import capture_logs

from leadtime.doors import limits
from leadtime.doors.app import build_app
from leadtime.doors.armour import POLICY
from leadtime.doors.bodies import body_bytes_max
from leadtime.doors.faults import Faults
from leadtime.doors.site import Site
from leadtime.doors.web.asking import bound_threads
from tests.doors.standing import browse_by_link


def test_every_answer_wears_the_headers(anyone):
    for path in ("/", "/sign-in", "/nothing", "/api/v1/me", "/static/leadtime.css", "/healthz", "/api/v1/openapi.json"):
        headers = anyone.get(path).headers
        assert headers["content-security-policy"] == POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "strict-transport-security" not in headers
    assert "script-src" not in POLICY
    assert "default-src 'none'" in POLICY


def test_only_the_pages_of_passkeys_run_a_script_and_only_ours(clients, database, coordinator):
    browser = browse_by_link(clients(), database, coordinator)
    visitor = clients()
    adding = browser.get("/me/passkeys/new")
    asking = visitor.submit("/sign-in", "/sign-in/passkey")
    for page in (adding, asking):
        assert page.status_code == 200
        assert page.headers["content-security-policy"] == f"{POLICY}; script-src 'self'"
        assert page.text.count("<script") == 1
        assert '<script src="/static/passkeys.js" defer></script>' in page.text
    for page in (browser.get("/me"), visitor.get("/sign-in"), visitor.get("/static/passkeys.js")):
        assert page.headers["content-security-policy"] == POLICY
        assert "<script" not in page.text


def test_pages_are_not_kept_and_static_files_are(anyone):
    assert anyone.get("/").headers["cache-control"] == "no-store"
    assert anyone.get("/static/leadtime.css").headers["cache-control"] == "public, max-age=3600"


def test_pages_carry_no_script_and_no_style(anyone):
    text = anyone.get("/").text
    assert "<script" not in text
    assert "style=" not in text
    assert ' src="http' not in text


@pytest.mark.parametrize(
    ("path", "bytes_max"),
    [
        ("/api/v1/reports", 16 << 20),
        ("/api/v1/reports/batch", limits.BATCH_BYTES_MAX),
        ("/api/v1/people", 1 << 20),
        ("/sign-in", 1 << 20),
        ("/inventories", limits.INVENTORY_BYTES_MAX),
        ("/api/v1/reports/batch/more", 1 << 20),
    ],
)
def test_each_address_has_its_bound(path, bytes_max):
    assert body_bytes_max(path) == bytes_max


def test_a_body_that_says_it_is_too_large_is_not_read(site):
    sent = _ask(build_app(site), [("content-length", str(200_000_000))], [])
    assert sent[0]["status"] == 413
    assert b'"detail":"the body has more than the 16777216 bytes that this address takes"' in sent[1]["body"]


def test_a_body_that_does_not_say_is_read_to_its_bound_and_no_further(site, finder):
    pieces = [b"x" * (1 << 20)] * 17
    untouched = [b"never asked for"]
    sent = _ask(build_app(site), [("authorization", f"Bearer {finder.token}")], pieces + untouched)
    assert sent[0]["status"] == 413
    assert dict(sent[0]["headers"])[b"content-type"] == b"application/problem+json"


def test_an_unknown_address_is_a_page_for_people_and_a_problem_for_programs(anyone):
    page, problem = anyone.get("/nothing"), anyone.get("/api/v1/nothing")
    assert (page.status_code, problem.status_code) == (404, 404)
    assert "There is nothing at this address." in page.text
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json() == {
        "type": "/api#missing",
        "title": "Not found",
        "status": 404,
        "detail": "there is nothing at this address",
        "where": "",
        "next_step": "Check the address.",
    }


def test_the_site_says_when_finders_programs_run_beside_its_keys(site, anyone, clients_of):
    assert "For trials only" not in anyone.get("/").text
    same_host = clients_of(Site(site.database, site.settings, same_host=True))
    assert "For trials only" in same_host().get("/").text
    assert "For trials only" in same_host().get("/nothing").text


def test_operations_answer(anyone):
    assert anyone.get("/healthz").text == "alive\n"
    assert anyone.get("/readyz").text == "ready\n"
    assert 'leadtime_things{stage="reports"} 0.0' in anyone.get("/metrics").text
    assert anyone.get("/.well-known/security.txt").text == (
        "Contact: http://site.test/\nExpires: 2027-01-30T00:00:00Z\nPreferred-Languages: en\n"
        "Canonical: http://site.test/.well-known/security.txt\n"
    )


def _ask(app, headers, pieces):
    """Speak ASGI by hand; asking for more than ``pieces`` fails the test."""
    sent = []
    waiting = list(pieces)

    async def receive():
        piece = waiting.pop(0)
        assert piece != b"never asked for"
        return {"type": "http.request", "body": piece, "more_body": bool(waiting)}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/api/v1/reports",
        "raw_path": b"/api/v1/reports",
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    asyncio.run(app(scope, receive, send))
    return sent


@pytest.mark.parametrize(
    "body", [b"[" * 200_000, b'{"a":' * 200_000, b"\xff\xfe", b'{"name": "\\u0000", "role": "operator"}']
)
def test_hostile_json_is_an_ordinary_refusal(clients, coordinator, body):
    headers = {"content-type": "application/json"}
    answer = clients(coordinator.token).post("/api/v1/organisations", content=body, headers=headers)
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("address", ["/csaf/%00.json", "/osv/%00.json", "/api/v1/advisories?cursor=%00", "/cases/%00"])
def test_an_address_with_a_nul_names_nothing(anyone, address):
    answer = anyone.get(address)
    assert answer.status_code == 400
    assert answer.json()["detail"] == "an address holds no NUL character"


def test_verbs_and_statements_are_bounded(database):
    async def bounded() -> float:
        bound_threads()
        return anyio.to_thread.current_default_thread_limiter().total_tokens

    assert anyio.run(bounded) == limits.THREADS_MAX == 8
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("show statement_timeout").scalar() == "1min"


def test_a_fault_is_logged_once_by_its_route_and_answered_without_detail():
    async def broken(scope, receive, send):
        raise ValueError("sk-secret")

    scope = {"type": "http", "method": "GET", "path": "/d/secret", "query_string": b"", "headers": []}
    scope["route"] = Route("/d/{secret}", lambda _: None)
    sent = []

    async def send(message):
        sent.append(message)

    with capture_logs() as said:
        asyncio.run(Faults(broken)(scope, None, send))
    assert [{name: line[name] for name in ("event", "method", "route", "kind")} for line in said] == [
        {"event": "fault", "method": "GET", "route": "/d/{secret}", "kind": "ValueError"}
    ]
    assert sent[0]["status"] == 500
    assert b"secret" not in sent[1]["body"]
    assert b"ValueError" not in sent[1]["body"]
