"""CSAF 2.0: its JSON schema and mandatory tests (section 6.1), by the package ``csaf``; the schema is OASIS's own."""

from __future__ import annotations

import importlib
import json
from functools import cache
from pathlib import Path
from types import ModuleType

from leadtime.formats.csaf_profiles import profile_failures, version_failures
from leadtime.formats.members import JsonObject
from leadtime.formats.verdicts import Failure, failure

OURS = frozenset({"6.1.27", "6.1.31"})
"""Tests that `csaf_profiles` does in the package's stead."""

WEAKNESS_TEST = "6.1.11"


def failures_of(document: JsonObject, _schemas: Path) -> tuple[Failure, ...]:
    """Return every failed rule of a CSAF 2.0 document; after a failed schema no test can run, so none is listed."""
    report = _package().validate(dict(document), skip_rules=OURS)
    found = tuple(
        failure(result.id, error.instance_path, f"{result.title}: {error.message}")
        for result in report.results
        if not result.passed and not result.skipped
        for error in result.errors
        if result.id != WEAKNESS_TEST or not _was_its_name(document, error.instance_path)
    )
    if any(each.rule == "schema" for each in found):
        return found
    return (*found, *profile_failures(document), *version_failures(document))


def _was_its_name(document: JsonObject, where: str) -> bool:
    """Tell whether a weakness stands under a name that it had in some version of CWE: CSAF 2.0 names no version."""
    parts = where.split("/")
    vulnerabilities = document.get("vulnerabilities")
    if parts[-1] != "name" or not isinstance(vulnerabilities, list):
        return False
    vulnerability = vulnerabilities[int(parts[2])]
    weakness = vulnerability.get("cwe") if isinstance(vulnerability, dict) else None
    if not isinstance(weakness, dict):
        return False
    return weakness.get("name") in _names().get(str(weakness.get("id")), frozenset())


@cache
def _package() -> ModuleType:
    """Return the package's CSAF 2.0, loaded for the first CSAF document: it takes seconds (it brings a terminal UI)."""
    return importlib.import_module("csaf.csaf.v20")


@cache
def _names() -> dict[str, frozenset[str]]:
    """Return every name that each weakness had, from the catalogue that the package ships."""
    catalogue = json.loads((Path(str(_package().__file__)).parents[1] / "v21/cwe/catalog.json").read_bytes())
    return {
        f"CWE-{number}": frozenset(name for _, name in each["history"] if name)
        for number, each in catalogue["weaknesses"].items()
    }
