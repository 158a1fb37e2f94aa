"""Write a draft as the ``leadtime.report/1`` that it is, with what it was read from in it."""

from __future__ import annotations

import base64
from urllib.parse import urlsplit

from packageurl import PackageURL

from leadtime.flow.intake import limits
from leadtime.flow.intake.importing.forms import ReportForm
from leadtime.flow.intake.importing.records import Draft, Given, Imported, NotRead, ReadReport
from leadtime.flow.intake.rules import SCHEMA, parse_report
from leadtime.foundation.digests import canonical_json, digest_of
from leadtime.foundation.errors import Malformed
from leadtime.foundation.lines import one_line
from leadtime.foundation.strict_json import Json

ORIGIN = "imported_from"
NOT_STATED = "not stated"
UNTITLED = "Without a title"
CUT = " […]"
HOSTS = {"github.com": "github", "gitlab.com": "gitlab", "bitbucket.org": "bitbucket"}
"""Hosts of repositories -> the type of purl that names what lies there."""

OWNER_AND_NAME = 2


def write_report(draft: Draft, form: ReportForm, given: Given) -> Imported:
    """Return the report that a draft makes, or what is wrong with it."""
    report: dict[str, Json] = {
        "schema": SCHEMA,
        "title": _cut(draft.title.strip() or UNTITLED, limits.TITLE_CHARS_MAX),
        "description": _cut(draft.description if draft.description.strip() else UNTITLED, limits.DESCRIPTION_CHARS_MAX),
        "component": draft.component or given.component,
        "affected": _texts(draft.affected, limits.AFFECTED_MAX),
        "cwe": draft.weakness if draft.weakness and draft.weakness <= limits.CWE_MAX else None,
        "locations": [dict(each) for each in draft.locations[: limits.LOCATIONS_MAX]],
        "trust_boundary": _cut(draft.trust_boundary.strip(), limits.LONG_CHARS_MAX),
        "severity_claimed": _short(draft.severity),
        "found_by": _found_by(draft, given),
        "told": _texts(draft.told, limits.TOLD_MAX),
        "credit": [one_line(each, chars_max=limits.CREDIT_CHARS_MAX) for each in draft.credits[: limits.CREDITS_MAX]],
        "reference": _reference(draft.reference),
        "reproducer": draft.reproducer,
    }
    if not report["component"]:
        problem = Malformed(
            "this does not name its software",
            where=draft.where,
            next_step="Say it: --component PURL, or ?component=PURL at the API.",
        )
        return NotRead(draft.where, problem)
    return checked({name: value for name, value in report.items() if value}, draft.where, form, draft.original)


def checked(report: dict[str, Json], where: str, form: ReportForm, original: bytes) -> Imported:
    """Return a report with its origin if it can be read, else what is wrong; one too large goes without the bytes."""
    origin: dict[str, Json] = {"format": form.value, "digest": digest_of(original)}
    whole = canonical_json({**report, ORIGIN: {**origin, "base64": base64.b64encode(original).decode()}})
    if len(whole) > limits.REPORT_BYTES_MAX:
        whole = canonical_json({**report, ORIGIN: origin})
    try:
        return ReadReport(where, parse_report(whole).content)
    except Malformed as error:
        place = f"{where}: {error.where.removeprefix('$.')}"
        return NotRead(where, Malformed(error.what, where=place, next_step=error.next_step))


def software_at(repository: str, revision: str = "") -> str:
    """Return the purl of what lies in a repository, empty for a host whose repositories no type of purl names."""
    try:
        parts = urlsplit(repository.removeprefix("git+"))
        kind = HOSTS.get(parts.hostname or "")
    except ValueError:
        return ""
    names = [each for each in parts.path.removesuffix("/").removesuffix(".git").split("/") if each]
    if kind is None or len(names) != OWNER_AND_NAME:
        return ""
    try:
        return PackageURL(kind, names[0], names[1], revision or None).to_string()
    except ValueError:
        return ""


def _found_by(draft: Draft, given: Given) -> dict[str, Json]:
    named = {"tool": _short(draft.tool) or _short(given.tool) or NOT_STATED}
    named |= {"model": _short(draft.model), "run": _short(draft.run)}
    told: dict[str, Json] = {name: value for name, value in named.items() if value}
    return {**told, "person_reviewed": draft.person_reviewed}


def _reference(text: str) -> str:
    """Return a reference that is short enough: itself, or the digest of one that is not."""
    text = text.strip()
    return text if len(text) <= limits.REFERENCE_CHARS_MAX else digest_of(text.encode())


def _texts(texts: tuple[str, ...], items_max: int) -> Json:
    return [_short(each) for each in dict.fromkeys(texts[:items_max]) if each.strip()]


def _short(text: str) -> str:
    return _cut(text.strip(), limits.SHORT_CHARS_MAX)


def _cut(text: str, chars_max: int) -> str:
    return text if len(text) <= chars_max else text[: chars_max - len(CUT)].rstrip() + CUT
