from __future__ import annotations

import json
from pathlib import Path

import pytest

from leadtime.doors.cli.main import run

RECORD = {
    "id": "A-1",
    "summary": "s",
    "aliases": ["CVE-2021-0001"],
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "ujson"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "5.2.0"}]}],
        }
    ],
}


@pytest.fixture
def advisories(tmp_path: Path) -> Path:
    folder = tmp_path / "osv"
    folder.mkdir()
    (folder / "A-1.json").write_text(json.dumps(RECORD))
    (folder / "A-2.json").write_text(json.dumps({**RECORD, "id": "A-2", "withdrawn": "2024-01-01T00:00:00Z"}))
    (folder / "A-3.json").write_text("{}")
    return folder


def call(tmp_path: Path, advisories: Path, inventory: str, *options: str) -> int:
    file = tmp_path / "inventory"
    file.write_text(inventory)
    return run(["match", "--inventory", str(file), "--advisories", str(advisories), *options])


def test_what_is_touched_is_told_with_the_fix_and_why_no_date(
    tmp_path: Path, advisories: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(tmp_path, advisories, "ujson==5.2.0rc1\nrequests==1\nlocal @ file:///x\n") == 0
    told = capsys.readouterr()
    assert told.out == (
        "pkg:pypi/ujson@5.2.0rc1: A-1, CVE-2021-0001: update to 5.2.0; "
        "undetermined: missing whether it is in KEV (load the catalogue)\n"
    )
    assert told.err.splitlines() == [
        "3 components (2 distinct packages and versions) held against 2 advisories: 1 touched",
        "1 advisories are withdrawn and were left out",
        "1 components could not be matched:",
        "  line 3: local (no version): no exact version is given",
        "1 records could not be read:",
        f"  {advisories / 'A-3.json'}: $.id: a text is missing. Add it.",
    ]


def test_json_is_one_list_and_nothing_else_on_standard_output(
    tmp_path: Path, advisories: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kev = tmp_path / "kev.json"
    entry = {"cveID": "CVE-2021-0001", "dateAdded": "2026-08-01", "requiredAction": "Patch.", "dueDate": "2026-08-20"}
    kev.write_text(json.dumps({"dateReleased": "2026-08-01T00:00:00Z", "vulnerabilities": [entry]}))
    vulnrichment = tmp_path / "vulnrichment.jsonl"
    options = [{"Exploitation": "active"}, {"Automatable": "yes"}, {"Technical Impact": "total"}]
    content = {"id": "CVE-2021-0001", "options": options, "timestamp": "2026-08-01T00:00:00Z", "version": "2.0.3"}
    adp = {
        "providerMetadata": {"shortName": "CISA-ADP"},
        "metrics": [{"other": {"type": "ssvc", "content": content}}],
    }
    vulnrichment.write_text(json.dumps({"cveMetadata": {"cveId": "CVE-2021-0001"}, "containers": {"adp": [adp]}}))
    sources = ["--kev", str(kev), "--vulnrichment", str(vulnrichment)]
    code = call(
        tmp_path, advisories, "ujson==5.0.0", "--json", "--exposed", "yes", "--enumerated", "2026-08-03", *sources
    )
    assert code == 0
    assert json.loads(capsys.readouterr().out) == [
        {
            "component": "pkg:pypi/ujson@5.0.0",
            "advisory": "A-1",
            "fixed": "5.2.0",
            "aliases": ["CVE-2021-0001"],
            "summary": "s",
            "affected": "yes",
            "reason": "5.0.0 is at or after the introduced 0 and before the fixed 5.2.0 (PEP 440)",
            "row": 1,
            "timeline": "3 days + forensic triage",
            "due": "2026-08-04",
            "kev_due": "2026-08-20",
            "assumed": [],
            "missing": [],
            "informative": True,
        }
    ]


def test_nothing_touched_is_3_and_perhaps_touched_is_4(
    tmp_path: Path, advisories: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (advisories / "A-3.json").unlink()
    assert call(tmp_path, advisories, "ujson==5.2.0", "--json") == 3
    assert json.loads(capsys.readouterr().out) == []
    assert call(tmp_path, advisories, "ujson==not-a-version", "--json") == 4
    told = capsys.readouterr()
    assert json.loads(told.out) == []
    assert "1 more may be touched (--unknown lists them), for example: pkg:pypi/ujson@not-a-version: A-1" in told.err
    assert call(tmp_path, advisories, "ujson==not-a-version", "--json", "--unknown") == 4
    assert [each["affected"] for each in json.loads(capsys.readouterr().out)] == ["unknown"]
    assert call(tmp_path, advisories, "ujson==not-a-version", "--unknown") == 4
    assert "; may be affected: " in capsys.readouterr().out


def test_no_is_said_only_when_everything_could_be_checked(
    tmp_path: Path, advisories: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    partly = "Nothing matched, but not everything could be checked: see the components and records above."
    assert call(tmp_path, advisories, "ujson==5.2.0") == 4
    assert capsys.readouterr().err.splitlines()[-1] == partly
    (advisories / "A-3.json").unlink()
    assert call(tmp_path, advisories, "ujson==5.2.0") == 3
    assert partly not in capsys.readouterr().err
    assert call(tmp_path, advisories, "name,version\nujson,5.0.0\n") == 4
    assert capsys.readouterr().err.splitlines()[-1] == partly


@pytest.mark.parametrize(
    "inventory", ["", "# nothing\n", '{"bomFormat": "CycloneDX", "components": []}', "name,version\n"]
)
def test_an_empty_inventory_is_refused(
    tmp_path: Path, advisories: Path, capsys: pytest.CaptureFixture[str], inventory: str
) -> None:
    assert call(tmp_path, advisories, inventory) == 2
    assert capsys.readouterr().err == (
        f"{tmp_path / 'inventory'}: this inventory lists no component. Give one that lists what is installed.\n"
    )


def test_advisories_that_hold_nothing_to_read_are_refused(
    tmp_path: Path, advisories: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    step = "Give OSV records: a folder or file of .json, .jsonl, .ndjson, .gz or .zip.\n"
    for name in ("A-1.json", "A-2.json"):
        (advisories / name).unlink()
    assert call(tmp_path, advisories, "ujson==5.0.0") == 2
    broken = advisories / "A-3.json"
    assert capsys.readouterr().err == (
        f"{advisories}: there is no advisory here that can be read; the first of 1: {broken}: $.id: a text is "
        f"missing. Add it. {step}"
    )
    broken.unlink()
    assert call(tmp_path, advisories, "ujson==5.0.0") == 2
    assert capsys.readouterr().err == f"{advisories}: there is no advisory here that can be read. {step}"


def test_the_most_urgent_comes_first_with_its_row_and_what_was_assumed(
    tmp_path: Path, advisories: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kev = tmp_path / "kev.json"
    entry = {"cveID": "CVE-2021-0009", "dateAdded": "2026-08-01", "requiredAction": "Patch.", "dueDate": "2026-08-20"}
    kev.write_text(json.dumps({"dateReleased": "2026-08-01T00:00:00Z", "vulnerabilities": [entry]}))
    package = {"package": {"ecosystem": "PyPI", "name": "zlib-ng"}, "versions": ["1"]}
    (advisories / "Z.json").write_text(json.dumps({"id": "Z", "aliases": ["CVE-2021-0009"], "affected": [package]}))
    options = ("--kev", str(kev), "--enumerated", "2026-08-03")
    assert call(tmp_path, advisories, "ujson==5.0.0\nzlib-ng==1\n", *options) == 0
    assert capsys.readouterr().out.splitlines() == [
        (
            "pkg:pypi/zlib-ng@1: Z, CVE-2021-0009: no fixed version is named; undetermined: missing whether an attack "
            "can be automated (an entry in KEV is never defaulted) and the technical impact (an entry in KEV is never "
            "defaulted); KEV itself says 2026-08-20"
        ),
        (
            "pkg:pypi/ujson@5.0.0: A-1, CVE-2021-0001: update to 5.2.0; by 2026-08-17 (14 days); row 7; "
            "assumed: exposure is not known: reckoned as exposed to the internet; "
            "assumed: whether an attack can be automated is not known: reckoned as no, since it is not in KEV; "
            "assumed: the technical impact is not known: reckoned as total, since it is not in KEV"
        ),
        "Dates and rows: CISA BOD 26-04; informative: the directive binds federal civilian agencies only",
    ]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ["--inventory", "/nowhere"],
            "/nowhere: the file cannot be read (No such file or directory). Check its name.\n",
        ),
        (["--advisories", "/nowhere"], "/nowhere: there is no such file or folder. Check its name.\n"),
    ],
)
def test_a_missing_file_is_one_sentence(
    tmp_path: Path, advisories: Path, capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    assert call(tmp_path, advisories, "ujson==1", *options) == 2
    assert capsys.readouterr().err == sentence


def test_many_unmatchable_components_are_counted_after_the_first(
    tmp_path: Path, advisories: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(tmp_path, advisories, "name,version\n" + "a,1\n" * 25) == 4
    told = capsys.readouterr().err
    assert "25 components could not be matched:" in told
    assert "  and 5 more" in told


def test_text_from_outside_cannot_drive_the_terminal(
    tmp_path: Path, advisories: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(tmp_path, advisories, "name,version\na\x1b[2J\u202e,1\n") == 4
    told = capsys.readouterr().err
    assert "\x1b" not in told
    assert "\u202e" not in told
