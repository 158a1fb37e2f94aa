"""CSAF 2.0 security advisories (OASIS Standard, 18 November 2022), written from one advisory."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime

from leadtime.formats.advisories import AdvisoryDocument, AffectedPackage, AffectedSpan, CreditKind, Outcome
from leadtime.formats.weaknesses import NAMES
from leadtime.foundation.labels import Tlp

GENERATOR = "Leadtime"
TLP_ADDRESS = "https://www.first.org/tlp/"
_NOT_IN_FILE_NAMES = re.compile(r"[^+\-a-z0-9]+")

_LABELS = {
    Tlp.CLEAR: "WHITE",
    Tlp.GREEN: "GREEN",
    Tlp.AMBER: "AMBER",
    Tlp.AMBER_STRICT: "RED",
    Tlp.RED: "RED",
}
"""TLP 2.0 -> the TLP 1.0 words of CSAF 2.0; where 1.0 has no word, the stricter one (the text says the real one)."""


@dataclass(slots=True)
class _Products:
    """The product tree while it grows: ids are given in order, so that one record has one rendering."""

    branches: list[dict[str, object]] = field(default_factory=list)
    affected: list[str] = field(default_factory=list)
    fixed: list[str] = field(default_factory=list)
    last: int = 0

    def product(self, name: str, purl: str) -> dict[str, object]:
        """Return a product with the next free id."""
        self.last += 1
        return {
            "product_id": f"CSAFPID-{self.last:04}",
            "name": name,
            "product_identification_helper": {"purl": purl},
        }


def csaf_file_name(number: str) -> str:
    """Return the file name that CSAF 2.0 (section 5.1) prescribes for that tracking id."""
    return _NOT_IN_FILE_NAMES.sub("_", number.lower()) + ".json"


def write_csaf(document: AdvisoryDocument) -> bytes:
    """Return the advisory as CSAF 2.0, profile *Security Advisory*, the same bytes for the same record.

    A withdrawn one is the base profile with the reason, and names no product any more (2.0 has no profile for it).
    Passes the schema and the mandatory tests (section 6.1).
    """
    written: dict[str, object] = {"document": _document(document)}
    if document.withdrawn_at is None:
        products = _products(document)
        written["product_tree"] = {"branches": products.branches}
        written["vulnerabilities"] = [_vulnerability(document, products)]
    return json.dumps(written, indent=2, ensure_ascii=False).encode() + b"\n"


def _instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _document(document: AdvisoryDocument) -> dict[str, object]:
    label = f"{document.tlp.text} (TLP 2.0)"
    written: dict[str, object] = {
        "category": "csaf_base" if document.withdrawn_at else "csaf_security_advisory",
        "csaf_version": "2.0",
        "distribution": {"text": label, "tlp": {"label": _LABELS[document.tlp], "url": TLP_ADDRESS}},
        "lang": "en",
        "notes": [{"category": "summary", "text": document.summary, "title": "Summary"}, *_notes(document)],
        "publisher": {
            "category": "coordinator",
            "name": document.publisher.name,
            "namespace": document.publisher.namespace,
        },
        "references": [
            {
                "category": "self",
                "summary": "This advisory, as CSAF",
                "url": f"{document.publisher.namespace.rstrip('/')}/csaf/{csaf_file_name(document.number)}",
            },
            *({"category": "external", "summary": each.summary, "url": each.url} for each in document.references),
        ],
        "title": document.title,
        "tracking": _tracking(document),
    }
    if document.credits:
        written["acknowledgments"] = _thanks(document)
    return written


def _notes(document: AdvisoryDocument) -> list[dict[str, object]]:
    """Say in words what has no field: how each version is known, and weaknesses whose name is not at hand."""
    lines = [
        f"{package.purl} {run.version}: {run.outcome.value}, seen by running it (validation {run.validation})."
        for package in document.packages
        for run in package.runs
    ]
    lines += [
        f"{package.purl} {_range_text(span)}: entered by a person; source: {span.source}."
        for package in document.packages
        for span in package.spans
    ]
    notes: list[dict[str, object]] = []
    if lines:
        notes.append({"category": "details", "text": "\n".join(lines), "title": "How this is known"})
    unnamed = document.cwes if len(document.cwes) > 1 else tuple(each for each in document.cwes if each not in NAMES)
    if unnamed:
        notes.append({"category": "other", "text": ", ".join(unnamed), "title": "Weaknesses"})
    if document.withdrawn_at:
        notes.append({"category": "other", "text": document.revisions[-1].summary, "title": "Withdrawn"})
    return notes


def _tracking(document: AdvisoryDocument) -> dict[str, object]:
    newest = document.revisions[-1]
    return {
        "current_release_date": _instant(newest.at),
        "generator": {"date": _instant(newest.at), "engine": {"name": GENERATOR}},
        "id": document.number,
        "initial_release_date": _instant(document.published_at),
        "revision_history": [
            {"date": _instant(each.at), "number": str(each.number), "summary": each.summary}
            for each in document.revisions
        ],
        "status": "final",
        "version": str(newest.number),
    }


def _thanks(document: AdvisoryDocument) -> list[dict[str, object]]:
    words = {
        CreditKind.FINDER: "found and reported this",
        CreditKind.COORDINATOR: "coordinated this",
        CreditKind.MAINTAINER: "fixed this",
    }
    return [{"names": [each.name], "summary": words[each.kind]} for each in document.credits]


def _products(document: AdvisoryDocument) -> _Products:
    products = _Products()
    for package in document.packages:
        versions = [*_run_products(products, package), *_span_products(products, package)]
        product = {"category": "product_name", "name": package.name, "branches": versions}
        vendor = package.ecosystem or "unknown"
        products.branches.append({"category": "vendor", "name": vendor, "branches": [product]})
    return products


def _run_products(products: _Products, package: AffectedPackage) -> list[dict[str, object]]:
    branches: list[dict[str, object]] = []
    for run in package.runs:
        product = products.product(f"{package.name} {run.version}", f"{package.purl}@{_purl_text(run.version)}")
        branches.append({"category": "product_version", "name": run.version, "product": product})
        kept = products.affected if run.outcome is Outcome.AFFECTED else products.fixed
        kept.append(str(product["product_id"]))
    return branches


def _span_products(products: _Products, package: AffectedPackage) -> list[dict[str, object]]:
    branches: list[dict[str, object]] = []
    for span in package.spans:
        vers = f"vers:{package.purl.removeprefix('pkg:').partition('/')[0]}/{_range_text(span)}"
        product = products.product(f"{package.name} {_range_text(span)}", package.purl)
        branches.append({"category": "product_version_range", "name": vers, "product": product})
        products.affected.append(str(product["product_id"]))
    return branches


def _range_text(span: AffectedSpan) -> str:
    """Return the range in the words of vers (``>=1.34|<5.2.0``)."""
    parts = [] if span.introduced == "0" else [f">={_purl_text(span.introduced)}"]
    if span.fixed:
        parts.append(f"<{_purl_text(span.fixed)}")
    if span.last_affected:
        parts.append(f"<={_purl_text(span.last_affected)}")
    return "|".join(parts) or "*"


def _purl_text(version: str) -> str:
    """Return a version with what purl and vers reserve percent-encoded."""
    plain = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_~:")
    return "".join(each if each in plain else "".join(f"%{byte:02X}" for byte in each.encode()) for each in version)


def _vulnerability(document: AdvisoryDocument, products: _Products) -> dict[str, object]:
    status: dict[str, list[str]] = {"known_affected": products.affected}
    if products.fixed:
        status["fixed"] = products.fixed
    written: dict[str, object] = {
        "ids": [{"system_name": document.publisher.name, "text": document.number}],
        "notes": [{"category": "description", "text": document.summary, "title": "What is wrong"}],
        "product_status": status,
        "remediations": [_remediation(document, products)],
        "title": document.title,
    }
    if document.cve:
        written["cve"] = document.cve
    if len(document.cwes) == 1 and document.cwes[0] in NAMES:
        written["cwe"] = {"id": document.cwes[0], "name": NAMES[document.cwes[0]]}
    return written


def _remediation(document: AdvisoryDocument, products: _Products) -> dict[str, object]:
    updates = [
        f"Update {package.name} to {version}." for package in document.packages for version in package.fixed_versions
    ]
    category = "vendor_fix" if updates else "mitigation" if document.remedy else "none_available"
    words = [*updates, document.remedy] if document.remedy else updates
    return {
        "category": category,
        "details": " ".join(words) or "No fixed version is known yet.",
        "product_ids": products.affected,
    }
