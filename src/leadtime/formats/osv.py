"""OSV records (OpenSSF OSV schema 1.7): read for matching, written from one advisory."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum

from leadtime.formats.advisories import (
    AdvisoryDocument,
    AffectedPackage,
    AffectedSpan,
    CreditKind,
    Outcome,
    ReferenceKind,
)
from leadtime.formats.limits import AFFECTED_MAX, COMPONENT_TEXT_CHARS_MAX, DOCUMENT, DOCUMENT_BYTES_MAX, EVENTS_MAX
from leadtime.formats.members import JsonObject, list_in, object_in, required, text_in, texts_in
from leadtime.foundation.errors import Malformed
from leadtime.foundation.strict_json import Json, read_json

SCHEMA_VERSION = "1.7.3"
PRIVATE_PREFIX = "x_"
"""What OSV sets before ids of databases that it does not register."""

SEMVER_ECOSYSTEMS = frozenset({"npm", "Go", "crates.io", "Hex", "SwiftURL"})
"""Ecosystems whose versions are SemVer, so that their ranges may say so (OSV schema, affected[].ranges[].type)."""

_BOUND_WORDS = ("introduced", "fixed", "last_affected", "limit")
_CREDIT_TYPES = {
    CreditKind.FINDER: "FINDER",
    CreditKind.COORDINATOR: "COORDINATOR",
    CreditKind.MAINTAINER: "REMEDIATION_DEVELOPER",
}
_REFERENCE_TYPES = {
    ReferenceKind.ADVISORY: "ADVISORY",
    ReferenceKind.FIX: "FIX",
    ReferenceKind.REPORT: "REPORT",
    ReferenceKind.WEB: "WEB",
}


class RangeType(StrEnum):
    """How the versions of a range are ordered."""

    SEMVER = "SEMVER"
    ECOSYSTEM = "ECOSYSTEM"
    GIT = "GIT"


@dataclass(frozen=True, slots=True)
class OsvEvent:
    """One bound of a range: ``introduced``, ``fixed``, ``last_affected`` or ``limit``, and a version."""

    bound: str
    version: str


@dataclass(frozen=True, slots=True)
class OsvRange:
    """Events of one line of versions, in the order in which they were written."""

    type: RangeType
    events: tuple[OsvEvent, ...]


@dataclass(frozen=True, slots=True)
class OsvAffected:
    """One package of a record; ``ecosystem`` may carry a release (``Debian:12``); Git-only records name no package."""

    ecosystem: str | None
    name: str | None
    purl: str | None
    ranges: tuple[OsvRange, ...]
    versions: tuple[str, ...]

    @property
    def fixed(self) -> tuple[str, ...]:
        """Return the fixed versions that its ranges of versions name (not commits), in their order, each once."""
        events = [event for each in self.ranges if each.type is not RangeType.GIT for event in each.events]
        return tuple(dict.fromkeys(event.version for event in events if event.bound == "fixed"))


@dataclass(frozen=True, slots=True)
class OsvRecord:
    """What matching needs of one record; ``withdrawn`` is the instant as it was written, None: it stands."""

    id: str
    aliases: tuple[str, ...]
    summary: str
    withdrawn: str | None
    affected: tuple[OsvAffected, ...]


def read_osv(raw: bytes, *, where: str = "$") -> OsvRecord:
    """Return the record that ``raw`` is; raises `Malformed` for anything that does not have its shape.

    Reads every schema version so far; fields that matching does not use are not judged (see `validity`).
    """
    return osv_record(read_json(raw.removeprefix(b"\xef\xbb\xbf"), DOCUMENT), where=where)


def osv_record(document: Json, *, where: str = "$") -> OsvRecord:
    """Return the record that a parsed document is; raises as `read_osv`."""
    record = object_in(document, where)
    affected = list_in(record, "affected", where, items_max=AFFECTED_MAX)
    return OsvRecord(
        id=required(text_in(record, "id", where, chars_max=COMPONENT_TEXT_CHARS_MAX), "id", where),
        aliases=texts_in(record, "aliases", where, items_max=EVENTS_MAX, chars_max=COMPONENT_TEXT_CHARS_MAX),
        summary=text_in(record, "summary", where, chars_max=DOCUMENT_BYTES_MAX) or "",
        withdrawn=text_in(record, "withdrawn", where, chars_max=COMPONENT_TEXT_CHARS_MAX),
        affected=tuple(_affected(object_in(each, f"{where}.affected"), f"{where}.affected") for each in affected),
    )


def _affected(value: JsonObject, where: str) -> OsvAffected:
    package = value.get("package")
    named = object_in(package, f"{where}.package") if package is not None else {}
    ranges = list_in(value, "ranges", where, items_max=EVENTS_MAX)
    return OsvAffected(
        ecosystem=text_in(named, "ecosystem", f"{where}.package", chars_max=COMPONENT_TEXT_CHARS_MAX),
        name=text_in(named, "name", f"{where}.package", chars_max=COMPONENT_TEXT_CHARS_MAX),
        purl=text_in(named, "purl", f"{where}.package", chars_max=COMPONENT_TEXT_CHARS_MAX),
        ranges=tuple(_range(object_in(each, f"{where}.ranges"), f"{where}.ranges") for each in ranges),
        versions=texts_in(value, "versions", where, items_max=EVENTS_MAX, chars_max=COMPONENT_TEXT_CHARS_MAX),
    )


def _range(value: JsonObject, where: str) -> OsvRange:
    kind = text_in(value, "type", where, chars_max=COMPONENT_TEXT_CHARS_MAX)
    if kind not in set(RangeType):
        raise Malformed("a range's type is SEMVER, ECOSYSTEM or GIT", where=f"{where}.type", next_step="Correct it.")
    events: list[OsvEvent] = []
    for each in list_in(value, "events", where, items_max=EVENTS_MAX):
        event = object_in(each, f"{where}.events")
        for bound in _BOUND_WORDS:
            version = text_in(event, bound, f"{where}.events", chars_max=COMPONENT_TEXT_CHARS_MAX)
            if version is not None:
                events.append(OsvEvent(bound, version))
    return OsvRange(RangeType(kind), tuple(events))


def osv_id(number: str) -> str:
    """Return the OSV id of the advisory with that number, for example ``x_LT-2026-0001``."""
    return PRIVATE_PREFIX + number


def write_osv(document: AdvisoryDocument) -> bytes:
    """Return the advisory as an OSV record (schema 1.7), the same bytes for the same record.

    Versions are those that were run and shown affected; ranges are those that a person entered, with their source
    in ``database_specific``. Nothing else is said to be affected.
    """
    record: dict[str, object] = {
        "schema_version": SCHEMA_VERSION,
        "id": osv_id(document.number),
        "modified": document.modified_at.isoformat().replace("+00:00", "Z"),
        "published": document.published_at.isoformat().replace("+00:00", "Z"),
        "aliases": [document.cve] if document.cve else [],
        "summary": document.title,
        "details": _details(document),
        "affected": [_written_package(each) for each in document.packages],
        "references": [{"type": _REFERENCE_TYPES[each.kind], "url": each.url} for each in document.references],
        "credits": [{"name": each.name, "type": _CREDIT_TYPES[each.kind]} for each in document.credits],
        "database_specific": {"cwe_ids": list(document.cwes), "publisher": document.publisher.name},
    }
    if document.withdrawn_at:
        record["withdrawn"] = document.withdrawn_at.isoformat().replace("+00:00", "Z")
    return json.dumps(record, indent=2, ensure_ascii=False).encode() + b"\n"


def _details(document: AdvisoryDocument) -> str:
    remedy = f"\n\n{document.remedy}" if document.remedy else ""
    return document.summary + remedy


def _written_package(package: AffectedPackage) -> dict[str, object]:
    written: dict[str, object] = {}
    if package.ecosystem:
        written["package"] = {"ecosystem": package.ecosystem, "name": package.name, "purl": package.purl}
    if package.spans:
        written["ranges"] = [_written_range(package, each) for each in package.spans]
    written["versions"] = [run.version for run in package.runs if run.outcome is Outcome.AFFECTED]
    written["database_specific"] = {
        "purl": package.purl,
        "runs": [
            {"version": run.version, "outcome": run.outcome.value, "validation": run.validation} for run in package.runs
        ],
        "range_sources": [each.source for each in package.spans],
    }
    return written


def _written_range(package: AffectedPackage, span: AffectedSpan) -> dict[str, object]:
    events = [{"introduced": span.introduced}]
    if span.fixed:
        events.append({"fixed": span.fixed})
    if span.last_affected:
        events.append({"last_affected": span.last_affected})
    kind = RangeType.SEMVER if package.ecosystem in SEMVER_ECOSYSTEMS else RangeType.ECOSYSTEM
    return {"type": kind.value, "events": events}
