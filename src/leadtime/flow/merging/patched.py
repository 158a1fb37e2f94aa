"""What a patch silenced: the strongest sign that two vulnerabilities are one, and never more than a sign.

A patch comes from outside and may silence anything by removing it, so no patch joins what evidence keeps apart: it
leads a coordinator's suggestions.
"""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.dialects.postgresql import insert as upsert

from leadtime.flow.intake import ReportId
from leadtime.flow.merging.records import VulnerabilityId
from leadtime.flow.merging.tables import merged_reports, patch_outcomes
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Malformed

SILENCED_MAX = 100
"""Other vulnerabilities that one's patches lead to at most."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def note_patch_outcome(tx: Transaction, report: ReportId, patch: str, *, silenced: bool) -> None:
    """Record whether a patch that applied and built silenced a report's reproducer; the last run counts.

    ``patch`` is the digest of the patch (``sha256:`` and 64 hexadecimal digits), else `Malformed` is raised.
    """
    tx.require(Act.COORDINATE_CASE)
    if not _DIGEST.fullmatch(patch):
        raise Malformed("this is no SHA-256 digest", where="patch", next_step="Write sha256: and 64 hex digits.")
    row = {"report": report, "patch": patch, "silenced": silenced, "at": tx.now}
    again = {"silenced": silenced, "at": tx.now}
    tx.connection.execute(
        upsert(patch_outcomes).values(row).on_conflict_do_update(index_elements=["report", "patch"], set_=again)
    )


def silenced_with(tx: Transaction, vulnerability: VulnerabilityId) -> tuple[tuple[VulnerabilityId, str], ...]:
    """Return each other vulnerability with a report that some patch silenced as it did one of these, and the patch."""
    mine, theirs = patch_outcomes.alias(), patch_outcomes.alias()
    held, other = merged_reports.alias(), merged_reports.alias()
    rows = tx.connection.execute(
        select(other.c.vulnerability, theirs.c.patch)
        .ext(distinct_on(other.c.vulnerability))
        .join_from(held, mine, mine.c.report == held.c.report)
        .join(theirs, theirs.c.patch == mine.c.patch)
        .join(other, other.c.report == theirs.c.report)
        .where(held.c.vulnerability == vulnerability, other.c.vulnerability != vulnerability)
        .where(mine.c.silenced, theirs.c.silenced)
        .order_by(other.c.vulnerability, theirs.c.patch)
        .limit(SILENCED_MAX)
    )
    return tuple((VulnerabilityId(row.vulnerability), row.patch) for row in rows)
