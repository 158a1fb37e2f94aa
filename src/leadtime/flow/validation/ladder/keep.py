"""Keep how far a patch climbed against a report, and read it again."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as insert_or_not

from leadtime.flow.intake import ReportId
from leadtime.flow.validation.ladder.records import JudgedPatch, KeptJudgement
from leadtime.flow.validation.ladder.spelling import judged_as_json, read_judged
from leadtime.flow.validation.tables import patch_judgements
from leadtime.foundation.access import Act, Role
from leadtime.foundation.database import Transaction
from leadtime.foundation.digests import Digest, canonical_json
from leadtime.foundation.errors import Refused

JUDGEMENTS_MAX = 500
"""Reports that one patch was judged against, as far as they are read."""

PATCH = "patch_judgements.patch"
"""Name of the blind index of a patch's digest."""


def keep_judgement(tx: Transaction, report: ReportId, patch: Digest, found: JudgedPatch) -> bool:
    """Seal a judgement under the report's key, once, and tell whether this was the once. Only our own workers may."""
    if tx.viewer.role is not Role.SYSTEM:
        raise Refused("only a worker keeps what it ran", next_step="Run leadtime worker.")
    mark = tx.keys.blind(PATCH, patch)
    row = {"report": report, "patch": mark, "judged_at": tx.now}
    row["judgement"] = tx.seal(report, _column(mark), canonical_json(judged_as_json(found)))
    kept = insert_or_not(patch_judgements).values(row).on_conflict_do_nothing().returning(patch_judgements.c.report)
    return tx.connection.execute(kept).one_or_none() is not None


def read_judgements(tx: Transaction, patch: Digest) -> tuple[KeptJudgement, ...]:
    """Return how far a patch climbed against each report that it was judged against, in the order of their ids.

    Those may be reports of several flaws, so that it is for who coordinates, and for a verb that chooses among them.
    """
    tx.require(Act.COORDINATE_CASE)
    mark = tx.keys.blind(PATCH, patch)
    held = patch_judgements.c
    rows = tx.connection.execute(
        select(patch_judgements).where(held.patch == mark).order_by(held.report).limit(JUDGEMENTS_MAX)
    )
    return tuple(
        KeptJudgement(
            ReportId(row.report), row.judged_at, read_judged(tx.unseal(row.report, _column(mark), row.judgement))
        )
        for row in rows
    )


def _column(mark: bytes) -> str:
    """Return what a sealed judgement is bound to besides its report."""
    return f"patch_judgements.judgement:{mark.hex()}"
