"""Tables, write-ups and mails become reports, with the reproducer that is attached."""

from __future__ import annotations

import base64
import json
from email.message import EmailMessage
from typing import Any

import pytest

from leadtime.flow.intake import Given, ReadReport, ReportForm, import_reports, recognise_report
from leadtime.formats import mail as mail_format
from leadtime.foundation.digests import digest_of
from leadtime.foundation.errors import Malformed
from tests.flow.intake.factories import a_report, a_reproducer, as_bytes

NOTHING = Given()
HEADER = "Title,Description,Package URL,CWE,File,Line,Severity,Reviewed,ID,Credits,Odd\r\n"


def read(raw: bytes | str, form: ReportForm, given: Given = NOTHING) -> list[Any]:
    raw = raw.encode() if isinstance(raw, str) else raw
    return [
        json.loads(each.content) if isinstance(each, ReadReport) else each for each in import_reports(raw, form, given)
    ]


def only(found: list[Any]) -> Any:
    (one,) = found
    origin = one.pop("imported_from", None)
    if origin:
        assert digest_of(base64.b64decode(origin["base64"])) == origin["digest"]
    return one


def test_a_row_becomes_a_report_and_keeps_every_cell():
    row = 'Overflow,"two\nlines",pkg:pypi/a@1,787,src/a.c,7,high,Yes,R-1,"Ann; Bob",kept\r\n'
    (report,) = read(HEADER + row, ReportForm.CSV)
    original = json.loads(base64.b64decode(report.pop("imported_from")["base64"]))
    assert original["Odd"] == "kept"
    assert original["Description"] == "two\nlines"
    assert report == {
        "schema": "leadtime.report/1",
        "title": "Overflow",
        "description": "two\nlines",
        "component": "pkg:pypi/a@1",
        "cwe": 787,
        "locations": [{"file": "src/a.c", "line": 7}],
        "severity_claimed": "high",
        "found_by": {"tool": "not stated", "person_reviewed": True},
        "credit": ["Ann", "Bob"],
        "reference": "R-1",
    }


def test_rows_are_answered_each_for_itself():
    rows = "title,vendor,product,version\nOne,Maker,Pump,7\n\nTwo,Maker\nThree,,,\n"
    first, second, third = read(rows, ReportForm.CSV)
    assert first["component"] == {"vendor": "Maker", "product": "Pump", "version": "7"}
    assert str(second.problem) == "line 4: this row has 2 cells and the header 4. Correct the row."
    assert third.problem.where == "line 5"


def test_a_line_that_is_no_number_stops_its_row_and_0_is_a_whole_file():
    rows = "title,purl,file,line\n" + "".join(f"x,pkg:npm/a,a.c,{line}\n" for line in ("abc", "123456789", "0", "", 7))
    first, second, *read_rows = read(rows, ReportForm.CSV)
    assert str(first.problem) == (
        "line 2, column line: this is not a line's number. Write it like 12, or leave it empty."
    )
    assert (first.where, second.where, second.problem.where) == ("line 2", "line 3", "line 3, column line")
    assert [each["locations"] for each in read_rows] == [
        [{"file": "a.c"}],
        [{"file": "a.c"}],
        [{"file": "a.c", "line": 7}],
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_columns_may_be_separated_as_spreadsheets_do(separator):
    text = separator.join(("title", "purl")) + "\n" + separator.join(("x", "pkg:npm/a")) + "\n"
    assert only(read("\ufeff" + text, ReportForm.CSV))["component"] == "pkg:npm/a"


def test_a_table_that_windows_wrote_is_a_table():
    raw = "title,component\nx,pkg:npm/a\n".encode("utf-16")
    assert recognise_report(raw) is ReportForm.CSV
    assert only(read(raw, ReportForm.CSV))["component"] == "pkg:npm/a"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "line 1: this table is empty. Give a header and a row per report."),
        (
            "name of it,cwe\n",
            "line 1: this header has none of title, summary, subject, name. Begin with title,component,cwe.",
        ),
        ("title,x,x\n", "line 1: a column stands twice. Keep one."),
        ('title,cwe\n"a"b,c\n', "line 2: this row is not CSV. Correct its quotes, or shorten its cells."),
        ("title" + ",x" * 200, "line 1: a table has at most 200 columns. Leave some out."),
    ],
)
def test_what_is_no_table_of_reports_is_refused(text, sentence):
    with pytest.raises(Malformed) as caught:
        read(text, ReportForm.CSV)
    assert str(caught.value) == sentence


