"""Queue a report's validation: the row that says that it waits."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select, text

from leadtime.flow.intake import ReportId
from leadtime.flow.validation.states import INCONCLUSIVE, State
from leadtime.flow.validation.turns.urgency import blind_cves
from leadtime.foundation.access import Act, Relation
from leadtime.foundation.database import Transaction
from leadtime.foundation.database.schema import relations
from leadtime.foundation.ids import new_id


@dataclass(frozen=True, slots=True)
class Waiting:
    """A report that is to be validated: ``cves``: those that it names; ``exploited``: one of them is, now.

    ``claimed``: of one that carries no reproducer, the place that it claims, as text: reports of one place read alike.
    """

    report: ReportId
    cves: Collection[str] = ()
    exploited: bool = False
    claimed: str = ""


def queue_validation(tx: Transaction, report: ReportId, *, cves: Collection[str] = (), exploited: bool = False) -> bool:
    """Let the report's validation wait to be run, once; False if it is there already. In the report's transaction.

    ``cves``: those that it names; ``exploited``: one of them is, now. Only the organisation that handed the report in
    may; raises `Missing` to any other.
    """
    return bool(queue_validations(tx, (Waiting(report, cves, exploited),)))


def queue_validations(tx: Transaction, several: Sequence[Waiting]) -> tuple[ReportId, ...]:
    """Let validations wait as `queue_validation` does, in one statement; return the reports that are new, and wait.

    One that carries no reproducer waits for no machine: it is inconclusive at once (`read_validation` says why).
    """
    if not several:
        return ()
    _require_own(tx, [each.report for each in several])
    now = tx.now
    row = {
        "ids": [new_id(now) for _ in several],
        "reports": [each.report for each in several],
        "urgent": [each.exploited for each in several],
        "named": [",".join(index.hex() for index in blind_cves(tx.keys, each.cves)) for each in several],
        "organisation": tx.viewer.organisation,
        "claimed": [tx.keys.blind("validation.claimed", each.claimed) if each.claimed else None for each in several],
        "queued": State.QUEUED.value,
        "decided": State.DECIDED.value,
        "inconclusive": INCONCLUSIVE,
        "now": now,
    }
    return tuple(ReportId(new.report) for new in tx.connection.execute(_QUEUE, row) if new.state == State.QUEUED)


def _require_own(tx: Transaction, several: Sequence[ReportId]) -> None:
    """Ask for the right to hand in each report; one query, and one more for each that is not the viewer's own."""
    tx.require(Act.HAND_IN_REPORT)
    own = select(relations.c.entity).where(
        relations.c.entity.in_(several),
        relations.c.organisation == tx.viewer.organisation,
        relations.c.relation == Relation.OWN.value,
    )
    for report in set(several).difference(map(ReportId, tx.connection.scalars(own))):
        tx.require(Act.HAND_IN_REPORT, report)


_QUEUE = text("""
    insert into validations
        (id, report, organisation, state, attempt, urgent, named, queued_at, claimed, verdict, decided_at)
    select given.id, given.report, :organisation, case when claimed is null then :queued else :decided end, 0,
        given.urgent, array(
            select decode(each, 'hex') from unnest(string_to_array(nullif(given.named, ''), ',')) as each),
        :now, claimed, case when claimed is not null then :inconclusive end,
        case when claimed is not null then cast(:now as timestamptz) end
    from unnest(cast(:ids as uuid[]), cast(:reports as uuid[]), cast(:urgent as boolean[]), cast(:named as text[]),
        cast(:claimed as bytea[])) as given(id, report, urgent, named, claimed)
    on conflict (report) do nothing returning report, state""")
"""Arrays of arrays cannot be passed row by row, so the indexes of a report's CVEs are one text."""
