"""Tell listening processes, when a transaction commits, that what somebody may do has changed."""

from __future__ import annotations

from sqlalchemy import func, select

from leadtime.foundation.database import Transaction

PEOPLE_CHANNEL = "leadtime_people"
"""PostgreSQL's channel of changes to people, vendors, conflicts and marks; a notice says nothing more."""


def tell_of_people(tx: Transaction) -> None:
    """Notify every listener, when this transaction commits, that somebody's standing may have changed."""
    tx.connection.execute(select(func.pg_notify(PEOPLE_CHANNEL, "")))
