from __future__ import annotations

import gzip
import io
import json
import zipfile
from datetime import UTC, date, datetime

import pytest

from leadtime.flow.priority import sources
from leadtime.flow.priority.records import Answer, Exploitation, Impact, KevEntry, SourceContent, SourceKind, SsvcEntry
from leadtime.flow.priority.sources import read_source
from leadtime.foundation.errors import Malformed
from tests.flow.priority.factories import cve_record, kev_file

AT = datetime(2026, 8, 1, 12, tzinfo=UTC)
ONE = SsvcEntry("CVE-2026-0001", Exploitation.NONE, Answer.YES, Impact.TOTAL, AT)


def test_a_kev_entry_keeps_its_own_dates_and_flags():
    assert read_source(SourceKind.KEV, kev_file("CVE-2026-0001")) == SourceContent(
        AT,
        (
            KevEntry(
                "CVE-2026-0001",
                date(2026, 7, 30),
                date(2026, 8, 20),
                None,
                ransomware=True,
                required_action="Apply updates.",
            ),
        ),
    )
    bare = kev_file(
        "CVE-2026-0001", dueDate=None, knownRansomwareCampaignUse="Unknown", forensicTriage=True, released=None
    )
    assert read_source(SourceKind.KEV, bare) == SourceContent(
        None,
        (
            KevEntry(
                "CVE-2026-0001",
                date(2026, 7, 30),
                None,
                forensic=True,
                ransomware=False,
                required_action="Apply updates.",
            ),
        ),
    )


@pytest.mark.parametrize(
    "pack",
    [
        lambda record: json.dumps(record).encode(),
        lambda record: json.dumps(record, indent=1).encode(),
        lambda record: json.dumps(record).encode() + b"\n\n",
        lambda record: json.dumps([record]).encode(),
        lambda record: gzip.compress(json.dumps(record).encode()),
        lambda record: _zip({"cves/1.json": json.dumps(record).encode(), "README": b"x", "delta.json": b"[]"}),
    ],
    ids=["line", "document", "lines", "list", "gzip", "zip"],
)
def test_vulnrichment_comes_in_every_shape(pack):
    assert read_source(SourceKind.VULNRICHMENT, pack(cve_record("CVE-2026-0001"))) == SourceContent(AT, (ONE,))


def test_of_many_records_the_newest_answer_dates_the_source():
    lines = [
        cve_record("CVE-2026-0001"),
        cve_record("CVE-2026-0002", at="2026-08-03T01:00:00+02:00", Exploitation="Active", Automatable="No"),
        cve_record("CVE-2026-0003", adp="other"),
        {"cveMetadata": {"cveId": "CVE-2026-0004"}, "containers": {}},
    ]
    found = read_source(SourceKind.VULNRICHMENT, "\n".join(json.dumps(line) for line in lines).encode())
    newest = datetime(2026, 8, 2, 23, tzinfo=UTC)
    second = SsvcEntry("CVE-2026-0002", Exploitation.ACTIVE, Answer.NO, Impact.TOTAL, newest)
    assert found == SourceContent(newest, (ONE, second))


def test_an_unanswered_question_stays_unknown():
    record = cve_record("CVE-2026-0001", Exploitation="", Automatable="", Technical_Impact="", at="2026-08-01T12:00:00")
    found = read_source(SourceKind.VULNRICHMENT, json.dumps(record).encode())
    assert found.entries == (SsvcEntry("CVE-2026-0001", None, Answer.UNKNOWN, None, AT),)


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"{}", "$.vulnerabilities: this is not a KEV catalogue"),
        (b"[]", "$: an object is expected here"),
        (kev_file("CVE-1"), "$.vulnerabilities[0].cveID: a CVE number is expected here"),
        (kev_file("CVE-2026-0001", "CVE-2026-0001"), "$: CVE-2026-0001 stands twice in this file"),
        (kev_file("CVE-2026-0001", dateAdded="soon"), "$.vulnerabilities[0].dateAdded: a date (YYYY-MM-DD) is"),
        (kev_file("CVE-2026-0001", dueDate="9999-12-31"), "$.vulnerabilities[0].dueDate: a date between 1990 and 2200"),
        (kev_file("CVE-2026-0001", requiredAction="x" * 4097), "$.vulnerabilities[0].requiredAction: a text of at"),
        (kev_file("CVE-2026-0001", released="now"), "$.dateReleased: an instant (RFC 3339) is expected here"),
        (kev_file("CVE-2026-0001", released="0001-01-01T00:00:00+23:00"), "$.dateReleased: an instant between 1990"),
        (b"\x1f\x8bnot gzip", "$: this gzip file cannot be read"),
    ],
)
def test_a_damaged_catalogue_is_refused_with_its_place(raw, sentence):
    with pytest.raises(Malformed) as caught:
        read_source(SourceKind.KEV, raw)
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"", "$: no CVE record in this file carries CISA's SSVC answers"),
        (b'{"cveMetadata": {}}', "$.cveMetadata.cveId: a CVE number is expected here"),
        (b"[7]", "$[0]: an object is expected here"),
        (b'{"a": 1}\n{"a": 1}', "line 1.cveMetadata.cveId: a CVE number is expected here"),
        (b'{"a": 1}\nnonsense', "line 1.cveMetadata.cveId"),
        (b"nonsense\n", "line 1: column 1: this is not JSON"),
        (json.dumps(cve_record("CVE-2026-0001", Automatable="maybe")).encode(), "$.containers.adp: an SSVC answer is"),
        (json.dumps(cve_record("CVE-2026-0001", at=None)).encode(), "$.containers.adp: CISA's answers carry no date"),
        (b"PK\x03\x04broken", "$: this zip cannot be read"),
    ],
)
def test_damaged_records_are_refused_with_their_place(raw, sentence):
    with pytest.raises(Malformed) as caught:
        read_source(SourceKind.VULNRICHMENT, raw)
    assert str(caught.value).startswith(sentence)


def test_bombs_are_not_unpacked(monkeypatch):
    monkeypatch.setattr(sources, "FILE_BYTES_MAX", 1000)
    with pytest.raises(Malformed, match="unpacks to more than 1000 bytes"):
        read_source(SourceKind.VULNRICHMENT, gzip.compress(b"x" * 1001))
    with pytest.raises(Malformed, match="unpacks to more than 1000 bytes"):
        read_source(SourceKind.VULNRICHMENT, _zip({"1.json": b" " * 600 + b"{}", "2.json": b" " * 600 + b"{}"}))


def test_too_many_entries_are_refused(monkeypatch):
    monkeypatch.setattr(sources, "ENTRIES_MAX", 1)
    two = [json.dumps(cve_record(f"CVE-2026-000{n}")).encode() for n in (1, 2)]
    for raw in (b"\n".join(two), _zip({"1.json": two[0], "2.json": two[1]})):
        with pytest.raises(Malformed, match="more than 1"):
            read_source(SourceKind.VULNRICHMENT, raw)
    with pytest.raises(Malformed, match="not a KEV catalogue"):
        read_source(SourceKind.KEV, kev_file("CVE-2026-0001", "CVE-2026-0002"))


def _zip(members: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return held.getvalue()
