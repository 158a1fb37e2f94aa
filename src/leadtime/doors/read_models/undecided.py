"""How long receipts have waited for their verdict: a report that is left lying is seen by everybody (I4).

For everybody as of the last Monday, rounded down, with small counts suppressed (I6); for coordinators exact and now.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from leadtime.doors.read_models.home import COUNT_MIN, last_monday
from leadtime.foundation.access import SYSTEM, Act, Role, Viewer, relation_to_own, require
from leadtime.foundation.database import Database


@dataclass(frozen=True, slots=True)
class Undecided:
    """Receipts without a verdict by age, as text: a number, or words where a small one would tell too much.

    ``as_of``: when they were counted.
    """

    as_of: datetime
    day: str
    week: str
    month: str
    longer: str
    exact: bool


def read_undecided(database: Database, viewer: Viewer) -> Undecided:
    """Return how many receipts wait under a day, under a week, under 30 days and longer, as ``viewer`` may know it."""
    require(viewer, Act.READ_TOTALS, relation_to_own(viewer))
    exact = viewer.role is Role.COORDINATOR
    with database.transaction(SYSTEM) as tx:
        as_of = tx.now if exact else last_monday(tx.now)
        row = tx.connection.execute(_COUNT, {"as_of": as_of}).one()
    day, week, month, longer = (f"{count:,}" if exact else public_words(count) for count in row)
    return Undecided(as_of, day, week, month, longer, exact=exact)


def public_words(count: int) -> str:
    """Return a count as everybody may know it."""
    rounded = count // COUNT_MIN * COUNT_MIN
    return f"{rounded:,}+" if rounded else f"under {COUNT_MIN}"


_COUNT = text("""
    select count(*) filter (where received_at > :as_of - interval '1 day'),
        count(*) filter (where received_at <= :as_of - interval '1 day' and received_at > :as_of - interval '7 days'),
        count(*) filter (where received_at <= :as_of - interval '7 days' and received_at > :as_of - interval '30 days'),
        count(*) filter (where received_at <= :as_of - interval '30 days')
    from reports left join validations on validations.report = reports.id
    where received_at < :as_of and (decided_at is null or decided_at >= :as_of)""")
"""A verdict that came after the day of counting had not come then: else the counts would move within the week."""
