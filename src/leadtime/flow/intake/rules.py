"""How a report is read, when two are the same one, and what a receipt promises."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from packageurl import PackageURL

from leadtime.flow.intake import limits
from leadtime.flow.intake.fields import Fields, checked_list
from leadtime.flow.intake.records import (
    Component,
    Disclosure,
    Finding,
    FoundBy,
    Location,
    Package,
    Product,
    Receipt,
    Report,
    ReportBody,
    ReportId,
    Reproducer,
)
from leadtime.flow.intake.reproducers import parse_reproducer
from leadtime.foundation.digests import Digest, canonical_json, digest_of
from leadtime.foundation.errors import Malformed
from leadtime.foundation.keys import KeyRing, verify
from leadtime.foundation.lines import check_line
from leadtime.foundation.strict_json import Json, read_json

SCHEMA = "leadtime.report/1"
_CWE = re.compile(r"(?i:CWE)-([0-9]{1,6})\Z")


def found_with(model: str, keys: KeyRing) -> bytes:
    """Return the blind index of a model's name, letter case aside: reports found with it meet, and none is told it."""
    return keys.blind("report.found_with", model.casefold())


def parse_report(raw: bytes) -> ReportBody:
    """Return the report that ``raw`` is, unknown fields kept; raises `Malformed`, and nothing else, with the place."""
    document = read_json(raw, limits.REPORT_BOUNDS)
    fields = Fields.of(document, "$")
    if fields.get("schema") != SCHEMA:
        raise Malformed(f"the schema must be {SCHEMA}", where="$.schema", next_step="Correct it.")
    content = canonical_json(document)
    if len(content) > limits.REPORT_BYTES_MAX:
        # Numbers can be longer in canonical spelling (1e9 is 1000000000.0).
        raise Malformed("this is too large once its numbers are spelled out", where="$", next_step="Send less.")
    return ReportBody(
        title=fields.text("title", limits.TITLE_CHARS_MAX),
        description=fields.text("description", limits.DESCRIPTION_CHARS_MAX),
        component=_component(fields.get("component"), fields.at("component")),
        found_by=_found_by(Fields.of(fields.get("found_by"), fields.at("found_by"))),
        affected=fields.texts("affected", limits.SHORT_CHARS_MAX, limits.AFFECTED_MAX),
        cwe=_cwe(fields),
        locations=_locations(fields.get("locations"), fields.at("locations")),
        trust_boundary=fields.optional_text("trust_boundary", limits.LONG_CHARS_MAX),
        reproducer=parse_reproducer(fields.get("reproducer"), fields.at("reproducer")),
        severity_claimed=_severity(fields),
        told=fields.texts("told", limits.SHORT_CHARS_MAX, limits.TOLD_MAX),
        disclosure=_disclosure(fields),
        credit=_credit(fields),
        reference=fields.optional_text("reference", limits.REFERENCE_CHARS_MAX),
        content=content,
    )


def identity_of(reference: str | None, digest: Digest) -> str:
    """Return what makes a report the same one within its organisation: its reference, or its content if it has none."""
    return f"content:{digest}" if reference is None else f"reference:{reference}"


def read_as_finding(report: Report) -> Finding:
    """Return a report normalised: the software in one spelling, apart from its version."""
    software, version = _software(report.body.component)
    return Finding(
        report=report.id,
        organisation=report.organisation,
        title=report.body.title,
        component=report.body.component,
        software=software,
        version=version,
        cwe=report.body.cwe,
        locations=report.body.locations,
        reproducer=report.body.reproducer,
    )


def software_run(reproducer: Reproducer | None) -> str | None:
    """Return the software that a recipe builds, spelled as `read_as_finding` does; None if it names none that reads.

    It is what is run, merged and published; what the report calls its component is the finder's word.
    """
    recipe = read_json(reproducer.recipe, limits.REPORT_BOUNDS) if reproducer else None
    subject = recipe.get("subject") if isinstance(recipe, dict) else None
    named = subject.get("vulnerable") if isinstance(subject, dict) else None
    if not isinstance(named, str):
        return None
    try:
        return _software(Package(_purl(named, "recipe.subject.vulnerable")))[0]
    except Malformed:
        return None


def other_software_run(body: ReportBody) -> str:
    """Return a sentence if what is run is not what the report names, empty if both are one."""
    run = software_run(body.reproducer)
    if run is None or run == _software(body.component)[0]:
        return ""
    return f"The report names {name_of(body.component)}; what is run is {run}."


def place_claimed(body: ReportBody) -> str:
    """Return the place that a report claims, the same text for the same software, file and function; without, its own.

    A version does not tell places apart; a report that names no file is like none but itself.
    """
    software = _software(body.component)[0]
    if not body.locations:
        return canonical_json([software, digest_of(body.content)]).decode()
    first = body.locations[0]
    return canonical_json([software, first.file, first.function]).decode()


def name_of(component: Component) -> str:
    """Return a component as one line of text."""
    if isinstance(component, Package):
        return component.purl
    return " ".join(part for part in (component.vendor, component.product, component.version) if part)


def receipt_statement(receipt: Receipt) -> bytes:
    """Return the bytes that a receipt's signature is over: canonical JSON of every field but the signature itself."""
    statement = receipt_as_json(receipt)
    del statement["signature"]
    return canonical_json(statement)


