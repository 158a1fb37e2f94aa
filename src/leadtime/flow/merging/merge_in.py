"""Merge one reproduced report into the vulnerability that it shows, or begin one with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from leadtime.flow.intake import ReportId
from leadtime.flow.merging.place import (
    content_index,
    hold,
    lock_place,
    pairs_apart,
    place_index,
    read_known,
    reports_in,
)
from leadtime.flow.merging.read import is_proven, vulnerability_of
from leadtime.flow.merging.records import Evidence, Link, Merged, VulnerabilityId
from leadtime.flow.merging.rules import JOINING, STRENGTH, choose, compare, partition, survivor_of, why_joined, why_new
from leadtime.flow.merging.stored import content_of, read_why, summary_of, why_json
from leadtime.flow.merging.summaries import join_summaries, open_vulnerability
from leadtime.flow.merging.tables import EVIDENCE, WHY, merged_reports, vulnerabilities
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Unavailable
from leadtime.foundation.explanation import Explanation

LOOKS_MAX = 10
"""Times that a merge looks again because what a report belongs to was joined with another meanwhile."""


@dataclass(frozen=True, slots=True)
class _Ties:
    """What a report belongs to: the vulnerability that holds it already, and those that its links lead into.

    ``held_by`` names the vulnerability of each other report at its place.
    """

    own: VulnerabilityId | None
    touched: frozenset[VulnerabilityId]
    links: Sequence[Link]
    held_by: Mapping[ReportId, VulnerabilityId]


def merge_in(tx: Transaction, evidence: Evidence) -> Merged:
    """Give a report to the one vulnerability that its evidence shows; every credit is kept.

    Again for the same report it changes nothing, unless that was held by a person's word alone and a run has shown it
    since: then its evidence counts from now on, and what holds it is joined with what that leads to. Reports that fail
    in one place wait for each other, so that two that come at once meet. A report that shows the same fault as
    vulnerabilities held apart until now joins them under the oldest; one that is only like several joins one of them,
    and the rest is a coordinator's to join (`read_alike`). What a person has split is never joined again.
    """
    tx.require(Act.COORDINATE_CASE)
    place = place_index(tx, evidence)
    lock_place(tx, place)
    before = _read_merged(tx, evidence.report)
    if before is not None and is_proven(tx, evidence.report):
        return before
    ties = _hold_ties(tx, evidence, place)
    joined = _joined(tx, evidence, ties)
    survivor = survivor_of(joined)
    leading = _leading(ties, joined)
    absorbed = tuple(sorted(joined - {survivor}, key=lambda one: one.int))
    if survivor is None:
        survivor = open_vulnerability(tx, summary_of([evidence]))
    else:
        absorb(tx, survivor, absorbed)
        join_summaries(tx, survivor, absorbed, summary_of([evidence]))
    merged = Merged(survivor, new=not leading, absorbed=absorbed, why=_why(tx, evidence, ties.own, leading))
    _credit(tx, evidence, place, merged)
    return merged


def _why(tx: Transaction, evidence: Evidence, own: VulnerabilityId | None, leading: Sequence[Link]) -> Explanation:
    """Return why a report is where it is: links can be found again, a person's words cannot, so those stay."""
    held = _read_merged(tx, evidence.report) if own is not None else None
    if held is not None and held.why.rule == why_joined("").rule:
        return held.why
    return min(leading, key=lambda link: STRENGTH.index(link.kind)).why if leading else why_new(evidence)


def _credit(tx: Transaction, evidence: Evidence, place: bytes, merged: Merged) -> None:
    """Write the report's row, which is its finder's credit."""
    row = {
        "vulnerability": merged.vulnerability,
        "organisation": evidence.finder,
        "place": place,
        "content": content_index(tx, evidence),
        "merged_at": tx.now,
        "evidence": tx.seal(evidence.report, EVIDENCE, content_of(evidence)),
        "why": tx.seal(merged.vulnerability, WHY, why_json(merged.why)),
    }
    credit = upsert(merged_reports).values({"report": evidence.report, **row})
    tx.connection.execute(credit.on_conflict_do_update(index_elements=["report"], set_=row))


def _read_merged(tx: Transaction, report: ReportId) -> Merged | None:
    held = merged_reports.c
    row = tx.connection.execute(select(held.vulnerability, held.why).where(held.report == report)).one_or_none()
    if row is None:
        return None
    why = read_why(tx.unseal(row.vulnerability, WHY, row.why))
    return Merged(VulnerabilityId(row.vulnerability), new=False, absorbed=(), why=why)


def _hold_ties(tx: Transaction, evidence: Evidence, place: bytes) -> _Ties:
    """Return what a report belongs to, held so that nothing is joined with it or leaves it meanwhile."""
    for _ in range(LOOKS_MAX):
        ties = _look(tx, evidence, place)
        if hold(tx, ties.touched) and ties.own in (None, vulnerability_of(tx, evidence.report)):
            return ties
    raise Unavailable("what this report belongs to is being joined with others", next_step="Try again.")


def _look(tx: Transaction, evidence: Evidence, place: bytes) -> _Ties:
    own = vulnerability_of(tx, evidence.report)
    known = [held for held in read_known(tx, place) if held.evidence.report != evidence.report]
    links = [link for held in known if (link := compare(evidence, held.evidence)) is not None]
    if own is not None and reports_in(tx, own) != {evidence.report}:
        links = [link for link in links if link.kind in JOINING]
    held_by = {held.evidence.report: held.vulnerability for held in known}
    chosen, leading = choose(evidence.report, links, held_by)
    return _Ties(own, chosen if own is None else chosen | {own}, leading, held_by)


def _joined(tx: Transaction, evidence: Evidence, ties: _Ties) -> AbstractSet[VulnerabilityId]:
    """Return which of the vulnerabilities the links join with this report, as far as nobody set them apart."""
    apart = pairs_apart(tx, ties.touched) if len(ties.touched) > 1 else set()
    if not apart:
        return ties.touched
    groups = {vulnerability: reports_in(tx, vulnerability) for vulnerability in ties.touched}
    alone = [{evidence.report}] if ties.own is None else []
    joined = partition([*alone, *groups.values()], ties.links, apart)
    mine = next(members for members in joined if evidence.report in members)
    return {vulnerability for vulnerability, members in groups.items() if members <= mine}


def _leading(ties: _Ties, joined: AbstractSet[VulnerabilityId]) -> list[Link]:
    """Return the links that lead into the joined vulnerabilities."""
    inside = {report for report, vulnerability in ties.held_by.items() if vulnerability in joined}
    return [link for link in ties.links if link.first in inside or link.second in inside]


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
