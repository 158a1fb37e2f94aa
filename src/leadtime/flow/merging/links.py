"""What holds a vulnerability's reports together: the strongest links that connect them, for a person to look at."""

from __future__ import annotations

from itertools import combinations

from sqlalchemy import select

from leadtime.flow.intake import ReportId
from leadtime.flow.merging.records import Evidence, Link, VulnerabilityId
from leadtime.flow.merging.rules import STRENGTH, suggest
from leadtime.flow.merging.stored import read_evidence
from leadtime.flow.merging.tables import EVIDENCE, merged_reports
from leadtime.flow.parties import OrganisationId
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction

LINKED_REPORTS_MAX = 40
"""Reports of one vulnerability, first merged first, whose links are looked at: 780 pairs."""


def read_links(tx: Transaction, vulnerability: VulnerabilityId) -> tuple[Link, ...]:
    """Return as few links as connect what links connect among a vulnerability's first reports, strongest first.

    A report that none leads to was joined by a person, or by one that is no longer here.
    """
    tx.require(Act.COORDINATE_CASE, vulnerability)
    held = merged_reports.c
    rows = tx.connection.execute(
        select(held.report, held.organisation, held.evidence)
        .where(held.vulnerability == vulnerability)
        .order_by(held.merged_at, held.report)
        .limit(LINKED_REPORTS_MAX)
    ).all()
    found = [
        read_evidence(
            tx.unseal(row.report, EVIDENCE, row.evidence), ReportId(row.report), OrganisationId(row.organisation)
        )
        for row in rows
    ]
    return strongest_tree(found)


def strongest_tree(found: list[Evidence]) -> tuple[Link, ...]:
    """Return the links of a strongest spanning forest over some evidence."""
    links = [link for a, b in combinations(found, 2) if (link := suggest(a, b)) is not None]
    group_of = {one.report: {one.report} for one in found}
    kept = []
    for link in sorted(links, key=lambda link: (STRENGTH.index(link.kind), link.first.int, link.second.int)):
        one, other = group_of[link.first], group_of[link.second]
        if one is not other:
            one |= other
            group_of.update(dict.fromkeys(other, one))
            kept.append(link)
    return tuple(kept)
