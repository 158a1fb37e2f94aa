"""Vulnerabilities that are alike and yet two: suggested to a coordinator, who may join them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import islice, product

from sqlalchemy import select, update

from leadtime.flow.intake import Finding, ReportId
from leadtime.flow.merging.claims import claimed_by, claimed_with
from leadtime.flow.merging.merge_in import absorb
from leadtime.flow.merging.patched import silenced_with
from leadtime.flow.merging.place import hold, lock_place, pairs_apart, read_known, reports_in
from leadtime.flow.merging.records import Evidence, LinkKind, Merged, VulnerabilityId
from leadtime.flow.merging.rules import (
    ALIKE_PAIRS_MAX,
    STRENGTH,
    check_join,
    suggest,
    survivor_of,
    why_joined,
    why_same_patch,
)
from leadtime.flow.merging.stored import why_json
from leadtime.flow.merging.summaries import join_summaries
from leadtime.flow.merging.tables import WHY, merged_reports
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing
from leadtime.foundation.explanation import Explanation
from leadtime.foundation.lines import check_line

REASON_CHARS_MAX = 500


@dataclass(frozen=True, slots=True)
class Alike:
    """Another vulnerability that evidence links to one, and by what; a coordinator decides whether they are one."""

    vulnerability: VulnerabilityId
    kind: LinkKind
    why: Explanation

    @property
    def weight(self) -> float:
        """Return the weight of the link's kind."""
        return self.kind.weight


def read_alike(tx: Transaction, vulnerability: VulnerabilityId) -> tuple[Alike, ...]:
    """Return the vulnerabilities that a link leads to and that nobody split from this one, strongest link first.

    Links are what runs showed, what a patch silenced, and what finders claim (`note_claims`).
    """
    tx.require(Act.COORDINATE_CASE, vulnerability)
    known = [one for place in _places(tx, vulnerability) for one in read_known(tx, place)]
    mine = [one for one in known if one.vulnerability == vulnerability]
    others = [one for one in known if one.vulnerability != vulnerability]
    found = {other: Alike(other, kind, why) for other, kind, why in claimed_with(tx, vulnerability)}
    found |= {
        other: Alike(other, LinkKind.SAME_PATCH, why_same_patch(p)) for other, p in silenced_with(tx, vulnerability)
    }
    for one, other in islice(product(mine, others), ALIKE_PAIRS_MAX):
        link = suggest(one.evidence, other.evidence)
        before = found.get(other.vulnerability)
        if link is not None and (before is None or STRENGTH.index(link.kind) < STRENGTH.index(before.kind)):
            found[other.vulnerability] = Alike(other.vulnerability, link.kind, link.why)
    apart = _split_from(tx, vulnerability, found)
    ordered = sorted(found.values(), key=lambda one: (STRENGTH.index(one.kind), one.vulnerability.int))
    return tuple(one for one in ordered if one.vulnerability not in apart)


def read_claimed(tx: Transaction, finding: Finding, evidence: Evidence) -> tuple[Alike, ...]:
    """Return the vulnerabilities that a report which is in none may be of, by what it claims, strongest link first."""
    tx.require(Act.COORDINATE_CASE)
    return tuple(Alike(*one) for one in claimed_by(tx, finding, evidence))


def join(tx: Transaction, vulnerability: VulnerabilityId, other: VulnerabilityId, *, reason: str) -> Merged:
    """Make two vulnerabilities one, under the older, because a coordinator says so; every credit is kept.

    Raises `Missing` for one that holds nothing, `Malformed` for one and the same or without a reason, and `Conflict`
    for two that a person split apart.
    """
    tx.require(Act.COORDINATE_CASE, vulnerability)
    tx.require(Act.COORDINATE_CASE, other)
    because = check_line(reason, where="reason", chars_max=REASON_CHARS_MAX)
    for place in sorted({*_places(tx, vulnerability), *_places(tx, other)}):
        lock_place(tx, place)
    hold(tx, (vulnerability, other))
    held = {each: reports_in(tx, each) for each in (vulnerability, other)}
    if not all(held.values()):
        raise Missing("there is no such vulnerability, or it was absorbed", next_step="Read the case again.")
    check_join(pairs_apart(tx, held), held[vulnerability], held[other])
    survivor = survivor_of(held) or vulnerability
    (absorbed,) = {vulnerability, other} - {survivor}
    why = why_joined(because)
    absorb(tx, survivor, [absorbed])
    join_summaries(tx, survivor, [absorbed])
    _say_why(tx, survivor, held.values(), why)
    return Merged(survivor, new=False, absorbed=(absorbed,), why=why)


def _say_why(
    tx: Transaction, vulnerability: VulnerabilityId, sides: Iterable[AbstractSet[ReportId]], why: Explanation
) -> None:
    """Let the report that began the side which came second say what joined the two."""
    held = merged_reports.c
    query = select(held.report).where(held.vulnerability == vulnerability).order_by(held.merged_at, held.report)
    place_of = {report: place for place, report in enumerate(tx.connection.scalars(query))}
    began = [min(side, key=place_of.__getitem__) for side in sides]
    tx.connection.execute(
        update(merged_reports)
        .where(held.report == max(began, key=place_of.__getitem__))
        .values(why=tx.seal(vulnerability, WHY, why_json(why)))
    )


def _places(tx: Transaction, vulnerability: VulnerabilityId) -> tuple[bytes, ...]:
    places = select(merged_reports.c.place).where(merged_reports.c.vulnerability == vulnerability).distinct()
    return tuple(tx.connection.scalars(places))


def _split_from(
    tx: Transaction, vulnerability: VulnerabilityId, others: Collection[VulnerabilityId]
) -> set[VulnerabilityId]:
    """Return which of the others hold a report that a person set apart from one of these."""
    if not others:
        return set()
    mine = reports_in(tx, vulnerability)
    apart = {report for pair in pairs_apart(tx, [vulnerability]) if pair & mine for report in pair - mine}
    return {one for one in others if apart & reports_in(tx, one)}
