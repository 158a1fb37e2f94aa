"""The place where evidence that could be one flaw meets: locked for a merge or a split, and read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import distinct_on

from leadtime.flow.intake import ReportId
from leadtime.flow.merging.records import Evidence, VulnerabilityId
from leadtime.flow.merging.rules import place_of
from leadtime.flow.merging.stored import content_of, read_evidence
from leadtime.flow.merging.tables import EVIDENCE, kept_apart, merged_reports, vulnerabilities
from leadtime.flow.parties import OrganisationId
from leadtime.foundation.database import Transaction
from leadtime.foundation.digests import canonical_json


@dataclass(frozen=True, slots=True)
class Known:
    """Evidence held by a vulnerability; of equal evidence in one vulnerability, that of the report merged first."""

    vulnerability: VulnerabilityId
    evidence: Evidence


def place_index(tx: Transaction, evidence: Evidence) -> bytes:
    """Return the blind index of the place where evidence that could be linked to this meets."""
    return tx.keys.blind("merging.place", canonical_json(place_of(evidence)).decode())


def content_index(tx: Transaction, evidence: Evidence) -> bytes:
    """Return the blind index of the evidence itself, whoever it is from."""
    return tx.keys.blind("merging.content", content_of(evidence).decode())


def lock_place(tx: Transaction, place: bytes) -> None:
    """Wait until no other transaction merges or splits here; held to the end of this one."""
    tx.lock("merging.place", place.hex())


def hold(tx: Transaction, those: Iterable[VulnerabilityId]) -> bool:
    """Wait until no other transaction changes what these vulnerabilities hold; held to the end of this one.

    A vulnerability with reports at several places is reached from each, so after the place it is held itself, before
    its reports are listed. False if one of them was absorbed meanwhile.
    """
    held = vulnerabilities.c
    query = select(held.absorbed_into).where(held.id.in_(list(those))).order_by(held.id)
    return not any(tx.connection.scalars(query.with_for_update(key_share=True)).all())


def read_known(tx: Transaction, place: bytes) -> tuple[Known, ...]:
    """Return the evidence at a place, first merged first, each distinct one once for each vulnerability with it."""
    held = merged_reports.c
    rows = tx.connection.execute(
        select(held.report, held.vulnerability, held.organisation, held.evidence, held.merged_at)
        .where(held.place == place)
        .ext(distinct_on(held.vulnerability, held.content))
        .order_by(held.vulnerability, held.content, held.merged_at, held.report)
    ).all()
    return tuple(
        Known(
            VulnerabilityId(row.vulnerability),
            read_evidence(
                tx.unseal(row.report, EVIDENCE, row.evidence), ReportId(row.report), OrganisationId(row.organisation)
            ),
        )
        for row in sorted(rows, key=lambda row: (row.merged_at, row.report))
    )


def reports_in(tx: Transaction, vulnerability: VulnerabilityId) -> set[ReportId]:
    """Return the reports that a vulnerability holds."""
    held = merged_reports.c
    return {ReportId(r) for r in tx.connection.scalars(select(held.report).where(held.vulnerability == vulnerability))}


def pairs_apart(tx: Transaction, vulnerabilities: Iterable[VulnerabilityId]) -> set[frozenset[ReportId]]:
    """Return the pairs that a person set apart and that touch a report of any of the vulnerabilities."""
    held = select(merged_reports.c.report).where(merged_reports.c.vulnerability.in_(list(vulnerabilities)))
    rows = tx.connection.execute(
        select(kept_apart.c.first, kept_apart.c.second).where(
            or_(kept_apart.c.first.in_(held), kept_apart.c.second.in_(held))
        )
    )
    return {frozenset({ReportId(row.first), ReportId(row.second)}) for row in rows}
