from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadtime.formats.advisories import AdvisoryDocument, AffectedSpan, Outcome, Revision, Run
from leadtime.formats.osv import OsvAffected, OsvEvent, OsvRange, OsvRecord, RangeType, osv_id, read_osv, write_osv
from leadtime.formats.schemas import DIRECTORY
from leadtime.formats.validity import DocumentKind, check_document
from leadtime.foundation.errors import Malformed
from tests.formats.factories import AT, a_document, a_package, documents


def test_an_advisory_is_written_whole() -> None:
    assert json.loads(write_osv(a_document())) == {
        "schema_version": "1.7.3",
        "id": "x_LT-2026-0001",
        "modified": "2026-08-03T09:00:00Z",
        "published": "2026-08-03T09:00:00Z",
        "aliases": ["CVE-2021-45958"],
        "summary": "ujson writes past a stack buffer when it indents",
        "details": "A large indent writes past a 64 KiB buffer on the stack.\n\n"
        "Do not let strangers choose the indent.",
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": "ujson", "purl": "pkg:pypi/ujson"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "1.34"}, {"fixed": "5.2.0"}]}],
                "versions": ["5.0.0"],
                "database_specific": {
                    "purl": "pkg:pypi/ujson",
                    "runs": [
                        {"version": "5.0.0", "outcome": "affected", "validation": "val-1"},
                        {"version": "5.2.0", "outcome": "fixed", "validation": "val-1"},
                    ],
                    "range_sources": ["CVE-2021-45958, public description"],
                },
            }
        ],
        "references": [{"type": "FIX", "url": "https://example.org/fix"}],
        "credits": [{"name": "Finder A (example)", "type": "FINDER"}],
        "database_specific": {"cwe_ids": ["CWE-787"], "publisher": "Coordination Centre (example)"},
    }


def test_without_cve_remedy_or_range_nothing_is_made_up() -> None:
    package = a_package(spans=())
    written = json.loads(write_osv(a_document(cve=None, remedy="", packages=(package,))))
    assert written["aliases"] == []
    assert written["details"] == "A large indent writes past a 64 KiB buffer on the stack."
    assert "ranges" not in written["affected"][0]
    assert written["affected"][0]["versions"] == ["5.0.0"]


def test_a_range_of_an_ecosystem_with_semver_says_so() -> None:
    package = a_package(
        ecosystem="npm", name="sqlite3", purl="pkg:npm/sqlite3", spans=(AffectedSpan("0", None, "4.1.1", "a person"),)
    )
    written = json.loads(write_osv(a_document(packages=(package,))))
    assert written["affected"][0]["ranges"] == [
        {"type": "SEMVER", "events": [{"introduced": "0"}, {"last_affected": "4.1.1"}]}
    ]


def test_a_package_of_no_ecosystem_keeps_its_purl() -> None:
    package = a_package(ecosystem=None, purl="pkg:generic/thing", spans=())
    written = json.loads(write_osv(a_document(packages=(package,))))
    assert "package" not in written["affected"][0]
    assert written["affected"][0]["database_specific"]["purl"] == "pkg:generic/thing"


def test_a_withdrawn_advisory_says_when() -> None:
    at = AT + timedelta(days=1)
    written = json.loads(
        write_osv(a_document(revisions=(Revision(1, AT, "First."), Revision(2, at, "Wrong.")), withdrawn_at=at))
    )
    assert (written["withdrawn"], written["modified"]) == ("2026-08-04T09:00:00Z", "2026-08-04T09:00:00Z")
    assert "withdrawn" not in json.loads(write_osv(a_document()))


