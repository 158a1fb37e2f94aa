"""Every stage at which something waits, whose move it is, and how it is found; a thing waits at one stage at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from leadtime.doors.read_models.attention import NEXT
from leadtime.flow.coordination import CaseState, EventKind


class Mover(StrEnum):
    """Who moves next."""

    MACHINE = "A machine"
    COORDINATOR = "You"
    FINDER = "Its finder"
    MAINTAINER = "Its maintainer"
    OPERATOR = "Its operators"


class Thing(StrEnum):
    """What waits; its list's address."""

    REPORT = "reports"
    CASE = "cases"


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: ``rows`` selects ``entity``, ``at`` (since when it waits), ``urgent`` and ``note`` of each thing.

    ``folded``: the same where things that are alike are one line of the list; empty where none are.
    """

    key: str
    name: str
    mover: Mover
    move: str
    thing: Thing
    rows: str
    folded: str = ""


def _report_stage(key: str, name: str, mover: Mover, move: str, rows: str) -> Stage:
    return Stage(key, name, mover, move, Thing.REPORT, rows)


def _validations(at: str, where: str) -> str:
    return f"select report as entity, {at} as at, urgent, '' as note from validations where {where}"  # noqa: S608  # this file's own text


_UNMERGED = "not exists (select from merged_reports where merged_reports.report = validations.report)"
_CASELESS = """not exists (select from merged_reports join cases on cases.vulnerability = merged_reports.vulnerability
    where merged_reports.report = validations.report)"""
_UNSEEN = "not exists (select from examinations where examinations.report = validations.report)"

_SET_ASIDE = """
    select report as entity, coalesce(aside.at, queued_at) as at, urgent, coalesce(aside.reason, '') as note
    from validations left join lateral (
        select at, reason from set_aside where set_aside.entity = validations.report order by at desc limit 1
    ) as aside on true where state = 'set aside'"""

_HALF_EXAMINED = """
    select validations.report as entity, min(examinations.at) as at, urgent, '' as note
    from examinations join validations on validations.report = examinations.report
    where not exists (select from merged_reports where merged_reports.report = validations.report)
    group by validations.report, urgent"""

_BARE = f"claimed is not null and {_UNMERGED} and {_UNSEEN}"
_BARE_FOLDED = f"""
    select distinct on (claimed) report as entity, decided_at as at, bool_or(urgent) over alike as urgent,
        'The report carries no reproducer' || case count(*) over alike when 1 then '.'
        else format('; with it %s reports name this component, file and function.', count(*) over alike) end as note
    from validations where {_BARE} window alike as (partition by claimed) order by claimed, decided_at, report"""  # noqa: S608  # ours

_OVER = "embargo_ends_at <= :now and state not in ('published', 'closed')"

_REACHED: Mapping[CaseState, tuple[EventKind, ...]] = {
    CaseState.OPEN: (EventKind.OPENED, EventKind.REOPENED),
    CaseState.DELIVERED: (EventKind.DELIVERED,),
    CaseState.ACKNOWLEDGED: (EventKind.ACKNOWLEDGED,),
    CaseState.FIX_NAMED: (EventKind.FIX_NAMED,),
}
"""What happened last when a case came to a state."""


def _cases(at: str, where: str) -> str:
    return f"""
    select cases.id as entity, {at} as at, exists (
        select from case_reports join validations on validations.report = case_reports.report
        where case_reports.case_id = cases.id and urgent) as urgent, '' as note
    from cases where {where}"""  # noqa: S608  # all of it is this file's own text


def _case_stage(key: str, name: str, mover: Mover, state: CaseState) -> Stage:
    kinds = ", ".join(f"'{kind.value}'" for kind in _REACHED[state])
    since = f"(select max(at) from case_events where case_id = cases.id and kind in ({kinds}))"  # noqa: S608  # ours
    where = f"state = '{state.value}' and ({_OVER}) is not true"
    return Stage(key, name, mover, NEXT[state].move, Thing.CASE, _cases(f"coalesce({since}, opened_at)", where))


STAGES: tuple[Stage, ...] = (
    _report_stage(
        "queued",
        "Waiting for a machine",
        Mover.MACHINE,
        "takes it in its turn",
        _validations("queued_at", "state = 'queued'"),
    ),
    _report_stage(
        "running",
        "Being reproduced",
        Mover.MACHINE,
        "is at it",
        _validations("coalesce(begun_at, queued_at)", "state = 'running'"),
    ),
    _report_stage(
        "merging",
        "Reproduced, no case yet",
        Mover.MACHINE,
        "merges it and opens its case",
        _validations("decided_at", f"verdict = 'reproduced' and {_CASELESS}"),
    ),
    _report_stage(
        "aside",
        "Set aside",
        Mover.COORDINATOR,
        "see why it could not be run, mend that, and run it again",
        _SET_ASIDE,
    ),
    _report_stage(
        "inconclusive",
        "Inconclusive",
        Mover.COORDINATOR,
        "run it again, have two people examine it, or open a case with a reason",
        _validations("decided_at", f"verdict = 'inconclusive' and claimed is null and {_UNMERGED} and {_UNSEEN}"),
    ),
    _report_stage(
        "examination",
        "Examined by one of two",
        Mover.COORDINATOR,
        "a second person answers the same checklist",
        _HALF_EXAMINED,
    ),
    Stage(
        "overdue",
        "Embargo over, not published",
        Mover.COORDINATOR,
        "publish, or agree on a later end",
        Thing.CASE,
        _cases("embargo_ends_at", _OVER),
    ),
    _case_stage("open", "Case open, not delivered", Mover.COORDINATOR, CaseState.OPEN),
    _case_stage("fixed", "Fixed version named", Mover.COORDINATOR, CaseState.FIX_NAMED),
    Stage(
        "bare",
        "No reproducer",
        Mover.FINDER,
        "send it again with a reproducer, under a reference of its own; until then two people may examine it, "
        "or a coordinator opens a case with a reason",
        Thing.REPORT,
        _validations("decided_at", _BARE),
        _BARE_FOLDED,
    ),
    _case_stage("delivered", "Delivered, unanswered", Mover.MAINTAINER, CaseState.DELIVERED),
    _case_stage("acknowledged", "Acknowledged, no fix named", Mover.MAINTAINER, CaseState.ACKNOWLEDGED),
)
"""From a report to a publication, grouped by who moves next."""

EXPOSED = "select changed_at as at from exposures where state = 'open'"
"""What operators have not deployed; counted alone, since nobody but they may see their lines."""

BANDS: tuple[tuple[str, str, str], ...] = (
    ("day", "under a day", "at > :now - interval '1 day'"),
    ("week", "under a week", "at <= :now - interval '1 day' and at > :now - interval '7 days'"),
    ("month", "under 30 days", "at <= :now - interval '7 days' and at > :now - interval '30 days'"),
    ("longer", "30 days or more", "at <= :now - interval '30 days'"),
)
"""Ages: key, words, and the condition on ``at``."""
