"""Drafts from documents of standards: a SARIF log's results, an OSV record, a CSAF document's vulnerabilities."""

from __future__ import annotations

import re
from collections.abc import Iterator

from leadtime.flow.intake import limits
from leadtime.flow.intake.importing.records import Draft, LeftOut, NotRead
from leadtime.flow.intake.importing.write import software_at
from leadtime.formats.csaf_reading import Product, ToldVulnerability, read_csaf
from leadtime.formats.osv import OsvAffected
from leadtime.formats.osv_words import ToldOsv, read_osv_words
from leadtime.formats.sarif import read_sarif
from leadtime.formats.sarif_results import Place, SarifResult, read_result
from leadtime.foundation.digests import Digest, digest_of
from leadtime.foundation.errors import Malformed
from leadtime.foundation.strict_json import Json
from leadtime.packages.purls import is_ecosystem, purl_for

_WEAKNESS = re.compile(r"(?i:CWE)-([0-9]{1,6})\Z")

Drafted = Draft | LeftOut | NotRead


def draft_sarif(raw: bytes) -> Iterator[Drafted]:
    """Give a draft for each result of a log that is a finding."""
    seen: dict[str, dict[Digest, int]] = {}
    for found in read_sarif(raw):
        if isinstance(found, Malformed):
            yield NotRead(found.where, found)
            continue
        result = read_result(found)
        if result.left_out:
            yield LeftOut(result.where, result.left_out)
            continue
        # Two results of one log that say they are one and differ: the second gets a number of its own.
        alike = seen.setdefault(result.identity, {})
        number = alike.setdefault(digest_of(result.original), len(alike) + 1)
        yield _of_result(result, number)


def _of_result(result: SarifResult, number: int) -> Draft:
    first = result.message.strip().partition("\n")[0]
    return Draft(
        where=result.where,
        title=": ".join(each for each in (result.rule, first) if each),
        description="\n\n".join(each for each in (result.message, result.about) if each.strip()),
        component=software_at(result.repository, result.revision),
        original=result.original,
        tool=result.tool,
        weakness=result.weakness,
        locations=tuple(_location(place) for place in result.places),
        severity=result.level,
        reference=f"sarif:{result.identity}" + (f"-{number}" if number > 1 else ""),
    )


def _location(place: Place) -> dict[str, Json]:
    location: dict[str, Json] = {
        "file": place.file[: limits.PATH_CHARS_MAX],
        "function": place.function.strip() and place.function[: limits.FUNCTION_CHARS_MAX],
        "line": place.line if place.line and place.line <= limits.LINE_MAX else None,
    }
    return {name: value for name, value in location.items() if value}


def draft_osv(raw: bytes) -> Iterator[Drafted]:
    """Give a draft of an OSV record; one that was withdrawn is left out."""
    told = read_osv_words(raw)
    if told.record.withdrawn:
        yield LeftOut("$", "it was withdrawn")
        return
    record = told.record
    named: list[Json] = [software for each in record.affected if (software := _software(each))]
    named += [software for each in told.repositories if (software := software_at(each))]
    named += [{"vendor": each.ecosystem, "product": each.name} for each in record.affected if each.name]
    yield Draft(
        where="$",
        title=record.summary or told.details.strip().partition("\n")[0] or record.id,
        description="\n\n".join(each for each in (told.details or record.summary, *told.references) if each.strip()),
        component=named[0] if named else None,
        original=raw,
        tool=told.tools[0] if told.tools else "",
        affected=tuple(_affected(told)),
        weakness=_weakness(told.weaknesses),
        severity=told.scores[0] if told.scores else "",
        credits=told.credits,
        reference=record.id,
    )


def _software(affected: OsvAffected) -> str:
    """Return the purl of an affected package, by its own purl or by its ecosystem's name for it; empty for neither."""
    if affected.purl:
        return affected.purl
    if not affected.ecosystem or not affected.name or not is_ecosystem(affected.ecosystem):
        return ""
    try:
        return str(purl_for(affected.ecosystem, affected.name))
    except Malformed:
        return ""


def _affected(told: ToldOsv) -> Iterator[str]:
    """Give what a record says is affected, one line for each range, and each version by itself."""
    several = len(told.record.affected) > 1
    for package in told.record.affected:
        name = f"{package.purl or package.name or ''} ".lstrip() if several else ""
        for span in package.ranges:
            yield name + ", ".join(f"{event.bound} {event.version}" for event in span.events)
        yield from (f"{name}{version}" for version in package.versions)


def draft_csaf(raw: bytes) -> Iterator[Drafted]:
    """Give a draft for each vulnerability of a CSAF document."""
    for told in read_csaf(raw):
        yield NotRead(told.where, told) if isinstance(told, Malformed) else _of_vulnerability(told)


def _of_vulnerability(told: ToldVulnerability) -> Draft:
    named = [software for each in told.products if (software := _product(each))]
    return Draft(
        where=told.where,
        title=told.title or (told.ids[0] if told.ids else told.document),
        description=told.text or told.title,
        component=named[0] if named else None,
        original=told.original,
        affected=tuple(each.name for each in told.products),
        weakness=_weakness(told.weaknesses),
        severity=told.scores[0] if told.scores else "",
        credits=told.credits,
        reference="/".join((told.document, told.ids[0] if told.ids else told.where)),
    )


def _product(product: Product) -> Json:
    if product.purl:
        return product.purl
    if not product.vendor or not product.product:
        return None
    vendor, name, version = (
        each[: limits.SHORT_CHARS_MAX] for each in (product.vendor, product.product, product.version)
    )
    return {"vendor": vendor, "product": name, "version": version or None}


def _weakness(names: tuple[str, ...]) -> int | None:
    found = next((match for name in names if (match := _WEAKNESS.match(name))), None)
    return int(found.group(1)) if found else None
