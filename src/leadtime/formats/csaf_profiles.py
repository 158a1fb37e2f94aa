"""CSAF 2.0: the mandatory tests on profiles (section 6.1.27) and on version names (6.1.31), after the schema passed.

Both are ours: the package that does the other tests asks more here than the standard (a VEX document may name a
recommended version; ``12.6.X`` is not among the words that make a range) and misses some of what it does ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from leadtime.formats.members import JsonObject
from leadtime.formats.verdicts import Failure, failure

INCIDENT = "csaf_security_incident_response"
INFORMATIONAL = "csaf_informational_advisory"
ADVISORY = "csaf_security_advisory"
VEX = "csaf_vex"

TELLING_NOTES = frozenset({"description", "details", "general", "summary"})
VEX_STATUS = ("fixed", "known_affected", "known_not_affected", "under_investigation")
RANGE_SIGNS = ("<", ">")
RANGE_WORDS = frozenset({"after", "all", "before", "earlier", "later", "prior", "versions"})

Document = Mapping[str, Any]
"""A document that its schema let through: every member that is read here has the type that the schema gives it."""


def profile_failures(document: JsonObject) -> tuple[Failure, ...]:
    """Return every failed rule of the document's profile (sections 6.1.27.1 to 6.1.27.11)."""
    shaped: Document = document
    category = shaped["document"]["category"]
    return tuple(
        failure(f"6.1.27.{number}", where, what)
        for number, (categories, rule) in RULES.items()
        if category in categories
        for where, what in rule(shaped)
    )


def version_failures(document: JsonObject) -> tuple[Failure, ...]:
    """Return every branch of category *product_version* whose name is a range (section 6.1.31)."""
    shaped: Document = document
    found: list[Failure] = []
    waiting = _placed(shaped.get("product_tree", {}).get("branches", []), "/product_tree/branches")
    while waiting:
        where, branch = waiting.pop()
        if branch["category"] == "product_version" and _is_range(branch["name"]):
            what = "Version Range in Product Version: use the category product_version_range"
            found.append(failure("6.1.31", f"{where}/name", what))
        waiting.extend(_placed(branch.get("branches", []), f"{where}/branches"))
    return tuple(found)


def _placed(branches: list[Document], where: str) -> list[tuple[str, Document]]:
    return [(f"{where}/{number}", branch) for number, branch in reversed(list(enumerate(branches)))]


def _is_range(name: str) -> bool:
    lowered = name.lower()
    return any(sign in lowered for sign in RANGE_SIGNS) or not RANGE_WORDS.isdisjoint(lowered.split())


Findings = Iterator[tuple[str, str]]


def _needs_telling_note(document: Document) -> Findings:
    notes = document["document"].get("notes", [])
    if not any(note["category"] in TELLING_NOTES for note in notes):
        yield "/document/notes", "a note of category description, details, general or summary is needed"


def _needs_external_reference(document: Document) -> Findings:
    references = document["document"].get("references", [])
    if not any(each.get("category", "external") == "external" for each in references):
        yield "/document/references", "an external reference is needed"


def _has_no_vulnerabilities(document: Document) -> Findings:
    if "vulnerabilities" in document:
        yield "/vulnerabilities", "an informational advisory has no vulnerabilities"


def _needs_product_tree(document: Document) -> Findings:
    if "product_tree" not in document:
        yield "/product_tree", "a product tree is needed"


def _needs_notes_each(document: Document) -> Findings:
    for where, vulnerability in _vulnerabilities(document):
        if "notes" not in vulnerability:
            yield f"{where}/notes", "every vulnerability needs notes"


def _needs_status_each(document: Document) -> Findings:
    for where, vulnerability in _vulnerabilities(document):
        if "product_status" not in vulnerability:
            yield f"{where}/product_status", "every vulnerability needs a product status"


def _needs_vex_status_each(document: Document) -> Findings:
    for where, vulnerability in _vulnerabilities(document):
        if not any(each in vulnerability.get("product_status", {}) for each in VEX_STATUS):
            yield f"{where}/product_status", f"one of {', '.join(VEX_STATUS)} is needed"


def _needs_name_each(document: Document) -> Findings:
    for where, vulnerability in _vulnerabilities(document):
        if not {"cve", "ids"} & vulnerability.keys():
            yield where, "every vulnerability needs a CVE number or another id"


def _needs_impact_statements(document: Document) -> Findings:
    for where, vulnerability in _vulnerabilities(document):
        impacts = [each for each in vulnerability.get("threats", []) if each["category"] == "impact"]
        told = _products_in(document, [*vulnerability.get("flags", []), *impacts])
        for number, product in enumerate(vulnerability.get("product_status", {}).get("known_not_affected", [])):
            if product not in told:
                yield f"{where}/product_status/known_not_affected/{number}", "no impact statement or flag says why"


def _needs_action_statements(document: Document) -> Findings:
    for where, vulnerability in _vulnerabilities(document):
        told = _products_in(document, vulnerability.get("remediations", []))
        for number, product in enumerate(vulnerability.get("product_status", {}).get("known_affected", [])):
            if product not in told:
                yield f"{where}/product_status/known_affected/{number}", "no remediation says what to do"


def _needs_vulnerabilities(document: Document) -> Findings:
    if "vulnerabilities" not in document:
        yield "/vulnerabilities", "vulnerabilities are needed"


def _vulnerabilities(document: Document) -> Iterator[tuple[str, Document]]:
    for number, vulnerability in enumerate(document.get("vulnerabilities", [])):
        yield f"/vulnerabilities/{number}", vulnerability


def _products_in(document: Document, statements: list[Document]) -> set[str]:
    """Return the products that statements name, by themselves or in groups."""
    groups = {
        group["group_id"]: group["product_ids"] for group in document.get("product_tree", {}).get("product_groups", [])
    }
    found: set[str] = set()
    for statement in statements:
        found.update(statement.get("product_ids", []))
        for group in statement.get("group_ids", []):
            found.update(groups.get(group, []))
    return found


RULES: Mapping[int, tuple[frozenset[str], Callable[[Document], Findings]]] = {
    1: (frozenset({INCIDENT, INFORMATIONAL}), _needs_telling_note),
    2: (frozenset({INCIDENT, INFORMATIONAL}), _needs_external_reference),
    3: (frozenset({INFORMATIONAL}), _has_no_vulnerabilities),
    4: (frozenset({ADVISORY, VEX}), _needs_product_tree),
    5: (frozenset({ADVISORY, VEX}), _needs_notes_each),
    6: (frozenset({ADVISORY}), _needs_status_each),
    7: (frozenset({VEX}), _needs_vex_status_each),
    8: (frozenset({VEX}), _needs_name_each),
    9: (frozenset({VEX}), _needs_impact_statements),
    10: (frozenset({VEX}), _needs_action_statements),
    11: (frozenset({ADVISORY, VEX}), _needs_vulnerabilities),
}
"""Number within section 6.1.27 -> the profiles it is for, and the rule."""
