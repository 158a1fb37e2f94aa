"""What *intake* gives: reports as their finders wrote them, findings as we read them, and signed receipts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import NewType
from uuid import UUID

from leadtime.flow.parties import OrganisationId
from leadtime.foundation.digests import Digest

ReportId = NewType("ReportId", UUID)


@dataclass(frozen=True, slots=True)
class Package:
    """A component named by its purl, in the specification's canonical spelling."""

    purl: str


@dataclass(frozen=True, slots=True)
class Product:
    """A component that has no purl: commercial software, firmware, a service."""

    vendor: str
    product: str
    version: str | None


Component = Package | Product


@dataclass(frozen=True, slots=True)
class Location:
    """Where a finder says that the flaw is; ``line`` counts from 1."""

    file: str
    function: str | None
    line: int | None


@dataclass(frozen=True, slots=True)
class NamedFile:
    """One file of a reproducer: a plain relative name with ``/`` between its parts, and its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Reproducer:
    """How a finder shows the flaw: recipe (canonical JSON of ``leadtime.recipe/1``), files beside it, input."""

    recipe: bytes
    files: tuple[NamedFile, ...]
    input: NamedFile


@dataclass(frozen=True, slots=True)
class FoundBy:
    """What found it, and whether a person looked at the report before it was sent."""

    tool: str
    model: str | None
    run: str | None
    person_reviewed: bool


@dataclass(frozen=True, slots=True)
class Disclosure:
    """The finder's own date for telling the public, and what it was counted from."""

    on: date
    counted_from: str | None


@dataclass(frozen=True, slots=True)
class ReportBody:
    """One ``leadtime.report/1``; ``content`` is all of it, unknown fields too, as canonical JSON.

    Every text is as its finder wrote it, control characters included: escape it for the place it lands in.
    """

    title: str
    description: str
    component: Component
    found_by: FoundBy
    affected: tuple[str, ...]
    cwe: str | None
    locations: tuple[Location, ...]
    trust_boundary: str | None
    reproducer: Reproducer | None
    severity_claimed: str | None
    told: tuple[str, ...]
    disclosure: Disclosure | None
    credit: tuple[str, ...]
    reference: str | None
    content: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a finder holds in hand: this report, with this digest, was received then.

    ``digest`` is over the report's canonical JSON (sorted names, no white space, UTF-8); ``signature`` is Ed25519
    (RFC 8032) by the key ``key_id`` over `rules.receipt_statement`.
    """

    id: ReportId
    reference: str | None
    received_at: datetime
    digest: Digest
    key_id: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class Report:
    """A received report: whose it is, when it came, and what it says."""

    id: ReportId
    organisation: OrganisationId
    received_at: datetime
    digest: Digest
    body: ReportBody


@dataclass(frozen=True, slots=True)
class ReportSummary:
    """One row of a list of reports."""

    id: ReportId
    organisation: OrganisationId
    received_at: datetime
    title: str
    component: str
    reference: str | None


@dataclass(frozen=True, slots=True)
class ReportPage:
    """Reports, newest first; ``after`` is where the next page goes on (None: there is none)."""

    reports: tuple[ReportSummary, ...]
    after: ReportId | None


@dataclass(frozen=True, slots=True)
class Finding:
    """A report normalised for the stages to the right.

    ``software`` names the component without its version, in one spelling, so that equal software is equal text.
    """

    report: ReportId
    organisation: OrganisationId
    title: str
    component: Component
    software: str
    version: str | None
    cwe: str | None
    locations: tuple[Location, ...]
    reproducer: Reproducer | None
