"""The list of cases: what is overdue, stuck, new, and whose move it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import bindparam, text

from leadtime.doors.read_models.attention import DONE, HINTS, NEXT, Attention, attention
from leadtime.doors.read_models.pictures import Badge, EmbargoClock
from leadtime.doors.read_models.urgency import badge_of, decision_of
from leadtime.flow import advisory, coordination, merging, priority
from leadtime.flow.advisory import Advisory, PublishedAdvisory
from leadtime.flow.coordination import Case, CaseId, EventKind
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing, Refused

PAGE_CASES = 50


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case in the list; ``mover`` is who must act next, ``yours`` whether that is the viewer."""

    href: str
    number: str
    title: str
    component: str
    state: str
    mover: str
    move: str
    yours: bool
    priority: Badge | None
    since: datetime
    embargo: EmbargoClock | None
    reports: int
    overdue: bool
    urgency: tuple[int, date, int]


@dataclass(frozen=True, slots=True)
class CaseGroup:
    """Cases that ask for the same kind of attention."""

    name: str
    hint: str
    rows: tuple[CaseRow, ...]


@dataclass(frozen=True, slots=True)
class CaseList:
    """The cases that the viewer may see, the most urgent group first; ``more`` is the next page's address or empty."""

    groups: tuple[CaseGroup, ...]
    more: str = ""

    @property
    def total(self) -> int:
        """Return how many rows are shown."""
        return sum(len(group.rows) for group in self.groups)


@dataclass(frozen=True, slots=True)
class _Life:
    since: datetime
    reports: int


_QUIET = (EventKind.REPORT_JOINED, EventKind.PARTICIPANT_ADDED, EventKind.REACH_NOTED)
"""What befalls a case without anybody moving it: one more report of a stuck case leaves it stuck."""

_LIVES = text("""
    select cases.id, cases.opened_at,
      (select max(at) from case_events where case_id = cases.id and kind not in :quiet) as since,
      (select count(*) from case_reports where case_id = cases.id) as reports
    from cases where cases.id in :ids""").bindparams(
    bindparam("ids", expanding=True), bindparam("quiet", list(_QUIET), expanding=True)
)


def read_cases(tx: Transaction, after: CaseId | None) -> CaseList:
    """Return one page of the viewer's cases, grouped by the attention that they ask for, most urgent first."""
    page = coordination.list_cases(tx, after=after, page_cases=PAGE_CASES)
    lives = _read_lives(tx, [case.id for case in page.cases])
    groups: dict[Attention, list[CaseRow]] = {group: [] for group in Attention}
    for case in page.cases:
        life = lives[case.id]
        group = attention(case, life.since, tx.now)
        groups[group].append(_row(tx, case, life, overdue=group is Attention.OVERDUE))
    return CaseList(
        groups=tuple(
            CaseGroup(group.value, HINTS[group], tuple(sorted(rows, key=lambda row: row.urgency)))
            for group, rows in groups.items()
        ),
        more=f"/cases?cursor={page.after}" if page.after else "",
    )


def component_of(tx: Transaction, case: Case) -> str:
    """Return the component of a case to whom may read its vulnerability, else nothing."""
    try:
        return merging.read_vulnerability(tx, case.vulnerability).component
    except (Missing, Refused):
        return ""


def cve_of(tx: Transaction, case: Case) -> str | None:
    """Return the CVE of a case's advisory, None if it has none that the viewer may see."""
    found: Advisory | PublishedAdvisory | None
    try:
        found = advisory.find_advisory(tx, case.id)
    except (Missing, Refused):
        found = published_of(tx, case)
    return found.document.cve if found else None


def published_of(tx: Transaction, case: Case) -> PublishedAdvisory | None:
    """Return a case's advisory as anybody may read it, None until it is published."""
    try:
        return advisory.find_published(tx, case.number)
    except Missing:
        return None


def clock_of(case: Case, now: datetime) -> EmbargoClock | None:
    """Return a case's embargo as a clock, None if there is none or nothing is left to keep quiet."""
    if case.embargo is None or case.state in DONE:
        return None
    return EmbargoClock(case.embargo.ends_at, case.embargo.zone, over=case.embargo.ends_at <= now)


def mover_of(tx: Transaction, case: Case) -> tuple[str, str, bool]:
    """Return who moves next as the viewer reads it, what the move is, and whether it is the viewer's."""
    moves = NEXT[case.state]
    yours = moves.role is tx.viewer.role
    who = "You" if yours else moves.role.value.capitalize() if moves.role else "Nobody"
    return who, moves.move, yours


def _row(tx: Transaction, case: Case, life: _Life, *, overdue: bool) -> CaseRow:
    mover, move, yours = mover_of(tx, case)
    decision = decision_of(tx, cve_of(tx, case))
    return CaseRow(
        href=f"/cases/{case.id}",
        number=case.number,
        title=case.title,
        component=component_of(tx, case),
        state=case.state.value,
        mover=mover,
        move=move,
        yours=yours,
        priority=badge_of(decision),
        since=life.since,
        embargo=clock_of(case, tx.now),
        reports=life.reports,
        overdue=overdue,
        urgency=priority.urgency(decision),
    )


def _read_lives(tx: Transaction, cases: Iterable[UUID]) -> Mapping[UUID, _Life]:
    ids = list(cases)
    if not ids:
        return {}
    rows = tx.connection.execute(_LIVES, {"ids": ids})
    return {row.id: _Life(row.since or row.opened_at, row.reports) for row in rows}