def receipt_as_json(receipt: Receipt) -> dict[str, str | None]:
    """Return a receipt as it is sent: times in UTC (RFC 3339, ending in Z), the signature in base64."""
    return {
        "id": str(receipt.id),
        "reference": receipt.reference,
        "received_at": receipt.received_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "digest": receipt.digest,
        "key_id": receipt.key_id,
        "signature": base64.b64encode(receipt.signature).decode(),
    }


def read_receipt_json(raw: bytes) -> Receipt:
    """Return the receipt that `receipt_as_json` wrote; raises `Malformed`. It is not checked: see `check_receipt`."""
    fields = Fields.of(read_json(raw, limits.RECEIPT_BOUNDS), "$")
    try:
        return Receipt(
            id=ReportId(UUID(fields.text("id", limits.SHORT_CHARS_MAX))),
            reference=fields.optional_text("reference", limits.REFERENCE_CHARS_MAX),
            received_at=datetime.fromisoformat(fields.text("received_at", limits.SHORT_CHARS_MAX)),
            digest=Digest(fields.text("digest", limits.SHORT_CHARS_MAX)),
            key_id=fields.text("key_id", limits.SHORT_CHARS_MAX),
            signature=base64.b64decode(fields.text("signature", limits.SHORT_CHARS_MAX), validate=True),
        )
    except ValueError:
        raise Malformed("this is not a receipt", where="$", next_step="Copy all of it.") from None


def sign_receipt(receipt: Receipt, keys: KeyRing) -> Receipt:
    """Return the receipt with the installation's signature; the same receipt is always signed with the same bytes."""
    return replace(receipt, signature=keys.sign(receipt_statement(receipt)))


def check_receipt(receipt: Receipt, public_key: bytes) -> bool:
    """Tell whether a receipt was signed by the raw 32-byte Ed25519 ``public_key`` and not changed since."""
    return verify(public_key, receipt_statement(receipt), receipt.signature)


def _component(value: Json, where: str) -> Component:
    if isinstance(value, str):
        return Package(_purl(value, where))
    fields = Fields.of(value, where)
    return Product(
        vendor=fields.text("vendor", limits.SHORT_CHARS_MAX),
        product=fields.text("product", limits.SHORT_CHARS_MAX),
        version=fields.optional_text("version", limits.SHORT_CHARS_MAX),
    )


def _purl(text: str, where: str) -> str:
    problem = Malformed(
        "this is not a purl", where=where, next_step="Write it like pkg:pypi/name@1.0, or give vendor and product."
    )
    if len(text) > limits.PURL_CHARS_MAX:
        raise problem
    try:
        canonical = PackageURL.from_string(text).to_string()
        return PackageURL.from_string(canonical).to_string()
    except ValueError:
        raise problem from None


def _software(component: Component) -> tuple[str, str | None]:
    if isinstance(component, Product):
        return f"product:{component.vendor.casefold()}/{component.product.casefold()}", component.version
    purl = PackageURL.from_string(component.purl)
    return PackageURL(type=purl.type, namespace=purl.namespace, name=purl.name).to_string(), purl.version


def _found_by(fields: Fields) -> FoundBy:
    return FoundBy(
        tool=fields.text("tool", limits.SHORT_CHARS_MAX),
        model=fields.optional_text("model", limits.SHORT_CHARS_MAX),
        run=fields.optional_text("run", limits.SHORT_CHARS_MAX),
        person_reviewed=fields.flag("person_reviewed"),
    )


def _cwe(fields: Fields) -> str | None:
    if isinstance(fields.get("cwe"), str):
        found = _CWE.match(fields.text("cwe", limits.SHORT_CHARS_MAX))
        if found is None:
            raise Malformed("this is not a CWE", where=fields.at("cwe"), next_step="Write it like CWE-787.")
        return f"CWE-{int(found.group(1))}"
    number = fields.optional_number("cwe", limits.CWE_MAX)
    return None if number is None else f"CWE-{number}"


def _locations(value: Json, where: str) -> tuple[Location, ...]:
    items = checked_list(value, where, limits.LOCATIONS_MAX)
    return tuple(_location(Fields.of(item, f"{where}[{number}]")) for number, item in enumerate(items))


def _location(fields: Fields) -> Location:
    return Location(
        file=fields.text("file", limits.PATH_CHARS_MAX),
        function=fields.optional_text("function", limits.FUNCTION_CHARS_MAX),
        line=fields.optional_number("line", limits.LINE_MAX),
    )


def _credit(fields: Fields) -> tuple[str, ...]:
    """Read whom to thank: everybody will read it in an advisory, so each is one line of text."""
    named = fields.texts("credit", limits.CREDIT_CHARS_MAX, limits.CREDITS_MAX)
    return tuple(
        check_line(name, where=f"{fields.at('credit')}[{number}]", chars_max=limits.CREDIT_CHARS_MAX)
        for number, name in enumerate(named)
    )


def _severity(fields: Fields) -> str | None:
    score = fields.get("severity_claimed")
    if isinstance(score, int | float) and not isinstance(score, bool):
        return str(score)
    return fields.optional_text("severity_claimed", limits.SHORT_CHARS_MAX)


def _disclosure(fields: Fields) -> Disclosure | None:
    if fields.get("disclosure") is None:
        return None
    disclosure = Fields.of(fields.get("disclosure"), fields.at("disclosure"))
    return Disclosure(
        on=disclosure.day("date"), counted_from=disclosure.optional_text("counted_from", limits.SHORT_CHARS_MAX)
    )
