"""The coordinator's queue: what waits, by stage and age, as a picture; and one list behind each of its cells.

Counting reads no sealed content; a list opens that of the rows it shows, and no other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import Row, text

from leadtime.doors.read_models.cases import clock_of, cve_of
from leadtime.doors.read_models.names import Names
from leadtime.doors.read_models.pictures import Badge, EmbargoClock
from leadtime.doors.read_models.urgency import badge_of, decision_of
from leadtime.doors.read_models.waiting import BANDS, EXPOSED, STAGES, Mover, Stage, Thing
from leadtime.flow import coordination, intake
from leadtime.flow.coordination import Case, CaseId
from leadtime.flow.intake import ReportId, ReportSummary
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Malformed

PAGE_ROWS = 50
STRENGTHS = (1, 10, 100)
"""From how many things on a cell is drawn stronger."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CURSOR = re.compile(r"([01])\.([0-9]{1,18})\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\Z")
_CHOICE = "Choose a cell of the queue's page."


@dataclass(frozen=True, slots=True)
class Cell:
    """How many things are at one stage for one span of time; ``href`` is their list, ``strength`` 0 to 3."""

    band: int
    words: str
    count: int
    href: str

    @property
    def strength(self) -> int:
        """Return how strongly the cell is drawn."""
        return sum(self.count >= least for least in STRENGTHS)


@dataclass(frozen=True, slots=True)
class Line:
    """One stage of the picture; without an ``href`` nobody here may see what is counted."""

    name: str
    mover: Mover
    total: int
    urgent: int
    href: str
    cells: tuple[Cell, ...]
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """One thing that waits: what it is, since when, and the next step in words."""

    href: str
    title: str
    under: str
    stage: str
    mover: Mover
    move: str
    since: datetime
    urgent: bool
    finder: str = ""
    example: bool = False
    note: str = ""
    priority: Badge | None = None
    embargo: EmbargoClock | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """Which part of the queue is listed: a stage and an age by their keys; empty: what waits for you, of any age."""

    stage: str = ""
    age: str = ""

    @property
    def href(self) -> str:
        """Return the address of the list."""
        return _href(self.stage, self.age)


@dataclass(frozen=True, slots=True)
class QueueParts:
    """What stages gave for the page, before names are put to it; ``at_top``: its list begins with your next move."""

    lines: tuple[Line, ...]
    heading: str
    found: tuple[tuple[Row[tuple[object, ...]], Stage], ...]
    reports: Mapping[UUID, ReportSummary]
    cases: Mapping[UUID, tuple[Case, Badge]]
    more: str
    now: datetime
    at_top: bool


@dataclass(frozen=True, slots=True)
class Queue:
    """The picture, and the list that is chosen: urgent things first, then the oldest; ``more`` is the next page's.

    ``first``: what waits for you first, where that is listed.
    """

    lines: tuple[Line, ...]
    heading: str
    rows: tuple[WaitingRow, ...]
    more: str
    first: WaitingRow | None = None


def choice_of(stage: str, age: str) -> Choice:
    """Return what an address asks for; raises `Malformed` for a stage or an age that there is not."""
    if stage and stage not in _BY_KEY:
        raise Malformed("the queue has no such stage", where="stage", next_step=_CHOICE)
    if age and age not in _AGES:
        raise Malformed("the queue has no such age", where="age", next_step=_CHOICE)
    return Choice(stage, age)


def read_queue(tx: Transaction, choice: Choice, cursor: str) -> QueueParts:
    """Return the picture and one page of the chosen list; for coordinators."""
    tx.require(Act.COORDINATE_CASE)
    rows = _list(tx, choice, cursor)
    shown = rows[:PAGE_ROWS]
    found = tuple((row, _BY_KEY[row.stage]) for row in shown)
    more = (
        f"{choice.href}{'&' if '?' in choice.href else '?'}cursor={_cursor_of(shown[-1])}" if rows[PAGE_ROWS:] else ""
    )
    return QueueParts(
        lines=(*_count(tx, choice), _exposed(tx)),
        heading=_heading(choice),
        found=found,
        reports=_reports(tx, [row.entity for row, stage in found if stage.thing is Thing.REPORT]),
        cases=_cases(tx, [row.entity for row, stage in found if stage.thing is Thing.CASE]),
        more=more,
        now=tx.now,
        at_top=choice == Choice() and not cursor,
    )


def queue_of(parts: QueueParts, names: Names) -> Queue:
    """Return the page from its parts; what left the queue meanwhile is left out."""
    rows = tuple(
        _report_row(row, stage, parts.reports[row.entity], names)
        if stage.thing is Thing.REPORT
        else _case_row(row, stage, *parts.cases[row.entity], now=parts.now)
        for row, stage in parts.found
        if row.entity in parts.reports or row.entity in parts.cases
    )
    first = rows[0] if rows and parts.at_top else None
    return Queue(parts.lines, parts.heading, rows, parts.more, first)


