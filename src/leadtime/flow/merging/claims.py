"""What merged reports claim, kept as blind indexes, so that those who say the same are shown to a coordinator."""

from __future__ import annotations

from sqlalchemy import FromClause, select, true, values
from sqlalchemy.dialects.postgresql import insert as upsert

from leadtime.flow.intake import Finding, ReportId, read_report
from leadtime.flow.merging.fingerprints import CLAIMED_PLACES_MAX, Clue
from leadtime.flow.merging.likeness import claims_of
from leadtime.flow.merging.records import Evidence, LinkKind, VulnerabilityId
from leadtime.flow.merging.rules import STRENGTH, why_claimed
from leadtime.flow.merging.tables import claims, merged_reports
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.digests import canonical_json
from leadtime.foundation.explanation import Explanation

CLAIMS_READ_MAX = 500
"""Different claims of one vulnerability that are followed."""

SAYING_READ_MAX = 100
"""Reports of other vulnerabilities that are looked at for each claim: what more than these say, says little."""

Claimed = tuple[VulnerabilityId, LinkKind, Explanation]
"""A vulnerability, and by which claim of one of its reports it is like another, or like a report that is in none."""


def note_claims(tx: Transaction, finding: Finding, evidence: Evidence) -> None:
    """Keep what a merged report claims of its component, and where it was seen to fail (`likeness.claims_of`).

    Again for the same report it only adds what has come to be known.
    """
    tx.require(Act.COORDINATE_CASE)
    marks = _marks(tx, finding, evidence)
    rows = [{"report": finding.report, "mark": mark, "kind": kind.value} for mark, kind in marks]
    if rows:
        tx.connection.execute(upsert(claims).values(rows).on_conflict_do_nothing())


def claimed_with(tx: Transaction, vulnerability: VulnerabilityId) -> tuple[Claimed, ...]:
    """Return each other vulnerability with a report that claims what one of these does, strongest first."""
    held, mine = merged_reports.alias(), claims.alias()
    said = (
        select(mine.c.mark, mine.c.kind)
        .join(held, held.c.report == mine.c.report)
        .where(held.c.vulnerability == vulnerability)
        .distinct()
        .order_by(mine.c.mark)
        .limit(CLAIMS_READ_MAX)
        .subquery()
    )
    return _saying(tx, said, vulnerability)


def claimed_by(tx: Transaction, finding: Finding, evidence: Evidence) -> tuple[Claimed, ...]:
    """Return each vulnerability with a report that claims what one does that is in none, strongest first."""
    said = [(mark, kind.value) for mark, kind in _marks(tx, finding, evidence)]
    return _saying(tx, values(claims.c.mark, claims.c.kind, name="said").data(said), None) if said else ()


def _marks(tx: Transaction, finding: Finding, evidence: Evidence) -> list[tuple[bytes, LinkKind]]:
    """Return the blind index of each claim of a report, and its kind."""
    body = read_report(tx, finding.report).body
    ran = finding.reproducer.input if finding.reproducer else None
    project = evidence.component or finding.software
    clues = [
        *(Clue(project, top.file or "", top.function, top.line, evidence.crash_class) for top in evidence.frames[:1]),
        *(
            Clue(project, place.file, place.function or "", place.line, finding.cwe or "")
            for place in finding.locations[:CLAIMED_PLACES_MAX]
        ),
    ]
    return [
        (
            tx.keys.blind("merging.claim", canonical_json([claim.kind.value, claim.project, *claim.said]).decode()),
            claim.kind,
        )
        for claim in claims_of(project, clues, f"{body.title}\n{body.description}", ran)
    ]


def _saying(tx: Transaction, said: FromClause, but: VulnerabilityId | None) -> tuple[Claimed, ...]:
    """Return the vulnerabilities, ``but`` one, with a report that says something of what is ``said``."""
    other, theirs = merged_reports.alias(), claims.alias()
    saying = (
        select(other.c.vulnerability, other.c.report)
        .join(theirs, theirs.c.report == other.c.report)
        .where(theirs.c.mark == said.c.mark, other.c.vulnerability.is_distinct_from(but))
        .order_by(other.c.report)
        .limit(SAYING_READ_MAX)
        .lateral()
    )
    rows = tx.connection.execute(
        select(said.c.kind, saying.c.vulnerability, saying.c.report).join(saying, true())
    ).all()
    found: dict[VulnerabilityId, tuple[LinkKind, Explanation]] = {}
    for row in sorted(rows, key=lambda row: (STRENGTH.index(LinkKind(row.kind)), row.report)):
        kind = LinkKind(row.kind)
        found.setdefault(VulnerabilityId(row.vulnerability), (kind, why_claimed(kind, ReportId(row.report))))
    return tuple((one, kind, why) for one, (kind, why) in found.items())
