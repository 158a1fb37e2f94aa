"""Queue a report's validation: the row that says that it waits."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert

from leadtime.flow.intake import ReportId
from leadtime.flow.validation.kept import ValidationId
from leadtime.flow.validation.states import State
from leadtime.flow.validation.tables import validations
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.ids import new_id


def queue_validation(tx: Transaction, report: ReportId) -> ValidationId:
    """Return the report's validation, which waits if it is new; in the transaction that received the report.

    Only the organisation that handed the report in may; raises `Missing` to any other.
    """
    tx.require(Act.HAND_IN_REPORT, report)
    row = {
        "id": new_id(tx.now),
        "report": report,
        "organisation": tx.viewer.organisation,
        "state": State.QUEUED.value,
        "attempt": 0,
        "queued_at": tx.now,
    }
    tx.connection.execute(upsert(validations).values(row).on_conflict_do_nothing(index_elements=["report"]))
    return ValidationId(tx.connection.scalars(select(validations.c.id).where(validations.c.report == report)).one())
