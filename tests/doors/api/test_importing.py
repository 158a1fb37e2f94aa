"""Files of other forms at the address for reports: told by media type or content, answered thing by thing."""

from __future__ import annotations

import base64
import json

import pytest

from leadtime.flow import intake
from tests.flow.intake.factories import a_report, a_reproducer, as_bytes
from tests.flow.intake.importing.test_documents import CSAF, OSV, a_log, a_result
from tests.flow.intake.importing.test_texts import FILES, a_mail

PURL = "?component=pkg:pypi/ujson@5.0.0&tool=example-scanner"


def post(client, content, media="application/json", query=""):
    return client.post(f"/api/v1/reports{query}", content=content, headers={"content-type": media})


def lines(answer):
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def test_each_result_of_a_log_is_answered_for_itself_and_received_once(clients, finder, keys):
    client = clients(finder.token)
    log = a_log(a_result(), a_result(kind="pass"), 7, a_result(message={"text": "another"}))
    first = lines(post(client, log, "application/sarif+json; charset=utf-8", PURL))
    assert [each["where"] for each in first] == [f"$.runs[0].results[{number}]" for number in range(4)]
    assert [sorted(each.keys() - {"where"}) for each in first] == [["receipt"], ["left_out"], ["problem"], ["receipt"]]
    assert first[1]["left_out"] == "it says that nothing is wrong"
    assert first[2]["problem"]["status"] == 400
    assert intake.check_receipt(intake.read_receipt_json(json.dumps(first[0]["receipt"]).encode()), keys.public_key)
    assert lines(post(client, log, "application/json", PURL)) == first
    assert len(client.get("/api/v1/reports").json()["items"]) == 2


def test_the_original_lies_sealed_with_its_report(clients, finder):
    client = clients(finder.token)
    (told,) = lines(post(client, a_log(a_result()), "application/sarif+json", PURL))
    report = client.get(f"/api/v1/reports/{told['receipt']['id']}").json()["report"]
    assert json.loads(base64.b64decode(report["imported_from"]["base64"]))["result"] == a_result()


@pytest.mark.parametrize(
    ("content", "media", "titles"),
    [
        (json.dumps(OSV).encode(), "application/json", ["Heap overflow"]),
        (b"title,purl\nOne,pkg:npm/a\nTwo,pkg:npm/b\n", "text/csv", ["Two", "One"]),
        (b"# Title\nComponent: pkg:npm/a\n", "text/markdown", ["Title"]),
        (a_mail("Component: pkg:npm/a\n", **FILES, x__bin=b"1"), "message/rfc822", ["Stack überflow"]),
    ],
)
def test_every_form_is_received_as_reports(clients, finder, content, media, titles):
    client = clients(finder.token)
    assert all("receipt" in each for each in lines(post(client, content, media)))
    assert sorted(each["title"] for each in client.get("/api/v1/reports").json()["items"]) == sorted(titles)


def test_a_csaf_document_is_told_from_a_report_by_its_content(clients, finder):
    told = lines(post(clients(finder.token), json.dumps(CSAF).encode()))
    assert [sorted(each.keys() - {"where"}) for each in told] == [["receipt"]] * 2 + [["problem"]] * 2


def test_an_attached_reproducer_arrives(clients, finder):
    client = clients(finder.token)
    content = a_mail("attached", r__json=as_bytes(a_report(reproducer=a_reproducer())))
    (told,) = lines(post(client, content, "message/rfc822"))
    report = client.get(f"/api/v1/reports/{told['receipt']['id']}").json()["report"]
    assert report["reproducer"] == a_reproducer()


@pytest.mark.parametrize(
    ("content", "media", "detail"),
    [
        (b'{"version": "1.0.0", "runs": []}', "application/sarif+json", "this is not SARIF 2.1.0"),
        (b'{"version": "2.1.0", "runs": []}', "application/json", "this holds no report"),
        (b"{}", "application/json", "the schema must be leadtime.report/1"),
        (b"title,purl\nOne,pkg:npm/a\n", "application/json", "this is not JSON"),
        (b"title,cwe\n", "text/csv", "this holds no report"),
        (b"\xff", "text/markdown", "this is not UTF-8"),
        (b"From: a\n\n-----BEGIN PGP MESSAGE-----", "message/rfc822", "this mail is encrypted"),
    ],
)
def test_a_file_that_cannot_be_read_gets_one_sentence_and_leaves_nothing(clients, finder, content, media, detail):
    client = clients(finder.token)
    answer = post(client, content, media)
    assert (answer.status_code, answer.json()["detail"]) == (400, detail)
    assert client.get("/api/v1/reports").json()["items"] == []


def test_the_same_name_with_other_content_is_a_conflict_for_that_thing_alone(clients, finder):
    client = clients(finder.token)
    named = {"partialFingerprints": {"a": "1"}}
    lines(post(client, a_log(a_result(**named)), "application/sarif+json", PURL))
    moved = a_log(a_result(**named, level="error"), a_result(message={"text": "new"}))
    told = lines(post(client, moved, "application/sarif+json", PURL))
    assert (told[0]["problem"]["status"], "receipt" in told[1]) == (409, True)


def test_nobody_without_the_right_role_sends_a_file(clients, anyone, auditor):
    assert post(anyone, a_log(a_result()), "application/sarif+json").status_code == 401
    assert post(clients(auditor.token), a_log(a_result()), "application/sarif+json").status_code == 403
