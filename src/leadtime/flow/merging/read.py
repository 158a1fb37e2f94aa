"""Read a vulnerability: what it is, who found it, and why its reports are one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

from leadtime.flow.intake import ReportId
from leadtime.flow.merging.records import Credit, Evidence, Vulnerability, VulnerabilityId
from leadtime.flow.merging.stored import read_evidence, read_summary, read_why
from leadtime.flow.merging.tables import EVIDENCE, SUMMARY, WHY, merged_reports, vulnerabilities
from leadtime.flow.parties import OrganisationId
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing

REASONS_MAX = 100
"""Explanations returned with a vulnerability, in the order of the merges; credits are all returned."""


def read_vulnerability(tx: Transaction, vulnerability: VulnerabilityId) -> Vulnerability:
    """Return a vulnerability with every credit; raises `Missing` for one that the viewer may not see."""
    tx.require(Act.READ_VULNERABILITY, vulnerability)
    row = tx.connection.execute(select(vulnerabilities).where(vulnerabilities.c.id == vulnerability)).one_or_none()
    if row is None:
        raise Missing("there is no such vulnerability that you may see", next_step="Check the address.")
    summary = read_summary(tx.unseal(vulnerability, SUMMARY, row.summary))
    held = merged_reports.c
    members = tx.connection.execute(
        select(held.report, held.organisation, held.merged_at, held.why)
        .where(held.vulnerability == vulnerability)
        .order_by(held.report)
    ).all()
    joined = sorted(members, key=lambda member: (member.merged_at, member.report))
    return Vulnerability(
        id=vulnerability,
        component=summary.component,
        releases=summary.releases,
        fixed_releases=summary.fixed_releases,
        crash_class=summary.crash_class,
        access=summary.access,
        frames=summary.frames,
        credits=tuple(Credit(OrganisationId(m.organisation), ReportId(m.report), m.merged_at) for m in members),
        reasons=tuple(map(read_why, tx.unseal_all(vulnerability, WHY, (m.why for m in joined[:REASONS_MAX])))),
        absorbed_into=row.absorbed_into and VulnerabilityId(row.absorbed_into),
    )


def vulnerability_of(tx: Transaction, report: ReportId) -> VulnerabilityId | None:
    """Return the vulnerability that holds a report now, or None (not merged yet, or not the viewer's to see)."""
    found = tx.connection.scalar(select(merged_reports.c.vulnerability).where(merged_reports.c.report == report))
    return found and VulnerabilityId(found)


def is_proven(tx: Transaction, report: ReportId) -> bool:
    """Tell whether a report is merged by what a run showed of it, and not by a person's word alone."""
    held = merged_reports.c
    row = tx.connection.execute(select(held.organisation, held.evidence).where(held.report == report)).one_or_none()
    if row is None:
        return False
    content = tx.unseal(report, EVIDENCE, row.evidence)
    return bool(read_evidence(content, report, OrganisationId(row.organisation)).crash_class)


def first_report_of(tx: Transaction, vulnerability: VulnerabilityId) -> ReportId | None:
    """Return the oldest report that a vulnerability holds, None if it holds none (any more)."""
    held = merged_reports.c
    first = select(held.report).where(held.vulnerability == vulnerability).order_by(held.report).limit(1)
    found = tx.connection.scalar(first)
    return found and ReportId(found)


def finders_of(tx: Transaction, reports: Iterable[ReportId]) -> Mapping[ReportId, OrganisationId]:
    """Return whose each of the merged reports is, as far as the viewer may see them."""
    held = merged_reports.c
    rows = tx.connection.execute(select(held.report, held.organisation).where(held.report.in_(list(reports))))
    return {ReportId(row.report): OrganisationId(row.organisation) for row in rows}


def read_evidence_of(tx: Transaction, vulnerability: VulnerabilityId) -> tuple[Evidence, ...]:
    """Return what was seen of a vulnerability, equal evidence once, as that of the oldest report that has it."""
    tx.require(Act.READ_VULNERABILITY, vulnerability)
    held = merged_reports.c
    rows = tx.connection.execute(
        select(held.report, held.organisation, held.evidence)
        .where(held.vulnerability == vulnerability)
        .ext(distinct_on(held.content))
        .order_by(held.content, held.report)
    ).all()
    return tuple(
        read_evidence(
            tx.unseal(row.report, EVIDENCE, row.evidence), ReportId(row.report), OrganisationId(row.organisation)
        )
        for row in sorted(rows, key=lambda row: row.report)
    )