def _report_row(row: Row[tuple[object, ...]], stage: Stage, report: ReportSummary, names: Names) -> WaitingRow:
    name = names.of(report.organisation)
    return WaitingRow(
        href=f"/reports/{report.id}",
        title=report.title,
        under=report.component,
        stage=stage.name,
        mover=stage.mover,
        move=stage.move,
        since=row.at,
        urgent=row.urgent,
        finder=name.text,
        example=name.example,
        note=row.note,
    )


def _case_row(row: Row[tuple[object, ...]], stage: Stage, case: Case, priority: Badge, *, now: datetime) -> WaitingRow:
    return WaitingRow(
        href=f"/cases/{case.id}",
        title=case.title,
        under=case.number,
        stage=stage.name,
        mover=stage.mover,
        move=stage.move,
        since=row.at,
        urgent=row.urgent,
        priority=priority,
        embargo=clock_of(case, now),
    )


def _reports(tx: Transaction, ids: Sequence[UUID]) -> Mapping[UUID, ReportSummary]:
    if not ids:
        return {}
    found = intake.list_reports(tx, page_reports=PAGE_ROWS, among=[ReportId(each) for each in ids])
    return {each.id: each for each in found.reports}


def _cases(tx: Transaction, ids: Sequence[UUID]) -> Mapping[UUID, tuple[Case, Badge]]:
    if not ids:
        return {}
    found = coordination.list_cases(tx, page_cases=PAGE_ROWS, among=[CaseId(each) for each in ids])
    return {case.id: (case, badge_of(decision_of(tx, cve_of(tx, case)))) for case in found.cases}


def _count(tx: Transaction, choice: Choice) -> tuple[Line, ...]:
    counted = {row.stage: row for row in tx.connection.execute(_COUNT, {"now": tx.now})}
    return tuple(
        Line(
            name=stage.name,
            mover=stage.mover,
            total=counted[stage.key].total,
            urgent=counted[stage.key].urgent,
            href=_href(stage.key, ""),
            cells=tuple(
                Cell(place, words, getattr(counted[stage.key], age), _href(stage.key, age))
                for place, (age, words, _) in enumerate(BANDS)
            ),
            chosen=stage.key == choice.stage,
        )
        for stage in STAGES
    )


def _exposed(tx: Transaction) -> Line:
    with tx.as_system() as system:
        row = system.connection.execute(_EXPOSED, {"now": tx.now}).one()
    cells = tuple(Cell(place, words, getattr(row, age), "") for place, (age, words, _) in enumerate(BANDS))
    return Line("Published, not deployed", Mover.OPERATOR, row.total, 0, "", cells)


def _list(tx: Transaction, choice: Choice, cursor: str) -> Sequence[Row[tuple[object, ...]]]:
    stages = [_BY_KEY[choice.stage]] if choice.stage else [each for each in STAGES if each.mover is Mover.COORDINATOR]
    where, asked = [_AGES.get(choice.age, "true")], {"now": tx.now, "rows": PAGE_ROWS + 1}
    if cursor:
        where.append("(not urgent, at, entity) > (:later, :since, :entity)")
        asked |= _place_of(cursor)
    listed = [(each.key, each.folded or each.rows) for each in stages]
    waiting = " union all ".join(f"select '{key}' as stage, one.* from ({rows}) as one" for key, rows in listed)  # noqa: S608  # ours
    query = (
        f"select * from ({waiting}) as waiting where {' and '.join(where)} "  # noqa: S608  # all of it is our own text
        "order by urgent desc, at, entity limit :rows"
    )
    return tx.connection.execute(text(query), asked).all()


def _cursor_of(row: Row[tuple[object, ...]]) -> str:
    return f"{int(not row.urgent)}.{(row.at - _EPOCH) // timedelta(microseconds=1)}.{row.entity}"


def _place_of(cursor: str) -> dict[str, object]:
    read = _CURSOR.match(cursor)
    try:
        since = _EPOCH + timedelta(microseconds=int(read[2])) if read else None
    except OverflowError:
        since = None
    if read is None or since is None:
        raise Malformed("this is no place in the queue", where="cursor", next_step="Begin without a cursor.")
    return {"later": read[1] == "1", "since": since, "entity": UUID(read[3])}


def _heading(choice: Choice) -> str:
    what = _BY_KEY[choice.stage].name if choice.stage else "What waits for you"
    words = next((words for age, words, _ in BANDS if age == choice.age), "")
    return f"{what}, {words}" if words else what


def _href(stage: str, age: str) -> str:
    asked = "&".join(f"{name}={value}" for name, value in (("stage", stage), ("age", age)) if value)
    return f"/queue?{asked}" if asked else "/queue"


_BY_KEY = {stage.key: stage for stage in STAGES}
_AGES = {age: since for age, _, since in BANDS}
_TALLY = "count(*) as total, " + ", ".join(f"count(*) filter (where {since}) as {age}" for age, _, since in BANDS)
_COUNT = text(
    " union all ".join(
        f"select '{stage.key}' as stage, count(*) filter (where urgent) as urgent, {_TALLY} from ({stage.rows}) as one"  # noqa: S608  # ours
        for stage in STAGES
    )
)
_EXPOSED = text(f"select {_TALLY} from ({EXPOSED}) as one")  # noqa: S608  # all of it is our own text
