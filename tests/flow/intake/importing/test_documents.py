"""SARIF, OSV and CSAF become reports: one for each finding, steady references, nothing made up, nothing lost."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from leadtime.flow.intake import Given, LeftOut, NotRead, ReadReport, ReportForm, import_reports, recognise_report
from leadtime.foundation.digests import canonical_json, digest_of
from leadtime.foundation.errors import Malformed

NOTHING = Given()
UJSON = Given(component="pkg:pypi/ujson@5.0.0", tool="example-scanner")
RULE = {
    "id": "X1",
    "shortDescription": {"text": "Out of bounds"},
    "fullDescription": {"text": "It writes too far."},
    "helpUri": "https://example.org/X1",
    "messageStrings": {"default": {"text": "{0} overflows in {1}, {2}"}},
    "properties": {"tags": ["security", "external/cwe/cwe-0787"], "security-severity": "8.1"},
}


def place(file: str = "src/a%20b.c", line: int = 7) -> dict[str, Any]:
    return {
        "physicalLocation": {"artifactLocation": {"uri": file}, "region": {"startLine": line}},
        "logicalLocations": [{"fullyQualifiedName": "ns::f"}],
    }


def a_result(**changes: object) -> dict[str, Any]:
    result = {"ruleId": "X1", "message": {"text": "it overflows"}, "locations": [place()], **changes}
    return {name: value for name, value in result.items() if value is not None}


def a_log(*results: object, **run: object) -> bytes:
    driver = {"name": "example-lint", "rules": [RULE]}
    return json.dumps({"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results, **run}]}).encode()


def read(raw: bytes, form: ReportForm = ReportForm.SARIF, given: Given = UJSON) -> list[Any]:
    return [
        json.loads(each.content) if isinstance(each, ReadReport) else each for each in import_reports(raw, form, given)
    ]


def references(*results: object) -> list[str]:
    return [each["reference"] for each in read(a_log(*results))]


def test_a_result_becomes_a_report():
    (report,) = read(a_log(a_result(message={"id": "default", "arguments": ["buf", "f"]})))
    origin = report.pop("imported_from")
    reference = report.pop("reference")
    assert report == {
        "schema": "leadtime.report/1",
        "title": "X1: buf overflows in f, {2}",
        "description": "buf overflows in f, {2}\n\nOut of bounds\n\nIt writes too far.\n\nhttps://example.org/X1",
        "component": "pkg:pypi/ujson@5.0.0",
        "cwe": 787,
        "locations": [{"file": "src/a b.c", "function": "ns::f", "line": 7}],
        "severity_claimed": "8.1",
        "found_by": {"tool": "example-lint", "person_reviewed": False},
    }
    assert reference.startswith("sarif:sha256:")
    original = base64.b64decode(origin["base64"])
    assert origin == {"format": "sarif", "digest": digest_of(original), "base64": origin["base64"]}
    assert json.loads(original) == {
        "tool": "example-lint",
        "rule": RULE,
        "result": a_result(message={"id": "default", "arguments": ["buf", "f"]}),
    }


def test_nothing_of_the_log_around_a_result_enters_its_report():
    alone = read(a_log(a_result()))
    among = read(a_log(a_result(ruleId="X2"), a_result(), invocations=[{"endTimeUtc": "2026-11-23T00:00:00Z"}]))
    assert alone[0] == among[1]


@pytest.mark.parametrize(
    ("steady", "moved"),
    [
        ({"fingerprints": {"a": "1"}}, {"message": {"text": "otherwise"}, "locations": [place(line=9)]}),
        ({"correlationGuid": "g"}, {"message": {"text": "otherwise"}, "guid": "new"}),
        ({"partialFingerprints": {"a": "1"}}, {"message": {"text": "otherwise"}, "locations": [place(line=9)]}),
        ({"guid": "g"}, {"message": {"text": "otherwise"}}),
        ({}, {"level": "error"}),
    ],
)
def test_a_reference_is_as_steady_as_what_the_result_is_named_by(steady, moved):
    before, after = references(a_result(**steady), a_result(**{**steady, **moved}))
    # The second has other content under the first one's name, so it gets a number of its own in this log.
    assert after == f"{before}-2"


@pytest.mark.parametrize(
    "other",
    [
        {"fingerprints": {"a": "2"}},
        {"partialFingerprints": {"a": "1"}, "locations": [place("other.c")]},
        {"partialFingerprints": {"a": "1"}, "ruleId": "X2"},
        {"message": {"text": "otherwise"}},
        {"locations": [place(line=8)]},
    ],
)
def test_other_findings_have_other_references(other):
    steady = {"partialFingerprints": {"a": "1"}} if "partialFingerprints" in other else {}
    one, two = references(a_result(**steady), a_result(**other))
    assert one != two.removesuffix("-2")


def test_a_result_that_stands_twice_is_one_report():
    one, two = references(a_result(), a_result())
    assert one == two


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"kind": "pass"}, "it says that nothing is wrong"),
        ({"kind": "notApplicable"}, "it says that nothing is wrong"),
        ({"kind": "informational"}, "it says that nothing is wrong"),
        ({"baselineState": "absent"}, "it is gone since its tool's last run"),
        ({"suppressions": [{"kind": "inSource"}]}, "it was suppressed"),
        ({"suppressions": [{"kind": "external", "status": "accepted"}]}, "it was suppressed"),
    ],
)
def test_what_is_no_finding_by_its_own_words_is_left_out(changes, why):
    assert read(a_log(a_result(**changes))) == [LeftOut("$.runs[0].results[0]", why)]


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "fail"},
        {"kind": "open"},
        {"kind": "review"},
        {"baselineState": "new"},
        {"suppressions": []},
        {"suppressions": [{"kind": "external", "status": "underReview"}]},
        {"suppressions": [{"kind": "external", "status": "rejected"}]},
    ],
)
def test_what_may_be_a_finding_is_a_report(changes):
    assert isinstance(read(a_log(a_result(**changes)))[0], dict)


def test_the_software_comes_from_the_run_or_from_its_sender_and_is_never_guessed():
    source = [{"repositoryUri": "https://github.com/Example/Lib.git", "revisionId": "abc"}]
    (from_run,) = read(a_log(a_result(), versionControlProvenance=source))
    assert from_run["component"] == "pkg:github/example/lib@abc"
    elsewhere = [{"repositoryUri": "https://git.example.org/a/b"}]
    (refused,) = read(a_log(a_result(), versionControlProvenance=elsewhere), given=NOTHING)
    assert refused == NotRead("$.runs[0].results[0]", refused.problem)
    assert str(refused.problem) == (
        "$.runs[0].results[0]: this does not name its software. "
        "Say it: --component PURL, or ?component=PURL at the API."
    )


@pytest.mark.parametrize(
    ("weakness", "cwe"),
    [
        ({"properties": {"cwe": "CWE-79"}}, 79),
        ({"taxa": [{"id": "125", "toolComponent": {"name": "CWE"}}]}, 125),
        ({"taxa": [{"id": "125", "toolComponent": {"name": "OWASP"}}]}, 787),
        ({"ruleId": "X9"}, None),
        ({"ruleId": "X9", "properties": {"tags": ["cwe-0"]}}, None),
        ({"ruleId": "X9", "properties": {"tags": ["cwe-999999"]}}, None),
    ],
)
def test_weaknesses_are_read_from_tags_taxa_and_the_rule(weakness, cwe):
    assert read(a_log(a_result(**weakness)))[0].get("cwe") == cwe


def test_rules_are_found_by_place_by_id_and_by_the_beginning_of_an_id():
    for changes in ({"ruleIndex": 0, "ruleId": None}, {"ruleId": "X1"}, {"ruleId": "X1/more"}, {"rule": {"id": "X1"}}):
        assert "Out of bounds" in read(a_log(a_result(**{"ruleId": None, **changes})))[0]["description"]


def test_parts_of_the_wrong_type_count_as_left_out():
    odd = {
        "ruleId": 7,
        "kind": [],
        "message": None,
        "locations": [3, {"physicalLocation": []}],
        "level": {},
        "suppressions": "x",
    }
    (report,) = read(a_log(odd))
    assert (report["title"], report["description"]) == ("Without a title", "Without a title")
    assert not {"locations", "severity_claimed", "cwe"} & report.keys()
    (bad,) = read(a_log("no object"))
    assert str(bad.problem) == "$.runs[0].results[0]: an object is expected. Write it in braces."


def test_texts_are_cut_to_their_fields_and_kept_whole_beside_them():
    (report,) = read(a_log(a_result(message={"text": "x" * 250_000})))
    assert (len(report["title"]), report["title"][-4:]) == (300, " […]")
    assert len(report["description"]) == 200_000
    assert len(json.loads(base64.b64decode(report["imported_from"]["base64"]))["result"]["message"]["text"]) == 250_000


def test_a_message_cannot_grow_without_end():
    (report,) = read(a_log(a_result(message={"text": "{0}" * 10_000, "arguments": ["y" * 100_000]})))
    assert len(report["description"]) == 200_000


def test_results_in_another_file_are_told():
    elsewhere = {"results": [{"location": {"uri": "other.sarif"}}]}
    (told,) = read(a_log(externalPropertyFileReferences=elsewhere))
    assert told.problem.what == "this run's results lie in another file"


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b'{"version": "1.0.0", "runs": []}', "$.version: this is not SARIF 2.1.0. Have the tool write SARIF 2.1.0."),
        (b'{"version": "2.1.0", "runs": []}', "$: this holds no report. Leave it out."),
        (b"[]", "$: an object is expected. Write it in braces."),
    ],
)
def test_what_is_no_log_or_holds_nothing_is_refused(raw, sentence):
    with pytest.raises(Malformed) as caught:
        read(raw)
    assert str(caught.value) == sentence


def test_more_results_than_a_log_has_are_refused_at_once(monkeypatch):
    monkeypatch.setattr("leadtime.formats.sarif.RESULTS_MAX", 2)
    assert len(read(a_log(a_result(), a_result()))) == 2
    with pytest.raises(Malformed, match="a log has at most 2 results"):
        read(a_log(a_result(), a_result(), a_result()))


OSV = {
    "id": "OSV-2026-1",
    "modified": "2026-01-01T00:00:00Z",
    "summary": "Heap overflow",
    "details": "Reads past the end.",
    "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N"}],
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "Example"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.2"}]}],
            "versions": ["1.0"],
        }
    ],
    "credits": [{"name": "Ann\x1b[0m Example", "type": "FINDER"}, {"name": "big-fuzzer", "type": "TOOL"}],
    "references": [{"type": "WEB", "url": "https://example.org/1"}],
    "database_specific": {"cwe_ids": ["CWE-125"]},
}


def read_osv(**changes: object) -> list[Any]:
    return read(json.dumps({**OSV, **changes}).encode(), ReportForm.OSV, NOTHING)


def test_an_osv_record_becomes_a_report():
    (report,) = read_osv()
    origin = report.pop("imported_from")
    assert json.loads(base64.b64decode(origin["base64"])) == OSV
    assert report == {
        "schema": "leadtime.report/1",
        "title": "Heap overflow",
        "description": "Reads past the end.\n\nhttps://example.org/1",
        "component": "pkg:pypi/example",
        "affected": ["introduced 0, fixed 1.2", "1.0"],
        "cwe": 125,
        "severity_claimed": "CVSS:3.1/AV:N",
        "found_by": {"tool": "big-fuzzer", "person_reviewed": False},
        "credit": ["Ann [0m Example"],
        "reference": "OSV-2026-1",
    }


@pytest.mark.parametrize(
    ("affected", "component"),
    [
        ([{"package": {"purl": "pkg:npm/a@1"}}], "pkg:npm/a@1"),
        ([{"package": {"ecosystem": "OSS-Fuzz", "name": "lib"}}], {"vendor": "OSS-Fuzz", "product": "lib"}),
        (
            [{"ranges": [{"type": "GIT", "repo": "https://github.com/a/b", "events": [{"introduced": "0"}]}]}],
            "pkg:github/a/b",
        ),
    ],
)
def test_an_osv_record_names_its_software_in_several_ways(affected, component):
    assert read_osv(affected=affected)[0]["component"] == component


def test_an_osv_record_without_software_is_refused_and_a_withdrawn_one_left_out():
    assert read_osv(affected=[])[0].problem.what == "this does not name its software"
    assert read_osv(withdrawn="2026-01-02T00:00:00Z") == [LeftOut("$", "it was withdrawn")]


CSAF = {
    "document": {
        "category": "csaf_security_advisory",
        "csaf_version": "2.0",
        "title": "Two flaws",
        "tracking": {"id": "EX-1"},
        "acknowledgments": [{"names": ["Ann"], "organization": "Lab"}],
    },
    "product_tree": {
        "branches": [
            {
                "category": "vendor",
                "name": "Maker",
                "branches": [
                    {
                        "category": "product_name",
                        "name": "Pump",
                        "branches": [
                            {
                                "category": "product_version",
                                "name": "7",
                                "product": {"name": "Maker Pump 7", "product_id": "P1"},
                            }
                        ],
                    }
                ],
            }
        ],
        "full_product_names": [
            {"name": "Lib", "product_id": "P2", "product_identification_helper": {"purl": "pkg:npm/lib@1"}}
        ],
    },
    "vulnerabilities": [
        {
            "cve": "CVE-2026-1",
            "title": "Weak password",
            "cwe": {"id": "CWE-521", "name": "x"},
            "notes": [{"category": "summary", "text": "Anyone gets in."}],
            "product_status": {"known_affected": ["P1", "P2", "P9"], "fixed": ["P3"]},
            "scores": [{"cvss_v3": {"vectorString": "CVSS:3.1/AV:N"}, "products": ["P1"]}],
        },
        {"product_status": {"known_affected": ["P2"]}},
        7,
        {"product_status": {"known_not_affected": ["P2"]}},
    ],
}


def test_each_vulnerability_of_a_csaf_document_becomes_a_report():
    first, second, third, fourth = read(json.dumps(CSAF).encode(), ReportForm.CSAF, NOTHING)
    original = json.loads(base64.b64decode(first.pop("imported_from")["base64"]))
    assert original["is"] == CSAF["vulnerabilities"][0]
    assert first == {
        "schema": "leadtime.report/1",
        "title": "Weak password",
        "description": "Anyone gets in.",
        "component": {"vendor": "Maker", "product": "Pump", "version": "7"},
        "affected": ["Maker Pump 7", "Lib"],
        "cwe": 521,
        "severity_claimed": "CVSS:3.1/AV:N",
        "found_by": {"tool": "not stated", "person_reviewed": False},
        "credit": ["Ann", "Lab"],
        "reference": "EX-1/CVE-2026-1",
    }
    assert (second["title"], second["component"], second["reference"]) == (
        "Two flaws",
        "pkg:npm/lib@1",
        "EX-1/$.vulnerabilities[1]",
    )
    assert str(third.problem) == "$.vulnerabilities[2]: an object is expected. Write it in braces."
    assert fourth.problem.what == "this does not name its software"


def test_a_product_tree_is_bounded_and_may_be_deep(monkeypatch):
    deep = {"category": "vendor", "name": "V", "branches": []}
    for _ in range(20):
        deep = {"category": "vendor", "name": "V", "branches": [deep]}
    document = {**CSAF, "product_tree": {"branches": [deep]}}
    assert len(read(json.dumps(document).encode(), ReportForm.CSAF, UJSON)) == 4
    monkeypatch.setattr("leadtime.formats.csaf_reading.PRODUCTS_MAX", 20)
    with pytest.raises(Malformed, match="a product tree has at most 20 branches"):
        read(json.dumps(document).encode(), ReportForm.CSAF, UJSON)


def test_a_report_that_is_too_large_with_its_original_goes_without(monkeypatch):
    raw = a_log(a_result())
    (whole,) = read(raw)
    monkeypatch.setattr("leadtime.flow.intake.limits.REPORT_BYTES_MAX", len(canonical_json(whole)) - 1)
    (bare,) = read(raw)
    assert bare["imported_from"] == {"format": "sarif", "digest": whole["imported_from"]["digest"]}


@pytest.mark.parametrize(
    ("raw", "form"),
    [
        (a_log(), ReportForm.SARIF),
        (json.dumps(OSV).encode(), ReportForm.OSV),
        (b"\xef\xbb\xbf" + json.dumps(CSAF).encode(), ReportForm.CSAF),
        (b'{"schema": "leadtime.report/1"}', ReportForm.REPORT),
        (b'{"id": "x"}', ReportForm.REPORT),
        (b"[1]", ReportForm.REPORT),
        (b"Title;Component\nx;pkg:npm/a\n", ReportForm.CSV),
        (b'"title","severity"\n', ReportForm.CSV),
        (b"title\n", ReportForm.MARKDOWN),
        (b"Dear all, the title, as such\n", ReportForm.MARKDOWN),
        (b"# Heap overflow\n", ReportForm.MARKDOWN),
        ("# Ü\n".encode("utf-16"), ReportForm.MARKDOWN),
        (b"Subject: x\nFrom: a@example.org\n\nhello", ReportForm.MAIL),
        (b"From a@example.org Mon\r\nReceived: x\r\n\r\nhello", ReportForm.MAIL),
        (b"Component: pkg:npm/a\n\nFrom: here\n", ReportForm.MARKDOWN),
    ],
)
def test_a_form_is_told_by_its_content(raw, form):
    assert recognise_report(raw) is form


@pytest.mark.parametrize("raw", [b"", b" \n", b"\x00\xff", b"\xff", b"a\x00b"])
def test_what_is_neither_json_nor_text_has_no_form(raw):
    with pytest.raises(Malformed, match="this is no form of report that is read"):
        recognise_report(raw)
