"""Cases by what people call them."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from leadtime.flow.coordination import CaseId
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing

_BY_NUMBER = text("select id from cases where number = :number")


def case_named(tx: Transaction, name: str) -> CaseId:
    """Return the case that an id or a number names; raises `Missing` if the viewer may see none such."""
    try:
        return CaseId(UUID(name))
    except ValueError:
        found = tx.connection.scalar(_BY_NUMBER, {"number": name})
    if found is None:
        raise Missing("there is no such case", where=name, next_step="Copy its number from its page.")
    return CaseId(found)
