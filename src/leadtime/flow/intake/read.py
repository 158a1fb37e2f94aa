"""Read reports, findings and receipts: a finder its own, a coordinator all, a maintainer those delivered to it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import RowMapping, Select, select

from leadtime.flow.intake import limits
from leadtime.flow.intake.records import Finding, Receipt, Report, ReportId, ReportPage, ReportSummary
from leadtime.flow.intake.rules import parse_report, read_as_finding, read_receipt_json
from leadtime.flow.intake.tables import BODY, RECEIPT, SUMMARY, reports
from leadtime.flow.parties import OrganisationId, PersonId
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.digests import digest_of
from leadtime.foundation.errors import Missing


def read_report(tx: Transaction, report: ReportId) -> Report:
    """Return a report as its finder wrote it; raises `Missing` for one that the viewer may not see."""
    tx.require(Act.READ_REPORT, report)
    row = _one(tx, report, select(reports.c.organisation, reports.c.received_at, reports.c.body))
    content = tx.unseal(report, BODY, row["body"])
    return Report(
        id=report,
        organisation=OrganisationId(row["organisation"]),
        received_at=row["received_at"],
        digest=digest_of(content),
        body=parse_report(content),
    )


def read_finding(tx: Transaction, report: ReportId) -> Finding:
    """Return a report normalised for the stages to the right."""
    return read_as_finding(read_report(tx, report))


def read_sender(tx: Transaction, report: ReportId) -> PersonId | None:
    """Return the person who handed a report in, None for an organisation's own program."""
    tx.require(Act.READ_REPORT, report)
    row = _one(tx, report, select(reports.c.person))
    return None if row["person"] is None else PersonId(row["person"])


def read_receipt(tx: Transaction, report: ReportId) -> Receipt:
    """Return the receipt that was given for a report, the same bytes signed as then."""
    tx.require(Act.READ_REPORT, report)
    return find_receipt(tx, report)


def find_receipt(tx: Transaction, report: ReportId) -> Receipt:
    """Return a report's receipt to a caller who has asked access."""
    row = _one(tx, report, select(reports.c.receipt))
    return read_receipt_json(tx.unseal(report, RECEIPT, row["receipt"]))


def list_reports(
    tx: Transaction,
    *,
    after: ReportId | None = None,
    page_reports: int = limits.PAGE_REPORTS_MAX,
    among: Collection[ReportId] | None = None,
) -> ReportPage:
    """Return the viewer's own reports (a coordinator: all), newest first, from behind ``after`` on.

    ``among``: no others than these.
    """
    tx.require(Act.READ_REPORT)
    size = max(1, min(page_reports, limits.PAGE_REPORTS_MAX))
    query = select(reports.c.id, reports.c.organisation, reports.c.received_at, reports.c.summary)
    if after is not None:
        query = query.where(reports.c.id < after)
    if among is not None:
        query = query.where(reports.c.id.in_(among))
    rows = tx.connection.execute(query.order_by(reports.c.id.desc()).limit(size + 1)).mappings().all()
    found = tuple(_summary(tx, row) for row in rows[:size])
    return ReportPage(reports=found, after=found[-1].id if len(rows) > size else None)


def read_credits(tx: Transaction, reports_asked: Sequence[ReportId]) -> Mapping[ReportId, tuple[str, ...]]:
    """Return whom each report wants thanked, as its finder wrote it; without the reports that the viewer may not see.

    Reads no report's body.
    """
    found: dict[ReportId, tuple[str, ...]] = {}
    query = select(reports.c.id, reports.c.summary)
    for start in range(0, len(reports_asked), limits.CREDITS_READ_AT_ONCE):
        some = reports_asked[start : start + limits.CREDITS_READ_AT_ONCE]
        for row in tx.connection.execute(query.where(reports.c.id.in_(some))):
            report = ReportId(row.id)
            tx.require(Act.READ_REPORT, report)
            found[report] = tuple(json.loads(tx.unseal(report, SUMMARY, row.summary))["credit"])
    return found


def _one(tx: Transaction, report: ReportId, query: Select[tuple[object, ...]]) -> RowMapping:
    row = tx.connection.execute(query.where(reports.c.id == report)).mappings().one_or_none()
    if row is None:
        raise Missing("there is no such report", where=str(report), next_step="Copy the id from its receipt.")
    return row


def _summary(tx: Transaction, row: RowMapping) -> ReportSummary:
    report = ReportId(row["id"])
    told = json.loads(tx.unseal(report, SUMMARY, row["summary"]))
    return ReportSummary(
        id=report,
        organisation=OrganisationId(row["organisation"]),
        received_at=row["received_at"],
        title=told["title"],
        component=told["component"],
        reference=told["reference"],
    )