@settings(max_examples=150, deadline=None)
@given(document=documents())
def test_what_is_written_is_valid_and_reads_back(document: AdvisoryDocument) -> None:
    raw = write_osv(document)
    verdict = check_document(raw, DIRECTORY)
    assert (verdict.kind, verdict.failures) == (DocumentKind.OSV, ())
    record = read_osv(raw)
    assert (record.id, record.summary) == (osv_id(document.number), document.title)
    assert bool(record.withdrawn) is bool(document.withdrawn_at)
    for affected, package in zip(record.affected, document.packages, strict=True):
        assert (affected.ecosystem, affected.name if affected.ecosystem else package.name) == (
            package.ecosystem,
            package.name,
        )
        assert affected.versions == tuple(run.version for run in package.runs if run.outcome is Outcome.AFFECTED)
        assert affected.fixed == tuple(dict.fromkeys(span.fixed for span in package.spans if span.fixed))
        assert len(affected.ranges) == len(package.spans)


def test_only_versions_that_were_run_and_failed_are_listed() -> None:
    runs = (Run("1", Outcome.FIXED, "v"), Run("2", Outcome.AFFECTED, "v"), Run("3", Outcome.FIXED, "v"))
    written = json.loads(write_osv(a_document(packages=(a_package(runs=runs, spans=()),))))
    assert written["affected"][0]["versions"] == ["2"]


def test_a_record_is_read() -> None:
    raw = b"""\xef\xbb\xbf{"id": "GO-1", "aliases": ["CVE-1"], "summary": "s", "withdrawn": "2024-01-01T00:00:00Z",
    "affected": [{"package": {"ecosystem": "Debian:12", "name": "zlib", "purl": "pkg:deb/debian/zlib"},
      "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2"}, {"introduced": "3"},
                                                  {"last_affected": "4"}, {"limit": "9"}]},
                 {"type": "GIT", "repo": "r", "events": [{"introduced": "0", "fixed": "abc"}]}],
      "versions": ["1", "3"]},
      {"ranges": []}], "unknown": 1}"""
    assert read_osv(raw) == OsvRecord(
        id="GO-1",
        aliases=("CVE-1",),
        summary="s",
        withdrawn="2024-01-01T00:00:00Z",
        affected=(
            OsvAffected(
                ecosystem="Debian:12",
                name="zlib",
                purl="pkg:deb/debian/zlib",
                ranges=(
                    OsvRange(
                        RangeType.ECOSYSTEM,
                        (
                            OsvEvent("introduced", "0"),
                            OsvEvent("fixed", "2"),
                            OsvEvent("introduced", "3"),
                            OsvEvent("last_affected", "4"),
                            OsvEvent("limit", "9"),
                        ),
                    ),
                    OsvRange(RangeType.GIT, (OsvEvent("introduced", "0"), OsvEvent("fixed", "abc"))),
                ),
                versions=("1", "3"),
            ),
            OsvAffected(None, None, None, (), ()),
        ),
    )


def test_fixed_versions_are_those_of_version_ranges_each_once() -> None:
    raw = b"""{"id": "A", "affected": [{"ranges": [
      {"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "2"}, {"fixed": "1"}]},
      {"type": "ECOSYSTEM", "events": [{"fixed": "2"}]}, {"type": "GIT", "events": [{"fixed": "abc"}]}]}]}"""
    assert read_osv(raw).affected[0].fixed == ("2", "1")


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"[]", "$: an object is expected Write it in braces."),
        (b"{}", "$.id: a text is missing Add it."),
        (b'{"id": ""}', "$.id: a text is missing Add it."),
        (b'{"id": 7}', "$.id: text is expected Write it in quotes."),
        (b'{"id": "A", "affected": {}}', "$.affected: a list is expected Write it in brackets."),
        (b'{"id": "A", "affected": [1]}', "$.affected: an object is expected Write it in braces."),
        (b'{"id": "A", "aliases": [1]}', "$.aliases: texts of at most 1000 characters are expected Correct it."),
        (
            b'{"id": "A", "affected": [{"ranges": [{"type": "OTHER"}]}]}',
            "$.affected.ranges.type: a range's type is SEMVER, ECOSYSTEM or GIT Correct it.",
        ),
    ],
)
def test_another_shape_is_refused_with_its_place(raw: bytes, sentence: str) -> None:
    with pytest.raises(Malformed) as refusal:
        read_osv(raw)
    told = refusal.value
    assert f"{told.where}: {told.what} {told.next_step}" == sentence


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with suppress(Malformed):
        read_osv(raw)
