from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from leadtime.doors import limits
from leadtime.flow import intake
from leadtime.foundation.access import SYSTEM
from tests.flow.intake.factories import a_report, a_reproducer, as_bytes


def test_a_report_gets_a_receipt_that_can_be_checked(clients, finder, keys):
    answer = clients(finder.token).post("/api/v1/reports", content=as_bytes(a_report(reference="A-1")))
    assert answer.status_code == 201
    receipt = intake.read_receipt_json(answer.content)
    assert receipt.reference == "A-1"
    assert intake.check_receipt(receipt, keys.public_key)


def test_the_same_report_again_gets_the_same_receipt_and_another_is_a_conflict(clients, finder):
    client = clients(finder.token)
    first = client.post("/api/v1/reports", content=as_bytes(a_report(reference="A-1")))
    again = client.post("/api/v1/reports", content=as_bytes(a_report(reference="A-1")))
    other = client.post("/api/v1/reports", content=as_bytes(a_report(reference="A-1", title="Another")))
    assert (again.status_code, again.json()) == (201, first.json())
    assert other.status_code == 409
    assert other.json()["type"] == "/api#conflict"


def test_a_report_is_read_by_its_finder_and_not_by_another(clients, finder, stranger):
    client = clients(finder.token)
    receipt = client.post("/api/v1/reports", content=as_bytes(a_report(extra={"kept": True}))).json()
    read = client.get(f"/api/v1/reports/{receipt['id']}").json()
    assert read["report"]["extra"] == {"kept": True}
    assert client.get(f"/api/v1/reports/{receipt['id']}/receipt").json() == receipt
    assert clients(stranger.token).get(f"/api/v1/reports/{receipt['id']}").status_code == 404


def test_lists_page_by_cursor(clients, finder, clock):
    client = clients(finder.token)
    for number in range(3):
        client.post("/api/v1/reports", content=as_bytes(a_report(reference=f"A-{number}")))
        clock.advance(seconds=1)
    first = client.get("/api/v1/reports?limit=2").json()
    second = client.get(f"/api/v1/reports?limit=2&cursor={first['cursor']}").json()
    assert [item["reference"] for item in first["items"] + second["items"]] == ["A-2", "A-1", "A-0"]
    assert second["cursor"] is None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"\xff", 400),
        (b"[" * 100_000, 400),
        (b'{"schema": "leadtime.report/1"}', 400),
        (b'{"a": 1, "a": 2}', 400),
        (b'"\\ud800"', 400),
    ],
)
def test_bad_input_gets_one_sentence_and_leaves_nothing(clients, finder, body, status):
    client = clients(finder.token)
    answer = client.post("/api/v1/reports", content=body)
    assert answer.status_code == status
    assert answer.json()["detail"]
    assert answer.json()["next_step"]
    assert client.get("/api/v1/reports").json()["items"] == []


def test_a_batch_is_answered_line_by_line_and_a_bad_line_stops_no_other(clients, finder):
    lines = [as_bytes(a_report(reference="A-1")), b"{", b"", as_bytes(a_report(reference="A-2"))]
    answer = clients(finder.token).post("/api/v1/reports/batch", content=b"\n".join(lines))
    told = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["line"] for line in told] == [1, 2, 4]
    assert [line.get("receipt", {}).get("reference") for line in told] == ["A-1", None, "A-2"]
    assert told[1]["problem"]["status"] == 400


def test_nobody_without_the_right_role_sends_a_batch(clients, anyone, auditor):
    assert anyone.post("/api/v1/reports/batch", content=b"{}").status_code == 401
    assert clients(auditor.token).post("/api/v1/reports/batch", content=b"{}").status_code == 403


def test_a_stream_that_is_sent_again_is_received_once(clients, finder):
    client = clients(finder.token)
    lines = b"\n".join(as_bytes(a_report(reference=f"A-{number}")) for number in range(5))
    first = client.post("/api/v1/reports/batch", content=lines)
    more = lines + b"\n" + as_bytes(a_report(reference="A-1", title="Changed")) + b"\n" + as_bytes(a_report())
    again = client.post("/api/v1/reports/batch", content=more).text.splitlines()
    assert again[:5] == first.text.splitlines()
    assert json.loads(again[5])["problem"]["status"] == 409
    assert json.loads(again[6])["receipt"]["reference"] is None
    assert len(client.get("/api/v1/reports").json()["items"]) == 6


def test_a_line_that_is_too_long_is_told_behind_the_receipts_of_those_before_it(clients, finder, monkeypatch):
    monkeypatch.setattr(limits, "REPORT_BYTES_MAX", 2_000)
    lines = [as_bytes(a_report(reference="A-1")), as_bytes(a_report(reference="A-2", extra="x" * 2_000)), b"{}"]
    answer = clients(finder.token).post("/api/v1/reports/batch", content=b"\n".join(lines))
    first, second = (json.loads(line) for line in answer.text.splitlines())
    assert (first["line"], first["receipt"]["reference"]) == (1, "A-1")
    assert (second["line"], second["problem"]["detail"]) == (2, "a line has more than 2000 bytes")


def test_every_report_of_a_stream_has_its_leaf_its_validation_and_its_job(clients, finder, database):
    lines = b"\n".join(as_bytes(a_report(reference=f"A-{number}", reproducer=a_reproducer())) for number in range(3))
    told = clients(finder.token).post("/api/v1/reports/batch", content=lines).text.splitlines()
    reports = {json.loads(line)["receipt"]["id"] for line in told}
    with database.transaction(SYSTEM) as tx:
        found = {
            what: {str(row[0]) for row in tx.connection.execute(text(query))}
            for what, query in {
                "leaves": "select id from ledger_leaves",
                "validations": "select report from validations where state = 'queued'",
                "jobs": "select args ->> 'entity' from procrastinate_jobs where task_name = 'validate'",
            }.items()
        }
    assert reports <= found["leaves"]
    assert found["validations"] == found["jobs"] == reports
