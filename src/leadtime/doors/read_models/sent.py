"""What became of the reports that an organisation sent: each in a badge and a sentence, all of them in numbers.

Whoever sent a report learns of its case what `coordination` tells finders: its number and how far it is, no more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import bindparam, text

from leadtime.doors.read_models.evidence import badge_in
from leadtime.doors.read_models.home import StageCount
from leadtime.doors.read_models.pictures import Badge, Tone
from leadtime.flow.coordination import CaseState
from leadtime.flow.intake import ReportId
from leadtime.flow.merging import OutcomeKind
from leadtime.flow.validation import PEOPLE_WANTED, State, Word
from leadtime.foundation.access import Act, Relation, may, require
from leadtime.foundation.database import Transaction


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one report stands, in a badge and in a sentence; ``case`` is the number of its case, if there is one."""

    badge: Badge
    words: str
    case: str = ""
    case_href: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """All that an organisation sent, in numbers: how far it came, and what became of the rest."""

    reached: tuple[StageCount, ...]
    waiting: int
    refuted: int
    inconclusive: int


_TRIED: Mapping[State | Word, str] = {
    State.QUEUED: "A machine takes it in its turn.",
    State.RUNNING: "A machine is at it.",
    State.SET_ASIDE: "It could not be run; a coordinator looks at why.",
    Word.REPRODUCED: "We saw it too. Its case opens by itself.",
    Word.NOT_REPRODUCED: "We ran it and did not see it.",
    Word.HARNESS_FAULT: "What failed is the program around the software, not the software.",
    Word.INCONCLUSIVE: "It came to nothing either way; a coordinator decides what comes next.",
}

_BARE = (
    Badge("no reproducer", Tone.MILD),
    "There is nothing to run in it. Send it again with a reproducer, under a reference of its own.",
)

_COORDINATED: Mapping[CaseState, tuple[Badge, str]] = {
    CaseState.OPEN: (Badge("in a case", Tone.COOL), "Its maintainer gets it next."),
    CaseState.DELIVERED: (Badge("delivered", Tone.COOL), "Its maintainer has it and has not answered yet."),
    CaseState.ACKNOWLEDGED: (Badge("acknowledged", Tone.COOL), "Its maintainer is at it."),
    CaseState.FIX_NAMED: (Badge("fixed", Tone.GOOD), "A fixed version is named; the advisory comes next."),
    CaseState.PUBLISHED: (Badge("published", Tone.GOOD), "Its advisory is public."),
    CaseState.CLOSED: (Badge("closed", Tone.PLAIN), "Its case is closed."),
}

_ANSWERED: Mapping[OutcomeKind, tuple[Badge, str]] = {
    OutcomeKind.REJECTED: (Badge("rejected", Tone.WARM), "The flaw that it turned out to be was decided: read why."),
    OutcomeKind.RE_RATED: (Badge("re-rated", Tone.MILD), "The flaw that it turned out to be was re-rated: read why."),
}


def read_standings(tx: Transaction, reports: Sequence[ReportId]) -> Mapping[UUID, Standing]:
    """Return where each of these reports, which the viewer may read, stands; opens no sealed content."""
    if not reports:
        return {}
    sees_cases = may(tx.viewer.role, Act.READ_CASE, Relation.PARTICIPANT)
    answers = _answers(tx, reports)
    rows = tx.connection.execute(_STANDINGS, {"ids": reports})
    return {
        row.report: standing_of(
            State(row.state) if row.state else None,
            row.verdict,
            CaseState(row.case_state) if row.case_state and sees_cases else None,
            answers.get(row.report),
            case=(row.number, f"/cases/{row.case_id}"),
            runnable=row.runnable,
        )
        for row in rows
    }


def standing_of(
    state: State | None,
    verdict: str | None,
    case_state: CaseState | None,
    answer: OutcomeKind | None,
    *,
    case: tuple[str, str],
    runnable: bool = True,
) -> Standing:
    """Return where a report stands by what is known of it: what was decided of its flaw, else its case, else its proof.

    ``case``: number and address of its case, where it has one; ``runnable``: it carries a reproducer.
    """
    if state is None:
        return Standing(badge_in(None, None), "It is stored, and waits to be looked at.")
    badge, words = badge_in(state, verdict), _TRIED[Word(verdict) if verdict else state]
    if not runnable:
        badge, words = _BARE
    number, href = case if case_state else ("", "")
    if case_state:
        badge, words = _COORDINATED[case_state]
    if answer:
        badge, words = _ANSWERED[answer]
    return Standing(badge, words, number, href)


