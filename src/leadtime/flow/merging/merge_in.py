"""Merge one reproduced report into the vulnerability that it shows, or begin one with it."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from sqlalchemy import insert, select, update

from leadtime.flow.merging.place import (
    Known,
    content_index,
    lock_place,
    pairs_apart,
    place_index,
    read_known,
    reports_in,
)
from leadtime.flow.merging.records import Evidence, Link, Merged, VulnerabilityId
from leadtime.flow.merging.rules import STRENGTH, choose, compare, partition, survivor_of, why_new
from leadtime.flow.merging.stored import content_of, read_why, summary_of, why_json
from leadtime.flow.merging.summaries import join_summaries, open_vulnerability
from leadtime.flow.merging.tables import EVIDENCE, WHY, merged_reports, vulnerabilities
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction


def merge_in(tx: Transaction, evidence: Evidence) -> Merged:
    """Give a report to the one vulnerability that its evidence shows; every credit is kept.

    Again for the same report it changes nothing. Reports that fail in one place wait for each other, so that two that
    come at once meet. A report that shows the same fault as vulnerabilities held apart until now joins them under the
    oldest; one that is only like several joins one of them, and the rest is a coordinator's to join (`read_alike`).
    What a person has split is never joined again.
    """
    tx.require(Act.COORDINATE_CASE)
    place = place_index(tx, evidence)
    lock_place(tx, place)
    before = _read_merged(tx, evidence)
    if before is not None:
        return before
    known = read_known(tx, place)
    links: Sequence[Link] = [link for held in known if (link := compare(evidence, held.evidence)) is not None]
    chosen, links = choose(evidence.report, links, {held.evidence.report: held.vulnerability for held in known})
    joined = _joined(tx, evidence, chosen, links)
    survivor = survivor_of(joined)
    if survivor is None:
        merged = Merged(open_vulnerability(tx, summary_of([evidence])), new=True, absorbed=(), why=why_new(evidence))
    else:
        why = min(_among(links, known, joined), key=lambda link: STRENGTH.index(link.kind)).why
        absorbed = tuple(sorted(joined - {survivor}, key=lambda one: one.int))
        merged = Merged(survivor, new=False, absorbed=absorbed, why=why)
        absorb(tx, survivor, absorbed)
        join_summaries(tx, survivor, absorbed, summary_of([evidence]))
    _credit(tx, evidence, place, merged)
    return merged


def _credit(tx: Transaction, evidence: Evidence, place: bytes, merged: Merged) -> None:
    """Write the report's row, which is its finder's credit."""
    row = {
        "report": evidence.report,
        "vulnerability": merged.vulnerability,
        "organisation": evidence.finder,
        "place": place,
        "content": content_index(tx, evidence),
        "merged_at": tx.now,
        "evidence": tx.seal(evidence.report, EVIDENCE, content_of(evidence)),
        "why": tx.seal(merged.vulnerability, WHY, why_json(merged.why)),
    }
    tx.connection.execute(insert(merged_reports).values(row))


def _read_merged(tx: Transaction, evidence: Evidence) -> Merged | None:
    row = tx.connection.execute(
        select(merged_reports.c.vulnerability, merged_reports.c.why).where(merged_reports.c.report == evidence.report)
    ).one_or_none()
    if row is None:
        return None
    why = read_why(tx.unseal(row.vulnerability, WHY, row.why))
    return Merged(VulnerabilityId(row.vulnerability), new=False, absorbed=(), why=why)


def _joined(
    tx: Transaction, evidence: Evidence, touched: AbstractSet[VulnerabilityId], links: Sequence[Link]
) -> AbstractSet[VulnerabilityId]:
    """Return which of the vulnerabilities the links join with this report, as far as nobody set them apart."""
    apart = pairs_apart(tx, touched) if len(touched) > 1 else set()
    if not apart:
        return touched
    groups = {vulnerability: reports_in(tx, vulnerability) for vulnerability in touched}
    joined = partition([{evidence.report}, *groups.values()], links, apart)
    mine = next(members for members in joined if evidence.report in members)
    return {vulnerability for vulnerability, members in groups.items() if members <= mine}


def _among(links: Sequence[Link], known: Sequence[Known], joined: AbstractSet[VulnerabilityId]) -> list[Link]:
    """Return the links that lead into the joined vulnerabilities."""
    inside = {held.evidence.report for held in known if held.vulnerability in joined}
    return [link for link in links if link.first in inside or link.second in inside]


def absorb(tx: Transaction, survivor: VulnerabilityId, absorbed: Sequence[VulnerabilityId]) -> None:
    """Move every report of the absorbed vulnerabilities to the survivor, and leave the way to it."""
    held = merged_reports.c
    rows = tx.connection.execute(
        select(held.report, held.vulnerability, held.why).where(held.vulnerability.in_(absorbed))
    ).all()
    for row in rows:
        why = tx.seal(survivor, WHY, tx.unseal(row.vulnerability, WHY, row.why))
        tx.connection.execute(
            update(merged_reports).where(held.report == row.report).values(vulnerability=survivor, why=why)
        )
    tx.connection.execute(
        update(vulnerabilities)
        .where(vulnerabilities.c.id.in_(absorbed) | vulnerabilities.c.absorbed_into.in_(absorbed))
        .values(absorbed_into=survivor)
    )
