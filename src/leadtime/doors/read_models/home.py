"""The first page: where everything stands, from a report to a deployed fix.

The counts are the declared exception to non-interference (I6): what everybody may read is as of the last Monday and
rounded, with small counts suppressed; exact counts and ages are for coordinators.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text

from leadtime.doors.read_models.pictures import Ages
from leadtime.foundation.access import SYSTEM, Act, Role, Viewer, relation_to_own, require
from leadtime.foundation.database import Database, Transaction

COUNT_MIN = 10
"""Below this, a public count is only said to be below it; above, it is rounded down to a multiple."""

WEEK_DAYS = 7


@dataclass(frozen=True, slots=True)
class StageCount:
    """One step of the flow: ``count`` is a number, or words where a small number would tell too much (I6)."""

    name: str
    what: str
    count: str
    group: str
    exact: bool
    href: str = ""
    ages: Ages | None = None


@dataclass(frozen=True, slots=True)
class Home:
    """The first page; ``exact`` counts are for coordinators, everybody else reads the weekly rounded ones."""

    stages: tuple[StageCount, ...]
    exact: bool


@dataclass(frozen=True, slots=True)
class Step:
    """How one step of the flow is counted: ``rows`` selects ``at``, when each came here, and ``waiting``."""

    key: str
    name: str
    what: str
    group: str
    rows: str
    public: bool = False
    hrefs: Mapping[Role, str] | None = None


STEPS: tuple[Step, ...] = (
    Step(
        "reports",
        "Received",
        "reports handed in",
        "prove",
        "select received_at as at, false as waiting from reports",
        hrefs={Role.COORDINATOR: "/reports", Role.FINDER: "/reports"},
    ),
)
"""The flow, left to right."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts by step: all of them with the ages of those that wait, and as of the last Monday."""

    ages: Mapping[str, Ages]
    counts: Mapping[str, int]
    weekly: Mapping[str, int]

    def public_count(self, step: Step) -> int:
        """Return what everybody may know of a step: exact where the things are public, else weekly and rounded."""
        if step.public:
            return self.counts[step.key]
        return self.weekly[step.key] // COUNT_MIN * COUNT_MIN

    def public_counts(self) -> Mapping[str, int]:
        """Return what everybody may know of each step."""
        return {step.key: self.public_count(step) for step in STEPS}


def read_totals(database: Database) -> Totals:
    """Return the totals by step, counted by the system since no viewer may see what is counted."""
    with database.transaction(SYSTEM) as tx:
        monday = last_monday(tx.now)
        counted = {step.key: _count(tx, step, monday) for step in STEPS}
    return Totals(
        ages={key: ages for key, (ages, _, _) in counted.items()},
        counts={key: count for key, (_, count, _) in counted.items()},
        weekly={key: weekly for key, (_, _, weekly) in counted.items()},
    )


def read_home(database: Database, viewer: Viewer) -> Home:
    """Return the first page as ``viewer`` may see it."""
    require(viewer, Act.READ_TOTALS, relation_to_own(viewer))
    totals = read_totals(database)
    exact = viewer.role is Role.COORDINATOR
    return Home(stages=tuple(_stage(step, totals, viewer, exact=exact) for step in STEPS), exact=exact)


def last_monday(now: datetime) -> datetime:
    """Return the beginning of the week that ``now`` lies in, in UTC."""
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday())


def _stage(step: Step, totals: Totals, viewer: Viewer, *, exact: bool) -> StageCount:
    href = (step.hrefs or {}).get(viewer.role, "")
    if exact or step.public:
        count = totals.counts[step.key]
        ages = totals.ages[step.key] if exact else None
        return StageCount(step.name, step.what, f"{count:,}", step.group, exact=True, href=href, ages=ages)
    count = totals.public_count(step)
    words = f"{count:,}+" if count else f"under {COUNT_MIN}"
    return StageCount(step.name, step.what, words, step.group, exact=False, href=href)


def _count(tx: Transaction, step: Step, monday: datetime) -> tuple[Ages, int, int]:
    row = tx.connection.execute(_COUNT[step.key], {"now": tx.now, "monday": monday}).one()
    return Ages(day=row.day, week=row.week, month=row.month, longer=row.longer), row.total, row.weekly


_COUNT = {
    step.key: text(
        f"""
        select count(*) as total, count(*) filter (where at < :monday) as weekly,
          count(*) filter (where waiting and at > :now - interval '1 day') as day,
          count(*) filter (where waiting and at <= :now - interval '1 day' and at > :now - interval '7 days') as week,
          count(*) filter (where waiting and at <= :now - interval '7 days' and at > :now - interval '30 days') as month,
          count(*) filter (where waiting and at <= :now - interval '30 days') as longer
        from ({step.rows}) as step"""  # noqa: S608  # the rows are this file's own text
    )
    for step in STEPS
}
