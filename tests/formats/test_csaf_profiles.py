from __future__ import annotations

import pytest

from leadtime.formats.csaf_profiles import profile_failures, version_failures
from leadtime.formats.csaf_rules import failures_of
from leadtime.formats.schemas import DIRECTORY
from leadtime.formats.verdicts import Failure

VEX, ADVISORY = "csaf_vex", "csaf_security_advisory"
INFORMATIONAL, INCIDENT = "csaf_informational_advisory", "csaf_security_incident_response"
P1 = "CSAFPID-0001"


def document(category: str, *vulnerabilities: dict[str, object], **more: object) -> dict[str, object]:
    found: dict[str, object] = {"document": {"category": category}, "product_tree": {}, **more}
    if vulnerabilities:
        found["vulnerabilities"] = list(vulnerabilities)
    return found


def whole(**more: object) -> dict[str, object]:
    return {"cve": "CVE-2026-1", "notes": [], "product_status": {"fixed": [P1]}, **more}


def told(found: dict[str, object]) -> list[tuple[str, str]]:
    return [(each.rule, each.where) for each in profile_failures(found)]  # type: ignore[arg-type]


@pytest.mark.parametrize("category", [VEX, ADVISORY])
def test_a_whole_document_of_a_profile_has_no_failures(category: str) -> None:
    assert told(document(category, whole())) == []


@pytest.mark.parametrize("category", ["csaf_base", "anything else"])
def test_other_categories_ask_nothing(category: str) -> None:
    assert told({"document": {"category": category}}) == []


@pytest.mark.parametrize("category", [INFORMATIONAL, INCIDENT])
def test_a_telling_note_and_an_external_reference_are_needed(category: str) -> None:
    bare = {"document": {"category": category}}
    assert told(bare) == [("6.1.27.1", "/document/notes"), ("6.1.27.2", "/document/references")]
    useless = {"category": category, "notes": [{"category": "faq"}], "references": [{"category": "self"}]}
    assert len(told({"document": useless})) == 2
    for kind in ("description", "details", "general", "summary"):
        good = {"category": category, "notes": [{"category": kind}], "references": [{"category": "external"}]}
        assert told({"document": good}) == []
    by_default = {"category": category, "notes": [{"category": "summary"}], "references": [{"url": "x"}]}
    assert told({"document": by_default}) == []


def test_an_informational_advisory_has_no_vulnerabilities() -> None:
    inner = {"category": INFORMATIONAL, "notes": [{"category": "summary"}], "references": [{"category": "external"}]}
    assert told({"document": inner, "vulnerabilities": []}) == [("6.1.27.3", "/vulnerabilities")]
    assert told({"document": {**inner, "category": INCIDENT}, "vulnerabilities": []}) == []


@pytest.mark.parametrize("category", [VEX, ADVISORY])
def test_products_and_vulnerabilities_are_needed(category: str) -> None:
    assert told({"document": {"category": category}}) == [
        ("6.1.27.4", "/product_tree"),
        ("6.1.27.11", "/vulnerabilities"),
    ]


def test_every_vulnerability_needs_notes_a_status_and_in_vex_a_name() -> None:
    assert told(document(ADVISORY, whole(), {})) == [
        ("6.1.27.5", "/vulnerabilities/1/notes"),
        ("6.1.27.6", "/vulnerabilities/1/product_status"),
    ]
    assert told(document(VEX, {})) == [
        ("6.1.27.5", "/vulnerabilities/0/notes"),
        ("6.1.27.7", "/vulnerabilities/0/product_status"),
        ("6.1.27.8", "/vulnerabilities/0"),
    ]
    by_id = {"ids": [], "notes": [], "product_status": {"under_investigation": [P1], "recommended": [P1]}}
    assert told(document(VEX, by_id)) == []
    only_recommended = {"ids": [], "notes": [], "product_status": {"recommended": [P1]}}
    assert told(document(VEX, only_recommended)) == [("6.1.27.7", "/vulnerabilities/0/product_status")]


GROUPS = {"product_groups": [{"group_id": "G", "product_ids": [P1]}]}


