from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given, settings

from leadtime.formats.advisories import AdvisoryDocument, AffectedSpan, Revision
from leadtime.formats.csaf import csaf_file_name, write_csaf
from leadtime.formats.schemas import DIRECTORY
from leadtime.formats.validity import DocumentKind, check_document
from leadtime.foundation.labels import Tlp
from tests.formats.factories import AT, a_document, a_package, documents

PRODUCTS = [
    ("product_version", "5.0.0", "CSAFPID-0001", "pkg:pypi/ujson@5.0.0"),
    ("product_version", "5.2.0", "CSAFPID-0002", "pkg:pypi/ujson@5.2.0"),
    ("product_version_range", "vers:pypi/>=1.34|<5.2.0", "CSAFPID-0003", "pkg:pypi/ujson"),
]


def test_an_advisory_is_written_whole() -> None:
    written = json.loads(write_csaf(a_document()))
    assert written["document"] == {
        "category": "csaf_security_advisory",
        "csaf_version": "2.0",
        "distribution": {
            "text": "TLP:CLEAR (TLP 2.0)",
            "tlp": {"label": "WHITE", "url": "https://www.first.org/tlp/"},
        },
        "lang": "en",
        "notes": [
            {
                "category": "summary",
                "text": "A large indent writes past a 64 KiB buffer on the stack.",
                "title": "Summary",
            },
            {
                "category": "details",
                "text": "pkg:pypi/ujson 5.0.0: affected, seen by running it (validation val-1).\n"
                "pkg:pypi/ujson 5.2.0: fixed, seen by running it (validation val-1).\n"
                "pkg:pypi/ujson >=1.34|<5.2.0: entered by a person; source: CVE-2021-45958, public description.",
                "title": "How this is known",
            },
        ],
        "publisher": {
            "category": "coordinator",
            "name": "Coordination Centre (example)",
            "namespace": "https://clearinghouse.example",
        },
        "references": [
            {
                "category": "self",
                "summary": "This advisory, as CSAF",
                "url": "https://clearinghouse.example/csaf/lt-2026-0001.json",
            },
            {"category": "external", "summary": "The fix", "url": "https://example.org/fix"},
        ],
        "title": "ujson writes past a stack buffer when it indents",
        "tracking": {
            "current_release_date": "2026-08-03T09:00:00Z",
            "generator": {"date": "2026-08-03T09:00:00Z", "engine": {"name": "Leadtime"}},
            "id": "LT-2026-0001",
            "initial_release_date": "2026-08-03T09:00:00Z",
            "revision_history": [{"date": "2026-08-03T09:00:00Z", "number": "1", "summary": "First published."}],
            "status": "final",
            "version": "1",
        },
        "acknowledgments": [{"names": ["Finder A (example)"], "summary": "found and reported this"}],
    }
    assert written["vulnerabilities"] == [
        {
            "ids": [{"system_name": "Coordination Centre (example)", "text": "LT-2026-0001"}],
            "notes": [
                {
                    "category": "description",
                    "text": "A large indent writes past a 64 KiB buffer on the stack.",
                    "title": "What is wrong",
                }
            ],
            "product_status": {"known_affected": ["CSAFPID-0001", "CSAFPID-0003"], "fixed": ["CSAFPID-0002"]},
            "remediations": [
                {
                    "category": "vendor_fix",
                    "details": "Update ujson to 5.2.0. Do not let strangers choose the indent.",
                    "product_ids": ["CSAFPID-0001", "CSAFPID-0003"],
                }
            ],
            "title": "ujson writes past a stack buffer when it indents",
            "cve": "CVE-2021-45958",
            "cwe": {"id": "CWE-787", "name": "Out-of-bounds Write"},
        }
    ]
    (vendor,) = written["product_tree"]["branches"]
    (product,) = vendor["branches"]
    assert (vendor["category"], vendor["name"], product["category"], product["name"]) == (
        "vendor",
        "PyPI",
        "product_name",
        "ujson",
    )
    assert [
        (
            each["category"],
            each["name"],
            each["product"]["product_id"],
            each["product"]["product_identification_helper"]["purl"],
        )
        for each in product["branches"]
    ] == PRODUCTS


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (AffectedSpan("0", None, None, "s"), "vers:pypi/*"),
        (AffectedSpan("0", "2", None, "s"), "vers:pypi/<2"),
        (AffectedSpan("1", None, "2", "s"), "vers:pypi/>=1|<=2"),
        (AffectedSpan("1", None, None, "s"), "vers:pypi/>=1"),
        (AffectedSpan("1+local", None, None, "s"), "vers:pypi/>=1%2Blocal"),
    ],
)
def test_a_range_is_written_in_vers(span: AffectedSpan, words: str) -> None:
    written = json.loads(write_csaf(a_document(packages=(a_package(runs=(), spans=(span,)),))))
    assert written["product_tree"]["branches"][0]["branches"][0]["branches"][0]["name"] == words


