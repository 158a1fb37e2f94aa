"""Split reports off a vulnerability, for good."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from sqlalchemy import insert, select, update

from leadtime.flow.intake import ReportId
from leadtime.flow.merging.place import hold, lock_place, reports_in
from leadtime.flow.merging.records import Evidence, VulnerabilityId
from leadtime.flow.merging.rules import check_split
from leadtime.flow.merging.stored import read_evidence, summary_of
from leadtime.flow.merging.summaries import open_vulnerability, write_summary
from leadtime.flow.merging.tables import EVIDENCE, WHY, kept_apart, merged_reports
from leadtime.flow.parties import OrganisationId
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing


def split(tx: Transaction, vulnerability: VulnerabilityId, reports: Iterable[ReportId]) -> VulnerabilityId:
    """Move reports, with their credits and evidence, into a new vulnerability, and return it.

    Every pair across the split is set apart: no later merge joins the two again. Raises `Missing` for a vulnerability
    that holds nothing, and `Malformed` unless some of its reports leave and some stay.
    """
    tx.require(Act.COORDINATE_CASE, vulnerability)
    leaving = frozenset(reports)
    _lock(tx, vulnerability)
    staying = reports_in(tx, vulnerability)
    check_split(staying, leaving)
    staying -= leaving
    summaries = {side: summary_of(_read_evidence(tx, side)) for side in (leaving, frozenset(staying))}
    new = open_vulnerability(tx, summaries[leaving])
    write_summary(tx, vulnerability, summaries[frozenset(staying)])
    _move(tx, leaving, vulnerability, new)
    _set_apart(tx, leaving, staying, vulnerability, new)
    return new


def _lock(tx: Transaction, vulnerability: VulnerabilityId) -> None:
    """Take the locks of the places where the vulnerability's reports meet, and hold it."""
    places = select(merged_reports.c.place).where(merged_reports.c.vulnerability == vulnerability).distinct()
    found = sorted(tx.connection.scalars(places))
    if not found:
        raise Missing("there is no such vulnerability, or it was absorbed", next_step="Read the case again.")
    for place in found:
        lock_place(tx, place)
    hold(tx, (vulnerability,))


def _read_evidence(tx: Transaction, reports: Iterable[ReportId]) -> list[Evidence]:
    held = merged_reports.c
    rows = tx.connection.execute(
        select(held.report, held.organisation, held.evidence)
        .where(held.report.in_(list(reports)))
        .order_by(held.report)
    ).all()
    return [
        read_evidence(
            tx.unseal(row.report, EVIDENCE, row.evidence), ReportId(row.report), OrganisationId(row.organisation)
        )
        for row in rows
    ]


def _move(tx: Transaction, reports: Iterable[ReportId], old: VulnerabilityId, new: VulnerabilityId) -> None:
    held = merged_reports.c
    rows = tx.connection.execute(select(held.report, held.why).where(held.report.in_(list(reports)))).all()
    for row in rows:
        why = tx.seal(new, WHY, tx.unseal(old, WHY, row.why))
        tx.connection.execute(
            update(merged_reports).where(held.report == row.report).values(vulnerability=new, why=why)
        )


def _set_apart(
    tx: Transaction,
    leaving: Iterable[ReportId],
    staying: Iterable[ReportId],
    old: VulnerabilityId,
    new: VulnerabilityId,
) -> None:
    rows = []
    for pair in product(leaving, staying):
        first, second = sorted(pair, key=lambda report: report.int)
        rows.append(
            {
                "first": first,
                "second": second,
                "person": tx.viewer.person,
                "at": tx.now,
                "split_from": old,
                "split_off": new,
            }
        )
    tx.connection.execute(insert(kept_apart), rows)
