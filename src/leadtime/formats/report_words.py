"""The words that people name a report's fields by, in the header of a table and in lines such as ``CWE: CWE-787``."""

from __future__ import annotations

from collections.abc import Mapping

FIELDS: Mapping[str, tuple[str, ...]] = {
    "title": ("title", "summary", "subject", "name"),
    "description": ("description", "details", "body", "text"),
    "component": ("component", "purl", "package", "package url"),
    "vendor": ("vendor", "manufacturer"),
    "product": ("product", "software"),
    "version": ("version", "product version", "installed version"),
    "affected": ("affected", "affected versions", "versions"),
    "cwe": ("cwe", "weakness", "cwe id"),
    "file": ("file", "location", "path"),
    "function": ("function", "symbol"),
    "line": ("line", "line number"),
    "trust boundary": ("trust boundary",),
    "severity": ("severity", "cvss", "score"),
    "tool": ("tool", "found by", "scanner"),
    "model": ("model",),
    "run": ("run", "scan"),
    "person reviewed": ("person reviewed", "reviewed", "human reviewed"),
    "told": ("told", "also told"),
    "credit": ("credit", "credits", "thanks"),
    "reference": ("reference", "id", "report id", "finding id"),
    "input": ("input", "reproducer input"),
}
"""Field -> how it may be called, the first of them that is there counting."""

FIELD_OF = {word: field for field, words in FIELDS.items() for word in words}

Words = Mapping[str, str]
"""A report's fields, by the names in `FIELDS`, as its writer wrote them; none of them empty."""


def spoken(name: str) -> str:
    """Return a field's name as it is looked up: lower case, with single spaces for what stands between words."""
    return " ".join(name.lower().replace("_", " ").replace("-", " ").split())
