from __future__ import annotations

import json
from pathlib import Path

import pytest

from leadtime.doors.cli import advisory
from leadtime.doors.cli.main import run
from leadtime.formats.csaf import write_csaf
from leadtime.formats.osv import write_osv
from leadtime.foundation.access import SYSTEM
from leadtime.workflows.reads import Read, list_reads
from tests.doors.world import World
from tests.formats.factories import a_document


def check(*files: Path, as_json: bool = False) -> int:
    return run(["advisory", "check", *(["--json"] if as_json else []), *map(str, files)])


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_valid_documents_are_called_valid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    osv = write(tmp_path / "osv.json", write_osv(a_document()))
    csaf = write(tmp_path / "csaf.json", write_csaf(a_document()))
    assert check(osv, csaf) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{osv}: OSV: valid (checked: its JSON schema)",
        f"{csaf}: CSAF 2.0: valid (checked: its JSON schema and the 33 mandatory tests of section 6.1)",
    ]


def test_every_failed_rule_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(write_csaf(a_document()))
    document["document"]["tracking"]["version"] = "7"
    document["vulnerabilities"][0]["product_status"]["fixed"] = ["CSAFPID-0001\u202e"]
    bad = write(tmp_path / "bad.json", json.dumps(document).encode())
    assert check(bad) == 3
    told = capsys.readouterr().out
    assert [line.split(": ")[1:3] for line in told.splitlines()] == [
        ["CSAF 2.0", "6.1.1 /vulnerabilities/0/product_status/fixed/0"],
        ["CSAF 2.0", "6.1.16 /document/tracking/version"],
    ]
    assert "\u202e" not in told


@pytest.mark.parametrize(
    ("content", "code", "sentence"),
    [
        (b'{"document": {"csaf_version": "2.1"}}', 4, "CSAF 2.1: recognised, but this version is not checked yet"),
        (b"{}", 2, "this is none of CSAF, OSV, CVE, CycloneDX VEX and OpenVEX"),
        (b"\xff", 2, "this is not UTF-8"),
        (b"[" * 200_000, 2, "this is nested more than"),
    ],
)
def test_what_cannot_be_checked_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, code: int, sentence: str
) -> None:
    assert check(write(tmp_path / "x.json", content)) == code
    told = capsys.readouterr()
    assert sentence in told.out + told.err


def test_the_worst_of_several_verdicts_is_the_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = write(tmp_path / "good.json", write_osv(a_document()))
    bad = write(tmp_path / "bad.json", write_osv(a_document()).replace(b'"modified"', b'"changed"'))
    other = write(tmp_path / "other.json", b'{"document": {"csaf_version": "2.1"}}')
    assert check(good, other) == 4
    assert check(good, other, bad) == 3
    assert check(good, other, bad, tmp_path / "missing.json") == 2
    assert "the file cannot be read (No such file or directory)" in capsys.readouterr().err


def test_json_is_one_verdict_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = write(tmp_path / "bad.json", write_osv(a_document()).replace(b'"x_LT-', b'"LT-'))
    missing = tmp_path / "missing.json"
    assert check(bad, missing, as_json=True) == 2
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == {
        "file": str(bad),
        "kind": "OSV",
        "valid": False,
        "checked": "its JSON schema",
        "failures": first["failures"],
        "more": 0,
    }
    assert [(each["rule"], each["where"]) for each in first["failures"]] == [("schema pattern", "/id")]
    assert (second["kind"], second["valid"]) == (None, None)


def test_a_document_that_is_too_large_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advisory, "DOCUMENT_BYTES_MAX", 40 << 20)
    large = write(tmp_path / "large.json", b" " * (33 << 20))
    assert check(large) == 2
    assert "this is larger than" in capsys.readouterr().err


def test_render_refuses_what_is_no_case(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["advisory", "render", "../x", "--format", "osv"]) == 2
    assert "this is not the id or number of a case" in capsys.readouterr().err


def reads_of(world: World) -> set[Read]:
    with world.database.transaction(world.people["auditor"].viewer) as tx:
        return set(list_reads(tx))


def test_a_draft_rendered_on_the_machine_is_a_read_with_a_leaf_and_a_published_one_is_none(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LEADTIME_TOKEN", raising=False)
    monkeypatch.setattr(advisory, "open_database", lambda *_: world.database)
    before = reads_of(world)
    assert run(["advisory", "render", str(world.told.case.id), "--format", "osv"]) == 0
    assert reads_of(world) == before
    assert run(["advisory", "render", str(world.quiet.case.id), "--format", "osv"]) == 0
    assert world.quiet.case.title in capsys.readouterr().out
    (fresh,) = reads_of(world) - before
    assert (fresh.role, fresh.person, fresh.organisation) == (SYSTEM.role.value, None, None)
    assert fresh.entities == (world.quiet.case.id,)
