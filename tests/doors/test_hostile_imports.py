"""Hostile text in files of every form reaches page, terminal and log as text (I10)."""

from __future__ import annotations

import json
from email.message import EmailMessage

import pytest
import structlog

from leadtime.doors.cli import report as report_command
from leadtime.doors.cli.main import run
from leadtime.doors.visible import visible_line
from leadtime.flow.intake import Given, ReadReport, import_reports, recognise_report
from tests.doors.cli.test_report import to_site  # noqa: F401  # fixtures are found by their names here
from tests.doors.standing import browse
from tests.flow.intake.importing.test_documents import CSAF, OSV, a_log, a_result

HOSTILE = (
    "=HYPERLINK(1)<script>alert(1)</script>\x1b]0;owned\x07\x1b[2J\u202ednib\u202c\x00\u200b{{7*7}}'\"><img src=x>"
)
NOT_SEEN = set("\x1b\x07\x00\u202e\u202c\u200b")
PURL = "pkg:generic/example"


def _csaf() -> bytes:
    flaw = {**CSAF["vulnerabilities"][0], "title": HOSTILE, "notes": [{"text": HOSTILE}], "cve": HOSTILE}
    return json.dumps({**CSAF, "vulnerabilities": [flaw]}).encode()


def _mail() -> bytes:
    mail = EmailMessage()
    mail["From"], mail["Message-ID"] = "a@example.org", "<1@example.org>"
    mail["Subject"] = HOSTILE
    mail.set_content(HOSTILE, charset="utf-8", cte="base64")
    mail.add_attachment(b"x", maintype="a", subtype="b", filename="\u202egpj.exe")
    return mail.as_bytes()


_CELL = HOSTILE.replace("\x00", "").replace('"', '""')
FILES = {
    "log.sarif": a_log(a_result(ruleId=HOSTILE, message={"text": HOSTILE}), a_result(message={"markdown": HOSTILE})),
    "osv.json": json.dumps({**OSV, "summary": HOSTILE, "details": HOSTILE, "id": HOSTILE}).encode(),
    "csaf.json": _csaf(),
    "table.csv": f'title,purl,reference\n"{_CELL}",{PURL},"{_CELL}"\n'.encode(),
    "write-up.md": f"# {_CELL}\nReference: {_CELL}\n{_CELL}\n".encode(),
    "mail.eml": _mail(),
}


@pytest.mark.usefixtures("to_site")
@pytest.mark.parametrize("name", FILES)
def test_hostile_text_is_kept_as_it_is_and_shown_as_text(name, clients, finder, tmp_path, capsys):
    path = tmp_path / name
    path.write_bytes(FILES[name])
    assert run(["report", str(path), "--component", PURL]) == 0
    told = capsys.readouterr().out
    assert told.count("received as") == told.count("\n") > 0
    assert not NOT_SEEN & set(told)

    browser = browse(clients(), finder)
    (first, *_) = clients(finder.token).get("/api/v1/reports").json()["items"]
    assert "\u202e" in clients(finder.token).get(f"/api/v1/reports/{first['id']}").json()["report"]["title"]
    for page in (browser.get("/reports").text, browser.get(f"/reports/{first['id']}").text):
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert "<img src=x" not in page
        assert "<script" not in page
        assert "⟨U+202E⟩dnib⟨U+202C⟩" in page
        assert not NOT_SEEN & set(page)


@pytest.mark.parametrize("name", FILES)
def test_every_answer_and_every_line_of_a_log_is_one_line_of_plain_json(name, capsys):
    raw = FILES[name]
    told = list(import_reports(raw, recognise_report(raw), Given()))
    logger = structlog.wrap_logger(
        structlog.PrintLogger(), processors=[structlog.processors.JSONRenderer(sort_keys=True)]
    )
    for each in told:
        problem = "" if isinstance(each, ReadReport) else str(each.problem)
        answered = report_command.Answered(
            label=f"{name}, {each.where}", code=2, receipt={}, problem={"detail": problem, "where": HOSTILE}
        )
        assert not NOT_SEEN & set(answered.as_line())
        assert "\n" not in answered.as_line()
        logger.info("imported", where=each.where, text=HOSTILE, problem=problem)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(told)
    for line in lines:
        assert json.loads(line)["text"] == HOSTILE
        assert not {character for character in line if ord(character) < 32 or character in NOT_SEEN}


def test_a_formula_is_text_wherever_it_is_shown():
    (row,) = import_reports(FILES["table.csv"], recognise_report(FILES["table.csv"]), Given())
    title = json.loads(row.content)["title"]
    assert title.startswith("=HYPERLINK(1)")
    assert visible_line(title).startswith("=HYPERLINK(1)<script>")