def read_sent(tx: Transaction) -> Sent:
    """Return how far the reports of the viewer's own organisation came: from the delivery on, each flaw once.

    Proven is what a machine reproduced or two people examined; a case that was opened for a reason proves nothing (I5).
    Counted with the system's eyes over its own reports alone, since each row's own policy is asked row by row.
    """
    require(tx.viewer, Act.READ_REPORT, Relation.OWN)
    sees_cases = may(tx.viewer.role, Act.READ_CASE, Relation.PARTICIPANT)
    with tx.as_system() as system:
        row = system.connection.execute(_SENT, {"organisation": tx.viewer.organisation, "people": PEOPLE_WANTED}).one()
    steps = [
        ("Received", "reports of yours", row.received, "prove"),
        ("Proven", "reports, by others than you", row.proven, "prove"),
    ]
    if sees_cases:
        steps += [
            ("Delivered", "flaws, to their maintainers", row.delivered, "agree"),
            ("Fixed", "flaws with a fixed version", row.fixed, "agree"),
            ("Published", "advisories, for everybody", row.published, "deploy"),
        ]
    reached = tuple(StageCount(name, what, f"{count:,}", group, exact=True) for name, what, count, group in steps)
    return Sent(reached, row.waiting, row.refuted, row.inconclusive)


def _answers(tx: Transaction, reports: Sequence[ReportId]) -> Mapping[UUID, OutcomeKind]:
    """Return what holds of each report's root cause, whoever else reported that (as `merging.answer_to`)."""
    with tx.as_system() as system:
        found = {row.report: OutcomeKind(row.kind) for row in system.connection.execute(_ANSWERS, {"ids": reports})}
    return {report: kind for report, kind in found.items() if kind is not OutcomeKind.REOPENED}


_STANDINGS = text("""
    with placed as (
        select distinct on (report) report, cases.id, number, state
        from case_reports join cases on cases.id = case_id where report in :ids
        order by report, state = 'closed', opened_at
    )
    select reports.id as report, validations.state, verdict, claimed is null as runnable,
        placed.id as case_id, number, placed.state as case_state
    from reports left join validations on validations.report = reports.id left join placed on placed.report = reports.id
    where reports.id in :ids""").bindparams(bindparam("ids", expanding=True))
"""A case that was taken into another still names its reports: the one that goes on is meant."""

_ANSWERS = text("""
    select distinct on (report) report, kind
    from merged_reports join root_outcomes on root_outcomes.vulnerability = merged_reports.vulnerability
    where report in :ids order by report, number desc""").bindparams(bindparam("ids", expanding=True))

_SENT = text("""
    with mine as (select id from reports where organisation = :organisation), placed as (
        select distinct on (report) report, cases.id, state
        from case_reports join mine on mine.id = report join cases on cases.id = case_id
        order by report, state = 'closed', opened_at
    ), examined as (
        select distinct report from (
            select report from examinations join mine on mine.id = report
            group by report, kind having count(*) >= :people
        ) as answered
    ), told as (
        select verdict, coalesce(verdict = 'reproduced', false) or examined.report is not null as proven,
            placed.id as flaw, placed.state
        from mine left join validations on validations.report = mine.id left join examined on examined.report = mine.id
            left join placed on placed.report = mine.id
    )
    select count(*) as received,
        count(*) filter (where proven) as proven,
        count(distinct flaw) filter (where state in ('delivered', 'acknowledged', 'fix named', 'published'))
            as delivered,
        count(distinct flaw) filter (where state in ('fix named', 'published')) as fixed,
        count(distinct flaw) filter (where state = 'published') as published,
        count(*) filter (where verdict is null and not proven) as waiting,
        count(*) filter (where verdict in ('not_reproduced', 'harness_fault') and not proven) as refuted,
        count(*) filter (where verdict = 'inconclusive' and not proven) as inconclusive
    from told""")