def test_a_table_is_bounded(monkeypatch):
    monkeypatch.setattr("leadtime.formats.report_csv.RESULTS_MAX", 1)
    with pytest.raises(Malformed, match="a table has at most 1 rows"):
        read("title,purl\na,pkg:npm/a\nb,pkg:npm/b\n", ReportForm.CSV)


WRITE_UP = """# Heap overflow in parse

- **Component:** `pkg:pypi/a@1.0`
* Weakness: CWE-787 (out-of-bounds write)
| Location | : src/a.c:12:3
Function: _start
Severity: high
Tool: big-fuzzer
Component: pkg:pypi/second-mention

It overflows.
"""


def test_a_write_up_becomes_a_report_whose_description_is_all_of_it():
    assert only(read(WRITE_UP, ReportForm.MARKDOWN)) == {
        "schema": "leadtime.report/1",
        "title": "Heap overflow in parse",
        "description": WRITE_UP,
        "component": "pkg:pypi/a@1.0",
        "cwe": 787,
        "locations": [{"file": "src/a.c", "function": "_start", "line": 12}],
        "severity_claimed": "high",
        "found_by": {"tool": "big-fuzzer", "person_reviewed": False},
    }


def test_fields_are_looked_for_in_the_first_lines_alone():
    late = "# T\n" + "\n" * 199 + "Component: pkg:npm/late\n"
    assert only(read(late[:5] + late[6:], ReportForm.MARKDOWN, Given(component="pkg:npm/x")))["component"] == (
        "pkg:npm/late"
    )
    assert only(read(late, ReportForm.MARKDOWN, Given(component="pkg:npm/x")))["component"] == "pkg:npm/x"


def test_a_component_that_is_no_purl_is_refused_with_its_place():
    (refused,) = read("# T\nComponent: ujson\n", ReportForm.MARKDOWN)
    assert str(refused.problem) == (
        "$: component: this is not a purl. Write it like pkg:pypi/name@1.0, or give vendor and product."
    )


def a_mail(text: str = "", **files: bytes) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["Subject"], mail["Message-ID"] = "f@example.org", "Stack überflow", "<1@example.org>"
    mail.set_content(text)
    for name, content in files.items():
        mail.add_attachment(content, maintype="application", subtype="octet-stream", filename=name.replace("__", "."))
    return mail.as_bytes()


RECIPE = {"schema": "leadtime.recipe/1", "files": ["run.py"], "control": "ok.json", "run": "{python} run.py {input}"}
FILES = {"recipe__json": json.dumps(RECIPE).encode(), "run__py": b"print(1)", "ok__json": b"[]"}


def test_a_mails_text_becomes_a_report():
    assert only(read(a_mail("Component: pkg:pypi/a\n\nIt crashes.\n"), ReportForm.MAIL)) == {
        "schema": "leadtime.report/1",
        "title": "Stack überflow",
        "description": "Component: pkg:pypi/a\n\nIt crashes.\n",
        "component": "pkg:pypi/a",
        "found_by": {"tool": "not stated", "person_reviewed": False},
        "reference": "mail:1@example.org",
    }


def test_a_recipe_and_what_is_attached_with_it_are_the_reproducer():
    raw = a_mail("Component: pkg:pypi/a\n", **FILES, crash__bin=b"\x00\xff")
    assert only(read(raw, ReportForm.MAIL))["reproducer"] == {
        "recipe": RECIPE,
        "files": {
            "run.py": base64.b64encode(b"print(1)").decode(),
            "ok.json": base64.b64encode(b"[]").decode(),
        },
        "input": {"name": "crash.bin", "base64": "AP8="},
    }


def test_an_input_is_named_where_several_could_be_it():
    files = {**FILES, "crash__bin": b"\x00", "log__txt": b"log"}
    named = only(read(a_mail("Component: pkg:pypi/a\nInput: crash.bin\n", **files), ReportForm.MAIL))
    assert named["reproducer"]["input"]["name"] == "crash.bin"
    (refused,) = read(a_mail("Component: pkg:pypi/a\n", **files), ReportForm.MAIL)
    assert str(refused.problem) == (
        "attachments: it is not clear which attachment is the input. "
        "Name it in a line of the mail, like Input: crash.bin."
    )
    del files["run__py"]
    (refused,) = read(a_mail("Component: pkg:pypi/a\nInput: crash.bin\n", **files), ReportForm.MAIL)
    assert str(refused.problem) == "$.reproducer.files: no attachment has this name. Attach the file."
    (refused,) = read(a_mail("Component: pkg:pypi/a\n", **FILES, other__json=FILES["recipe__json"]), ReportForm.MAIL)
    assert refused.problem.what == "two recipes are attached"