@pytest.mark.parametrize(
    ("remedy", "spans", "category", "details"),
    [
        ("", (AffectedSpan("0", "2", None, "s"),), "vendor_fix", "Update ujson to 2."),
        ("Unplug it.", (AffectedSpan("0", None, None, "s"),), "mitigation", "Unplug it."),
        ("", (AffectedSpan("0", None, None, "s"),), "none_available", "No fixed version is known yet."),
    ],
)
def test_the_remedy_is_what_is_known(remedy: str, spans: tuple[AffectedSpan, ...], category: str, details: str) -> None:
    written = json.loads(write_csaf(a_document(remedy=remedy, packages=(a_package(runs=(), spans=spans),))))
    assert written["vulnerabilities"][0]["remediations"] == [
        {"category": category, "details": details, "product_ids": ["CSAFPID-0001"]}
    ]


@pytest.mark.parametrize("cwes", [("CWE-999999",), ("CWE-787", "CWE-125")])
def test_weaknesses_that_have_no_field_stand_in_a_note(cwes: tuple[str, ...]) -> None:
    written = json.loads(write_csaf(a_document(cwes=cwes)))
    assert "cwe" not in written["vulnerabilities"][0]
    assert {"category": "other", "text": ", ".join(cwes), "title": "Weaknesses"} in written["document"]["notes"]


def test_a_package_of_no_ecosystem_has_an_unknown_vendor() -> None:
    written = json.loads(write_csaf(a_document(packages=(a_package(ecosystem=None),))))
    assert written["product_tree"]["branches"][0]["name"] == "unknown"


def test_what_nobody_gave_is_left_out() -> None:
    written = json.loads(write_csaf(a_document(cve=None, cwes=(), credits=(), references=())))
    assert {"cve", "cwe"}.isdisjoint(written["vulnerabilities"][0])
    assert "acknowledgments" not in written["document"]
    assert [each["category"] for each in written["document"]["references"]] == ["self"]


def test_a_withdrawn_advisory_names_no_product_and_gives_the_reason() -> None:
    at = AT + timedelta(days=1)
    revisions = (Revision(1, AT, "First."), Revision(2, at, "Not a flaw after all."))
    written = json.loads(write_csaf(a_document(revisions=revisions, withdrawn_at=at)))
    assert written.keys() == {"document"}
    assert written["document"]["category"] == "csaf_base"
    assert written["document"]["tracking"]["version"] == "2"
    assert written["document"]["notes"][-1] == {
        "category": "other",
        "text": "Not a flaw after all.",
        "title": "Withdrawn",
    }


@pytest.mark.parametrize(
    ("tlp", "label"),
    [
        (Tlp.CLEAR, "WHITE"),
        (Tlp.GREEN, "GREEN"),
        (Tlp.AMBER, "AMBER"),
        (Tlp.AMBER_STRICT, "RED"),
        (Tlp.RED, "RED"),
    ],
)
def test_a_label_is_never_weakened(tlp: Tlp, label: str) -> None:
    distribution = json.loads(write_csaf(a_document(tlp=tlp)))["document"]["distribution"]
    assert (distribution["tlp"]["label"], distribution["text"]) == (label, f"{tlp.text} (TLP 2.0)")


@pytest.mark.parametrize(
    ("number", "name"),
    [("LT-2026-0001", "lt-2026-0001.json"), ("A b/ C+d", "a_b_c+d.json"), ("Ä", "_.json")],
)
def test_the_file_name_is_the_prescribed_one(number: str, name: str) -> None:
    assert csaf_file_name(number) == name


@settings(max_examples=60, deadline=None)
@given(document=documents())
def test_every_advisory_passes_the_check_that_the_command_runs(document: AdvisoryDocument) -> None:
    verdict = check_document(write_csaf(document), DIRECTORY)
    assert (verdict.kind, verdict.failures) == (DocumentKind.CSAF_2_0, ())
    assert write_csaf(document) == write_csaf(document)
