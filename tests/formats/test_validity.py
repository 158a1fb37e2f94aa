from __future__ import annotations

import json
from pathlib import Path

import pytest

from leadtime.formats.csaf import write_csaf
from leadtime.formats.osv import write_osv
from leadtime.formats.schemas import DIRECTORY, OSV, read_schema
from leadtime.formats.validity import DocumentKind, check_document, recognise
from leadtime.formats.verdicts import MESSAGE_CHARS_MAX, Failure, failure
from leadtime.foundation.errors import Malformed, Unavailable
from tests.formats.factories import a_document


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ({"document": {"csaf_version": "2.0"}}, DocumentKind.CSAF_2_0),
        ({"document": {"category": "x", "tracking": {}}}, DocumentKind.CSAF_2_0),
        ({"document": {"csaf_version": "2.1"}}, DocumentKind.CSAF_2_1),
        ({"dataType": "CVE_RECORD"}, DocumentKind.CVE),
        ({"cveMetadata": {}}, DocumentKind.CVE),
        ({"bomFormat": "CycloneDX"}, DocumentKind.CYCLONEDX),
        ({"@context": "https://openvex.dev/ns/v0.2.0"}, DocumentKind.OPENVEX),
        ({"id": "A", "modified": "x"}, DocumentKind.OSV),
        ({"id": "A", "affected": []}, DocumentKind.OSV),
        ({"id": "A", "schema_version": "1.0.0"}, DocumentKind.OSV),
    ],
)
def test_a_kind_is_recognised_by_what_its_standard_requires(document: dict[str, object], kind: DocumentKind) -> None:
    assert recognise(document) is kind  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "document",
    [{}, {"id": "A"}, {"document": {"category": "x"}}, {"document": 1}, {"canonical_url": "x", "role": "publisher"}],
)
def test_other_documents_are_refused(document: dict[str, object]) -> None:
    with pytest.raises(Malformed, match="none of CSAF, OSV, CVE, CycloneDX VEX and OpenVEX"):
        recognise(document)  # type: ignore[arg-type]


def test_every_failed_rule_is_listed_with_its_place() -> None:
    document = json.loads(write_csaf(a_document()))
    document["vulnerabilities"][0]["product_status"]["fixed"] = ["CSAFPID-0001"]
    document["document"]["tracking"]["version"] = "7"
    verdict = check_document(json.dumps(document).encode(), DIRECTORY)
    assert not verdict.valid
    assert [(each.rule, each.where) for each in verdict.failures] == [
        ("6.1.6", "/vulnerabilities/0/product_status"),
        ("6.1.16", "/document/tracking/version"),
    ]


def test_a_csaf_document_of_another_shape_fails_its_schema() -> None:
    document = json.loads(write_csaf(a_document()))
    del document["document"]["title"]
    verdict = check_document(json.dumps(document).encode(), DIRECTORY)
    assert [(each.rule, each.where) for each in verdict.failures] == [("schema", "/document")]


def test_an_osv_record_of_another_shape_fails_its_schema() -> None:
    document = json.loads(write_osv(a_document()))
    document["affected"][0]["package"] = {"ecosystem": "Nowhere", "name": "n/a"}
    del document["modified"]
    verdict = check_document(json.dumps(document).encode(), DIRECTORY)
    assert {(each.rule, each.where) for each in verdict.failures} == {
        ("schema required", "/"),
        ("schema pattern", "/affected/0/package/ecosystem"),
    }


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ({"document": {"csaf_version": "2.1"}}, DocumentKind.CSAF_2_1),
        ({"@context": "https://openvex.dev/ns"}, DocumentKind.OPENVEX),
        ({"bomFormat": "CycloneDX", "specVersion": "1.1"}, DocumentKind.CYCLONEDX),
        ({"bomFormat": "CycloneDX", "specVersion": 1.4}, DocumentKind.CYCLONEDX),
    ],
)
def test_a_kind_that_cannot_be_checked_is_neither_valid_nor_invalid(
    document: dict[str, object], kind: DocumentKind
) -> None:
    verdict = check_document(json.dumps(document).encode(), DIRECTORY)
    assert (verdict.kind, verdict.checked, verdict.failures, verdict.valid) == (kind, None, (), False)


@pytest.mark.parametrize("version", ["1.4", "1.5", "1.6", "1.7"])
def test_cyclonedx_is_checked_with_the_parts_its_schema_refers_to(version: str) -> None:
    bom = {"bomFormat": "CycloneDX", "specVersion": version, "version": 1, "components": []}
    assert check_document(json.dumps(bom).encode(), DIRECTORY).valid
    bom["components"] = [{"type": "library", "name": "a", "licenses": [{"license": {"id": "No such licence"}}]}]
    verdict = check_document(json.dumps(bom).encode(), DIRECTORY)
    assert (verdict.valid, len(verdict.failures) >= 1) == (False, True)


@pytest.mark.parametrize(("state", "member"), [("PUBLISHED", "affected"), ("REJECTED", "rejectedReasons")])
def test_a_cve_record_is_held_against_the_rules_of_its_state(state: str, member: str) -> None:
    metadata = {"cveId": "CVE-2026-12345", "assignerOrgId": "b3476cb9-2e3d-41a6-98d0-0f47421a65b6", "state": state}
    record = {"dataType": "CVE_RECORD", "dataVersion": "5.1", "cveMetadata": metadata, "containers": {"cna": {}}}
    found = check_document(json.dumps(record).encode(), DIRECTORY).failures
    assert {(each.rule, each.where) for each in found} == {("schema required", "/containers/cna")}
    missing = {each.what.split('"')[1] for each in found}
    assert missing & {"affected", "rejectedReasons"} == {member}


def test_a_whole_cve_record_is_valid() -> None:
    provider = {"orgId": "b3476cb9-2e3d-41a6-98d0-0f47421a65b6"}
    rejected = {"providerMetadata": provider, "rejectedReasons": [{"lang": "en", "value": "Not a flaw."}]}
    record = {
        "dataType": "CVE_RECORD",
        "dataVersion": "5.1",
        "cveMetadata": {"cveId": "CVE-2026-12345", "assignerOrgId": provider["orgId"], "state": "REJECTED"},
        "containers": {"cna": rejected},
    }
    assert check_document(json.dumps(record).encode(), DIRECTORY).valid


def test_without_its_schema_a_document_is_not_called_valid(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"osv\.schema\.json: the official schema is not set up"):
        check_document(write_osv(a_document()), tmp_path)


def test_an_altered_schema_is_not_used(tmp_path: Path) -> None:
    (tmp_path / OSV).write_bytes(b"{}")
    with pytest.raises(Malformed, match=r"osv\.schema\.json: the schema file is not the pinned one"):
        read_schema(OSV, tmp_path)


def test_a_message_is_cut() -> None:
    long = "x" * (MESSAGE_CHARS_MAX + 1)
    assert failure("r", long, long) == Failure("r", long[:-1], long[:-1])


@pytest.mark.parametrize("raw", [b"", b"[", b"[]", b"\xff", b'{"a":1,"a":2}', b"[" * 100_000])
def test_what_is_not_a_document_is_refused(raw: bytes) -> None:
    with pytest.raises(Malformed):
        check_document(raw, DIRECTORY)