def test_attached_reports_are_taken_whole_with_the_files_they_name():
    one = a_report(reference="1", reproducer=a_reproducer())
    by_path = a_report(reference="2", reproducer={"recipe": "x/recipe.json", "input": "crash.bin"})
    bad = a_report(title="")
    raw = a_mail(
        "see attached",
        **FILES,
        a__json=as_bytes(one),
        b__json=as_bytes(by_path),
        c__json=as_bytes(bad),
        crash__bin=b"1",
    )
    first, second, third = read(raw, ReportForm.MAIL)
    origin = first.pop("imported_from")
    assert first == one
    assert origin == {
        "format": "mail",
        "digest": digest_of(as_bytes(one)),
        "base64": base64.b64encode(as_bytes(one)).decode(),
    }  # not the whole mail in each of its reports
    assert second["reproducer"]["files"]["run.py"] == base64.b64encode(b"print(1)").decode()
    assert str(third.problem) == "attachment 3: title: this is empty. Fill it in or leave it out."


def test_html_is_shown_with_what_it_hides():
    mail = EmailMessage()
    mail["From"] = "f@example.org"
    mail.set_content("<p>Component: pkg:pypi/a</p><!-- ignore all rules -->&lt;b&gt;", subtype="html")
    found = mail_format.read_mail(mail.as_bytes())
    assert found.text == " Component: pkg:pypi/a  <b>\n"
    hidden = "<p>a</p><!-- <b>ignore</b> -->"
    mail.set_content(hidden, subtype="html")
    assert "ignore" in mail_format.read_mail(mail.as_bytes()).text


@pytest.mark.parametrize(
    ("header", "subject"),
    [
        (b"=?utf-8?q?=C3=BC?=", "ü"),
        (b"=?punycode?q?abc-?=", "abc-"),
        (b"=?utf-8?b?!!!?=", ""),
        (b"=?utf-8?b?a?=", "=?utf-8?b?a?="),
        (b"\xff\xfe raw", "\ufffd\ufffd raw"),
        (b"folded\r\n one", "folded one"),
        (b"a\x00b", "a\x00b"),
    ],
)
def test_headers_are_decoded_as_far_as_they_can_be(header, subject):
    raw = b"From: a@example.org\r\nSubject: " + header + b"\r\n\r\nx"
    assert mail_format.read_mail(raw).subject == subject


def test_text_in_a_charset_that_is_not_taken_is_read_as_utf_8():
    for charset in (b"punycode", b"unicode_escape", b"x-none", b"zlib"):
        raw = b"From: a\r\nContent-Type: text/plain; charset=" + charset + b"\r\n\r\n\\u202e\xc3\xbc"
        assert mail_format.read_mail(raw).text == "\\u202eü"


def test_an_attachments_name_is_its_last_part():
    raw = a_mail("x", **{"../../etc/passwd": b"1"}).replace(b"etc/", b"etc\\\\")
    assert [each.name for each in mail_format.read_mail(raw).attachments] == ["passwd"]


PGP = b"-----BEGIN PGP MESSAGE-----"


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"From: a\n\n" + PGP, "this mail is encrypted"),
        (
            b"From: a\nContent-Type: multipart/encrypted; boundary=b\n\n--b\n\nx\n--b--\n",
            "this mail is encrypted",
        ),
        (b"From: a\nContent-Type: message/delivery-status\n\nx", "this is a notice about a mail's delivery"),
        (b"From: a\n\n" + b"\n" * 500_001, "a mail has at most 500000 lines"),
        (b"From: a\n\n" + b"--\n" * 10_001, "a mail has at most 10000 lines that begin with two dashes"),
        (b"From: a\n" + b"Content-Type: a/b\n" * 129, "a mail has at most 128 headers that describe a part"),
        (
            b"From: a\nContent-Type: a/b;" + b";\n " * 3_000,
            "a mail has at most 8192 bytes in such a header",
        ),
        (b"From: a\n" + b"Content-Type: multipart/x\n" * 17, "a mail has at most 16 parts that have parts"),
        (b"x" * (16 * (1 << 20) + 1), "a mail has at most 16777216 bytes"),
    ],
)
def test_mails_that_would_exhaust_the_parser_or_say_nothing_are_refused(raw, what):
    with pytest.raises(Malformed) as caught:
        mail_format.read_mail(raw)
    assert caught.value.what == what
