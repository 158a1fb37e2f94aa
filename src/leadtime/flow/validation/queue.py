"""Queue a report's validation: the row that says that it waits."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.dialects.postgresql import insert as upsert

from leadtime.flow.intake import ReportId
from leadtime.flow.validation.states import State
from leadtime.flow.validation.tables import validations
from leadtime.flow.validation.turns.urgency import blind_cves
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.ids import new_id


def queue_validation(tx: Transaction, report: ReportId, *, cves: Collection[str] = (), exploited: bool = False) -> bool:
    """Let the report's validation wait to be run, once; False if it is there already. In the report's transaction.

    ``cves``: those that it names; ``exploited``: one of them is, now. Only the organisation that handed the report in
    may; raises `Missing` to any other.
    """
    tx.require(Act.HAND_IN_REPORT, report)
    row = {
        "id": new_id(tx.now),
        "report": report,
        "organisation": tx.viewer.organisation,
        "state": State.QUEUED.value,
        "attempt": 0,
        "urgent": exploited,
        "named": blind_cves(tx.keys, cves),
        "queued_at": tx.now,
    }
    statement = upsert(validations).values(row).on_conflict_do_nothing(index_elements=["report"])
    return tx.connection.execute(statement.returning(validations.c.id)).one_or_none() is not None
