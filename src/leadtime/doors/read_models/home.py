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
    """How one step of the flow is counted: ``rows`` selects ``at`` and ``waiting``, ``counted`` says which count."""

    key: str
    name: str
    what: str
    group: str
    rows: str
    public: bool = False
    counted: str = "true"
    hrefs: Mapping[Role, str] | None = None


STEPS: tuple[Step, ...] = (
    Step(
        "reports",
        "Received",
        "reports handed in",
        "prove",
        """select received_at as at, validations.decided_at is null as waiting
           from reports left join validations on validations.report = reports.id""",
        hrefs={Role.COORDINATOR: "/reports", Role.FINDER: "/reports"},
    ),
    Step(
        "reproduced",
        "Reproduced",
        "by somebody other than the finder",
        "prove",
        """select decided_at as at, merged_reports.report is null as waiting
           from validations left join merged_reports on merged_reports.report = validations.report
           where verdict = 'reproduced'""",
        hrefs={Role.COORDINATOR: "/reports"},
    ),
    Step(
        "examined",
        "Examined",
        "by two people, where no machine can prove it",
        "prove",
        """select max(at) as at, bool_and(merged_reports.report is null) as waiting
           from examinations left join merged_reports on merged_reports.report = examinations.report
           group by examinations.report, kind having count(*) > 1""",
        hrefs={Role.COORDINATOR: "/reports"},
    ),
    Step(
        "vulnerabilities",
        "Flaws",
        "root causes, duplicates merged",
        "prove",
        """select vulnerabilities.opened_at as at, cases.id is null as waiting
           from vulnerabilities left join cases on cases.vulnerability = vulnerabilities.id
           where absorbed_into is null""",
    ),
    Step(
        "cases",
        "Cases",
        "people and clocks",
        "agree",
        "select opened_at as at, state = 'open' as waiting from cases",
        hrefs=dict.fromkeys((Role.COORDINATOR, Role.FINDER, Role.MAINTAINER), "/cases"),
    ),
    Step(
        "delivered",
        "Delivered",
        "with their maintainers",
        "agree",
        "select sent_at as at, fix_named_at is null and state <> 'closed' as waiting from deliveries",
        hrefs={Role.COORDINATOR: "/cases", Role.MAINTAINER: "/cases"},
    ),
    Step(
        "fixed",
        "Fixed",
        "a fixed version is named",
        "agree",
        """select fix_named_at as at, cases.state = 'fix named' as waiting
           from deliveries join cases on cases.id = deliveries.case_id where fix_named_at is not null""",
        hrefs={Role.COORDINATOR: "/cases"},
    ),
    Step(
        "published",
        "Published",
        "advisories, for everybody",
        "deploy",
        "select published_at as at, false as waiting from published_advisories where revision = 1",
        public=True,
        hrefs=dict.fromkeys(Role, "/advisories"),
    ),
    Step(
        "deployed",
        "Deployed",
        "exposures of operators closed",
        "deploy",
        "select changed_at as at, state = 'open' as waiting from exposures where state in ('open', 'deployed')",
        counted="not waiting",
        hrefs={Role.OPERATOR: "/patch-by", Role.AGENCY: "/patch-by"},
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


_WAITING = (
    ("day", "at > :now - interval '1 day'"),
    ("week", "at <= :now - interval '1 day' and at > :now - interval '7 days'"),
    ("month", "at <= :now - interval '7 days' and at > :now - interval '30 days'"),
    ("longer", "at <= :now - interval '30 days'"),
)


def _query(step: Step) -> str:
    ages = ", ".join(f"count(*) filter (where waiting and {since}) as {name}" for name, since in _WAITING)
    return (
        f"select count(*) filter (where {step.counted}) as total, "  # noqa: S608  # all of it is this file's own text
        f"count(*) filter (where {step.counted} and at < :monday) as weekly, {ages} from ({step.rows}) as step"
    )


_COUNT = {step.key: text(_query(step)) for step in STEPS}
