from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from leadtime.doors.cli import report
from leadtime.doors.cli.main import run
from leadtime.foundation.digests import canonical_json, digest_of
from leadtime.foundation.settings import Settings
from tests.doors.world import Somebody
from tests.flow.intake.factories import a_report, a_reproducer, as_bytes
from tests.flow.intake.importing.test_documents import a_log, a_result

URL = "http://site.test"
HEADERS = ("authorization", "content-type", "idempotency-key")


@pytest.fixture
def to_site(clients: Any, finder: Somebody, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command speak to the site as the finder, without a network."""
    monkeypatch.setenv("LEADTIME_URL", URL)
    monkeypatch.setenv("LEADTIME_TOKEN", finder.token)
    site = clients()

    def carry(request: httpx.Request) -> httpx.Response:
        kept = {name: request.headers[name] for name in HEADERS if name in request.headers}
        answer = site.request(request.method, request.url.path, content=request.read(), headers=kept)
        return httpx.Response(answer.status_code, content=answer.content)

    def open_client(settings: Settings, **_: object) -> httpx.Client:
        token = {"authorization": f"Bearer {settings.token}"}
        return httpx.Client(transport=httpx.MockTransport(carry), base_url=settings.url, headers=token)

    monkeypatch.setattr(report, "open_client", open_client)


def answered_by(
    monkeypatch: pytest.MonkeyPatch, answer: Callable[[httpx.Request], httpx.Response]
) -> list[httpx.Request]:
    """Let the command speak to a server that answers as told; return what it asks."""
    monkeypatch.setenv("LEADTIME_URL", URL)
    monkeypatch.setenv("LEADTIME_TOKEN", "lt_example")
    asked: list[httpx.Request] = []

    def note(request: httpx.Request) -> httpx.Response:
        request.read()
        asked.append(request)
        return answer(request)

    monkeypatch.setattr(
        report, "open_client", lambda _, **__: httpx.Client(transport=httpx.MockTransport(note), base_url=URL)
    )
    return asked


def write(folder: Path, name: str, *reports: object) -> str:
    (folder / name).write_bytes(b"\n".join(as_bytes(one) for one in reports))
    return str(folder / name)


@pytest.mark.usefixtures("to_site")
def test_a_report_is_packed_and_received(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "crash.bin").write_bytes(b"\x00")
    path = write(tmp_path, "one.json", a_report(reproducer=a_reproducer(input="crash.bin"), reference="A-1"))
    assert run(["report", "--json", path]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["report"], told["receipt"]["reference"]) == (path, "A-1")
    assert run(["report", path]) == 0
    assert capsys.readouterr().out == f"{path}: received as {told['receipt']['id']} (A-1)\n"


@pytest.mark.usefixtures("to_site")
def test_many_reports_are_answered_one_by_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = write(tmp_path, "many.ndjson", a_report(reference="1"), a_report(reference="1", title="Other"))
    single = write(tmp_path, "one.json", a_report(reference="2"))
    assert run(["report", lines, single]) == 2
    told = capsys.readouterr()
    assert [line.split(" as ")[0] for line in told.out.splitlines()] == [
        f"{lines}, report 1: received",
        f"{single}: received",
    ]
    assert told.err == (
        f"{lines}, report 2: $.reference: another report was handed in under this reference. "
        "Give the changed report a reference of its own.\n"
        f"2 received, 1 not received. Follow your reports at {URL}/reports.\n"
    )


@pytest.mark.usefixtures("to_site")
def test_sent_again_it_is_received_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = write(tmp_path, "many.ndjson", a_report(reference="1"), a_report(reference="2"))
    assert run(["report", "--json", lines]) == 0
    first = capsys.readouterr().out
    assert run(["report", "--json", lines]) == 0
    assert capsys.readouterr().out == first


@pytest.mark.usefixtures("to_site")
def test_a_token_that_does_not_hold_is_told_with_the_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEADTIME_TOKEN", "lt_guessed")
    single = write(tmp_path, "one.json", a_report())
    many = write(tmp_path, "many.ndjson", a_report(), a_report(title="Other"))
    for path in (single, many):
        assert run(["report", path]) == 2
        assert "this credential is not accepted" in capsys.readouterr().err


def test_nothing_is_sent_before_every_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = answered_by(monkeypatch, lambda _: httpx.Response(500))
    good = write(tmp_path, "good.json", a_report())
    bad = write(tmp_path, "bad.json", a_report(found_by={"person_reviewed": True}))
    assert run(["report", good, bad]) == 2
    assert capsys.readouterr().err == f"{bad}: $.found_by.tool: a field is missing. Add it.\n"
    assert run(["report", write(tmp_path, "none.ndjson")]) == 2
    assert "this file holds no report" in capsys.readouterr().err
    assert run(["report", str(tmp_path / "nowhere.json")]) == 2
    assert "there is no such file" in capsys.readouterr().err
    assert asked == []


def test_a_token_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("LEADTIME_TOKEN", raising=False)
    assert run(["report", write(tmp_path, "one.json", a_report())]) == 2
    assert capsys.readouterr().err == ("LEADTIME_TOKEN: a token is needed. Set it to the one you were given.\n")


def test_what_is_sent_carries_its_digest_as_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = canonical_json(a_report())
    receipt = {"id": "x", "digest": digest_of(packed)}
    asked = answered_by(monkeypatch, lambda _: httpx.Response(201, json=receipt))
    assert run(["report", write(tmp_path, "one.json", a_report())]) == 0
    assert (asked[0].content, asked[0].headers["idempotency-key"]) == (packed, digest_of(packed))


@pytest.mark.parametrize(
    ("answer", "code", "sentence"),
    [
        (httpx.Response(503, json={"detail": "the database is away", "next_step": "Wait."}), 5,
         "the database is away. Wait."),
        (httpx.Response(502, text="<html>"), 5, "the server answered nothing that can be read. Try again."),
        (httpx.Response(201, text="[]"), 5, "the server answered nothing that can be read. Try again."),
        (httpx.Response(201, json={"id": "x", "digest": "sha256:0"}), 5,
         "the receipt is for other content. Tell the server's people."),
        (httpx.Response(400, json={"detail": "it is \x1b[2J wrong", "where": "$.x", "status": 400}), 2,
         "$.x: it is ⟨U+001B⟩[2J wrong."),
    ],
)  # fmt: skip
def test_every_answer_has_its_exit_code_and_sentence(  # noqa: PLR0917  # pytest passes by name
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: httpx.Response,
    code: int,
    sentence: str,
) -> None:
    answered_by(monkeypatch, lambda _: answer)
    path = write(tmp_path, "one.json", a_report())
    assert run(["report", path]) == code
    assert capsys.readouterr().err == f"{path}: {sentence}\n"


def failing(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (failing, "ConnectError"),
        (lambda _: httpx.Response(500, text="x"), "the server answered 500"),
        (
            lambda _: httpx.Response(200, text='{"line": 1, "problem": {"status": 400}}\n'),
            "1 of 2 reports were answered",
        ),
        (lambda _: httpx.Response(200, text='{"line": 3}\n'), "an answer names no line"),
        (lambda _: httpx.Response(200, text="[" * 5000), "an answer names no line"),
    ],
)
def test_a_server_that_stops_midway_can_be_asked_again(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: Callable[[httpx.Request], httpx.Response],
    reason: str,
) -> None:
    answered_by(monkeypatch, answer)
    assert run(["report", write(tmp_path, "many.ndjson", a_report(), a_report(title="Other"))]) == 5
    assert f"the server did not answer every report ({reason})" in capsys.readouterr().err


@pytest.mark.usefixtures("to_site")
def test_what_a_log_holds_is_answered_thing_by_thing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "scan.sarif"
    path.write_bytes(a_log(a_result(), a_result(kind="pass"), 7))
    assert run(["report", str(path), "--component", "pkg:pypi/ujson@5.0.0", "--tool", "unused"]) == 2
    told = capsys.readouterr()
    left_out, kept = told.out.splitlines()
    assert left_out == f"{path}, $.runs[0].results[1]: left out, it says that nothing is wrong"
    assert kept.startswith(f"{path}, $.runs[0].results[0]: received as ")
    assert told.err == (
        f"{path}, $.runs[0].results[2]: an object is expected. Write it in braces.\n"
        f"1 received, 1 not received, 1 left out. Follow your reports at {URL}/reports.\n"
    )
    assert run(["report", str(path), "--json", "--component", "pkg:pypi/ujson@5.0.0"]) == 2
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [sorted(each.keys() - {"report"}) for each in lines] == [["left_out"], ["problem"], ["receipt"]]


@pytest.mark.usefixtures("to_site")
def test_a_form_can_be_said_and_a_file_without_findings_sends_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "found.txt"
    text.write_text("title,component\nx,pkg:npm/a\n")
    assert run(["report", "--format", "markdown", "--component", "pkg:npm/b", str(text)]) == 0
    assert "received as" in capsys.readouterr().out
    assert run(["report", "--format", "sarif", str(text)]) == 2
    assert capsys.readouterr().err == f"{text}: line 1, column 1: this is not JSON. Correct it there.\n"
    clean = tmp_path / "clean.sarif"
    clean.write_bytes(a_log(a_result(kind="pass")))
    assert run(["report", str(clean)]) == 0
    assert capsys.readouterr().out == f"{clean}: left out, it says that nothing is wrong\n"
