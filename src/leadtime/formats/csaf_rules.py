"""CSAF 2.0: its JSON schema and mandatory tests (section 6.1), by the package ``csaf``; the schema is OASIS's own."""

from __future__ import annotations

from pathlib import Path

from csaf.csaf.v20 import validate  # type: ignore[import-untyped]  # ships no types

from leadtime.formats.members import JsonObject
from leadtime.formats.verdicts import Failure, failure


def failures_of(document: JsonObject, _schemas: Path) -> tuple[Failure, ...]:
    """Return every failed rule of a CSAF 2.0 document; after a failed schema no test can run, so none is listed."""
    report = validate(dict(document))
    return tuple(
        failure(result.id, error.instance_path, f"{result.title}: {error.message}")
        for result in report.results
        if not result.passed and not result.skipped
        for error in result.errors
    )
