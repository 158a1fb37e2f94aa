"""``leadtime source load``: into this machine's installation, or through a server as a person."""

from __future__ import annotations

import json

import httpx
import pytest

from leadtime.doors.cli import asking, source
from leadtime.doors.cli.main import run
from leadtime.flow.priority import SourceKind, read_loaded
from leadtime.foundation.access import ANYONE
from tests.flow.priority.factories import cve_record, kev_file


@pytest.fixture
def here(monkeypatch, database):
    """This machine's installation, with no token set."""
    monkeypatch.delenv("LEADTIME_TOKEN", raising=False)
    monkeypatch.setattr(source, "open_database", lambda _settings, _clock: database)
    return database


@pytest.fixture
def site(monkeypatch):
    """A server that answers every request as told, and the requests it got."""
    monkeypatch.setenv("LEADTIME_TOKEN", "lt_secret")
    monkeypatch.setenv("LEADTIME_URL", "http://site.example")
    asked: list[httpx.Request] = []
    answers: list[httpx.Response | httpx.HTTPError] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if isinstance(answers[0], httpx.HTTPError):
            raise answers[0]
        return answers[0]

    client = httpx.Client
    monkeypatch.setattr(asking.httpx, "Client", lambda **given: client(transport=httpx.MockTransport(answer), **given))
    return asked, answers


def test_loads_a_file_into_this_machines_installation(here, capsys, tmp_path):
    path = tmp_path / "kev.json"
    path.write_bytes(kev_file("CVE-2026-0001"))
    assert run(["source", "load", "kev", str(path)]) == 0
    assert capsys.readouterr().out == "kev: 1 entries as of 2026-08-01T12:00:00+00:00\n"
    with here.transaction(ANYONE) as tx:
        assert read_loaded(tx, SourceKind.KEV).entries == 1


def test_loads_a_folder_of_records(here, capsys, tmp_path):
    for number in (1, 2):
        folder = tmp_path / f"{number}xxx"
        folder.mkdir()
        record = cve_record(f"CVE-2026-000{number}")
        (folder / f"CVE-2026-000{number}.json").write_text(json.dumps(record, indent=2))
    (tmp_path / "other.json").write_text("[]")
    assert run(["source", "load", "vulnrichment", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["entries"] == 2
    with here.transaction(ANYONE) as tx:
        assert read_loaded(tx, SourceKind.VULNRICHMENT).entries == 2


def test_dates_a_file_that_carries_no_date(here, capsys, tmp_path):
    path = tmp_path / "kev.json"
    path.write_bytes(kev_file("CVE-2026-0001", released=None))
    assert run(["source", "load", "kev", str(path)]) == 2
    assert "this file carries no date" in capsys.readouterr().err
    assert run(["source", "load", "kev", str(path), "--as-of", "2026-07-01"]) == 0
    assert capsys.readouterr().out == "kev: 1 entries as of 2026-07-01T00:00:00+00:00\n"


def test_too_much_is_refused_before_it_is_held(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(source, "SOURCE_BYTES_MAX", 10)
    (tmp_path / "CVE-2026-0001.json").write_bytes(b"x" * 11)
    for path in (tmp_path, tmp_path / "CVE-2026-0001.json"):
        assert run(["source", "load", "kev", str(path)]) == 2
        assert "this holds more than 10 bytes" in capsys.readouterr().err


def test_asks_a_server_as_the_person_whose_token_is_set(site, capsys, tmp_path):
    asked, answers = site
    answers.append(httpx.Response(200, json={"kind": "kev", "entries": 3, "as_of": "2026-08-01T12:00:00Z"}))
    path = tmp_path / "kev.json"
    path.write_bytes(b"{}")
    assert run(["source", "load", "kev", str(path), "--as-of", "2026-07-01"]) == 0
    assert capsys.readouterr().out == "kev: 3 entries as of 2026-08-01T12:00:00Z\n"
    (request,) = asked
    assert str(request.url) == "http://site.example/api/v1/sources/kev?as_of=2026-07-01T00%3A00%3A00%2B00%3A00"
    assert request.content == b"{}"
    assert request.headers["authorization"] == "Bearer lt_secret"


@pytest.mark.parametrize(
    "told",
    [
        (
            httpx.Response(403, json={"detail": "the role finder may not load"}),
            2,
            "the role finder may not load",
        ),
        (httpx.Response(400, text="no"), 2, "http://site.example: the server answered 400"),
        (httpx.Response(500, json={"title": "it broke"}), 5, "http://site.example: it broke. Try again."),
        (httpx.Response(200, text="no json"), 5, "the server's answer cannot be read. Check LEADTIME_URL."),
        (httpx.ConnectError("no"), 5, "http://site.example: the server does not answer (ConnectError)"),
    ],
)
def test_says_what_the_server_said(site, capsys, tmp_path, told):
    answer, code, sentence = told
    site[1].append(answer)
    path = tmp_path / "kev.json"
    path.write_bytes(b"{}")
    assert run(["source", "load", "kev", str(path)]) == code
    assert sentence in capsys.readouterr().err