@pytest.mark.parametrize(
    ("status", "rule", "statements"),
    [
        ("known_not_affected", "6.1.27.9", {"threats": [{"category": "impact", "product_ids": [P1]}]}),
        ("known_not_affected", "6.1.27.9", {"threats": [{"category": "impact", "group_ids": ["G"]}]}),
        ("known_not_affected", "6.1.27.9", {"flags": [{"label": "x", "product_ids": [P1]}]}),
        ("known_affected", "6.1.27.10", {"remediations": [{"category": "x", "product_ids": [P1]}]}),
        ("known_affected", "6.1.27.10", {"remediations": [{"category": "x", "group_ids": ["?", "G"]}]}),
    ],
)
def test_vex_says_why_not_and_what_to_do(status: str, rule: str, statements: dict[str, object]) -> None:
    silent = whole(product_status={status: ["CSAFPID-0002", P1]})
    places = [(rule, f"/vulnerabilities/0/product_status/{status}/{number}") for number in (0, 1)]
    assert told(document(VEX, silent, product_tree=GROUPS)) == places
    assert told(document(VEX, {**silent, **statements}, product_tree=GROUPS)) == places[:1]
    assert told(document(ADVISORY, silent, product_tree=GROUPS)) == []


def test_a_threat_that_is_no_impact_statement_is_none() -> None:
    threats = [{"category": "exploit_status", "product_ids": [P1]}]
    found = document(VEX, whole(product_status={"known_not_affected": [P1]}, threats=threats))
    assert told(found) == [("6.1.27.9", "/vulnerabilities/0/product_status/known_not_affected/0")]


@pytest.mark.parametrize(
    ("name", "is_range"),
    [
        ("5.2.0", False),
        ("12.6.X", False),
        ("1.0 overall", False),
        ("<5.2.0", True),
        ("1.0 >= x", True),
        ("ALL", True),
        ("2.0 and Earlier", True),
        ("all versions", True),
        ("prior to 3", True),
        ("after 3", True),
        ("before 3", True),
        ("3 or later", True),
    ],
)
def test_the_name_of_a_version_is_no_range(name: str, is_range: bool) -> None:  # noqa: FBT001
    version = {"category": "product_version", "name": name}
    tree = {"branches": [{"category": "vendor", "name": "all", "branches": [{**version}]}, version]}
    expected = (
        Failure(
            "6.1.31",
            "/product_tree/branches/0/branches/0/name",
            "Version Range in Product Version: use the category product_version_range",
        ),
        Failure(
            "6.1.31",
            "/product_tree/branches/1/name",
            "Version Range in Product Version: use the category product_version_range",
        ),
    )
    assert version_failures({"product_tree": tree}) == (expected if is_range else ())  # type: ignore[dict-item]
    assert version_failures({}) == ()


def cwe(number: int, name: str) -> dict[str, object]:
    return {
        "document": {
            "category": "csaf_base",
            "csaf_version": "2.0",
            "publisher": {"category": "vendor", "name": "n", "namespace": "https://example.org"},
            "title": "t",
            "tracking": {
                "id": "A",
                "status": "final",
                "version": "1",
                "initial_release_date": "2026-01-01T00:00:00Z",
                "current_release_date": "2026-01-01T00:00:00Z",
                "revision_history": [{"date": "2026-01-01T00:00:00Z", "number": "1", "summary": "s"}],
            },
        },
        "vulnerabilities": [{"cwe": {"id": f"CWE-{number}", "name": name}}],
    }


@pytest.mark.parametrize(
    ("number", "name", "rules"),
    [
        (598, "Use of HTTP Request With Sensitive Query String", []),
        (598, "Use of GET Request Method With Sensitive Query Strings", []),
        (598, "Something else", ["6.1.11"]),
        (999999, "Something else", ["6.1.11"]),
    ],
)
def test_a_weakness_may_have_any_name_that_it_ever_had(number: int, name: str, rules: list[str]) -> None:
    assert [each.rule for each in failures_of(cwe(number, name), DIRECTORY)] == rules  # type: ignore[arg-type]
