"""One case: what was proven, why it is one flaw, what comes first, who acts, and everything that happened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from leadtime.doors.read_models.accounts import Account, accounts_of
from leadtime.doors.read_models.advisories import badge as advisory_badge
from leadtime.doors.read_models.advisory_form import FormWords, form_words
from leadtime.doors.read_models.cases import clock_of, cve_of, mover_of
from leadtime.doors.read_models.evidence import count_results, evidence_of, find_validation
from leadtime.doors.read_models.merge_picture import MergePicture, read_picture
from leadtime.doors.read_models.names import Names
from leadtime.doors.read_models.patches import PatchBoard, board_of
from leadtime.doors.read_models.pictures import (
    Badge,
    Credit,
    EmbargoClock,
    Event,
    Evidence,
    Priority,
    Step,
    Tone,
)
from leadtime.doors.read_models.severities import SeverityLine, severities_of
from leadtime.doors.read_models.urgency import priority_of
from leadtime.flow import advisory, coordination, intake, merging, parties, validation
from leadtime.flow.advisory import Advisory, AdvisoryState
from leadtime.flow.coordination import CaseFile, CaseId, CaseState, Delivery, DeliveryState, EventKind
from leadtime.flow.intake import Report
from leadtime.flow.merging import RootOutcome, Vulnerability
from leadtime.flow.validation import KeptValidation, Word
from leadtime.foundation.access import Act, Role, may
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing, Refused
from leadtime.foundation.explanation import Explanation
from leadtime.workflows.drafting import offered_spans

REPORTS_SHOWN_MAX = 50
NOTE_CHARS_SHOWN_MAX = 300


class CaseAct(StrEnum):
    """What a coordinator can do to a case from its page; the last part of the address that does it."""

    EMBARGO = "embargo"
    DELIVER = "deliver"
    DRAFT = "draft"
    PUBLISH = "publish"
    REVISE = "revise"
    REOPEN = "reopen"
    SPLIT = "split"
    LIFT = "lift"
    CLOSE = "close"
    WITHDRAW = "withdraw"
    DECIDE = "outcome"


@dataclass(frozen=True, slots=True)
class Choice:
    """One organisation that can be chosen in a form."""

    value: str
    text: str


@dataclass(frozen=True, slots=True)
class ParticipantLine:
    """One organisation that takes part."""

    name: str
    example: bool


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """One delivery to a maintainer and how far it got."""

    organisation: str
    example: bool
    state: Badge
    sent_at: datetime
    acknowledged_at: datetime | None
    fixed_version: str


@dataclass(frozen=True, slots=True)
class AdvisoryLine:
    """The case's advisory, drafted or published; ``href`` is empty until it is published."""

    href: str
    state: Badge
    title: str


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """What a maintainer who signed in can still say of its own delivery."""

    can_acknowledge: bool
    fixed_version: str


@dataclass(frozen=True, slots=True)
class CasePage:
    """One case as its viewer may see it; ``acts`` are the buttons the viewer has now."""

    id: str
    number: str
    title: str
    component: str
    tlp: str
    steps: tuple[Step, ...]
    mover: str
    move: str
    priority: Priority | None
    embargo: EmbargoClock | None
    evidence: tuple[Evidence, ...]
    merged_because: tuple[Explanation, ...]
    credits: tuple[Credit, ...]
    participants: tuple[ParticipantLine, ...]
    deliveries: tuple[DeliveryLine, ...]
    advisory: AdvisoryLine | None
    history: tuple[Event, ...]
    acts: tuple[CaseAct, ...]
    words: FormWords
    accounts: tuple[Account, ...] = ()
    has_reproducer: bool = False
    answer: AnswerForm | None = None
    holders: tuple[str, ...] = ()
    maintainers: tuple[Choice, ...] = ()
    reports: tuple[Choice, ...] = ()
    needs_reason: bool = False
    outcomes: tuple[RootOutcome, ...] = ()
    severities: tuple[SeverityLine, ...] = ()
    rates: bool = False
    picture: MergePicture | None = None
    patches: PatchBoard | None = None


@dataclass(frozen=True, slots=True)
class CaseParts:
    """What the stages gave for one case, before names are put to it."""

    file: CaseFile
    vulnerability: Vulnerability | None
    reports: tuple[Report, ...]
    advisory: Advisory | None
    priority: Priority
    maintainers: tuple[parties.Organisation, ...]

    @property
    def organisations(self) -> frozenset[parties.OrganisationId | None]:
        """Return every organisation that the page names."""
        named: set[parties.OrganisationId | None] = {report.organisation for report in self.reports}
        named |= {each.organisation for each in self.file.participants}
        named |= {each.organisation for each in self.file.deliveries}
        return frozenset(named | {event.organisation for event in self.file.history})


def read_parts(tx: Transaction, case: CaseId) -> CaseParts:
    """Return what the viewer may see of a case, stage by stage; raises `Missing` if that is nothing."""
    file = coordination.read_case(tx, case)
    coordinates = may(tx.viewer.role, Act.COORDINATE_CASE, tx.relation_to(case))
    return CaseParts(
        file=file,
        vulnerability=_vulnerability(tx, file),
        reports=readable_reports(tx, file.reports[:REPORTS_SHOWN_MAX]),
        advisory=_advisory(tx, case),
        priority=priority_of(tx, cve_of(tx, file.case)),
        maintainers=_maintainers(tx) if coordinates else (),
    )


def page_of(tx: Transaction, parts: CaseParts, names: Names) -> CasePage:
    """Return the page of a case from its parts."""
    case, flaw = parts.file.case, parts.vulnerability
    titles = titles_of(parts, names)
    mover, move, _ = mover_of(tx, case)
    coordinates = may(tx.viewer.role, Act.COORDINATE_CASE, tx.relation_to(case.id))
    return CasePage(
        id=str(case.id),
        number=case.number,
        title=case.title,
        component=flaw.component if flaw else "",
        tlp=case.tlp.text,
        steps=_steps(parts.file),
        mover=mover,
        move=move,
        priority=parts.priority,
        embargo=clock_of(case, tx.now),
        evidence=evidence_lines(tx, parts.reports, names),
        merged_because=flaw.reasons[1:] if flaw else (),
        credits=credit_lines(parts.reports, names),
        participants=tuple(
            ParticipantLine(each.name, names.of(each.organisation).example) for each in parts.file.participants
        ),
        deliveries=tuple(_delivery(each, names) for each in parts.file.deliveries),
        advisory=_advisory_line(parts.advisory),
        history=_history(parts.file, names),
        acts=_acts(parts) if coordinates else (),
        words=form_words(parts.advisory, case.title, offered_spans(_validations(tx, parts.reports))),
        accounts=accounts_of(parts.reports, names, tx.viewer.role),
        has_reproducer=any(each.body.reproducer for each in parts.reports),
        answer=_answer(tx, parts.file),
        holders=_holders(parts.file, names),
        maintainers=tuple(Choice(str(each.id), each.name) for each in parts.maintainers),
        reports=tuple(Choice(str(report), title) for report, title in titles.items()),
        needs_reason=not is_proven(tx, parts.reports),
        outcomes=merging.list_outcomes(tx, flaw.id) if flaw else (),
        severities=severities_of(tx, flaw, parts.reports, names),
        picture=read_picture(tx, flaw.id if flaw else None, titles),
        patches=board_of(tx, case.id, base=f"/cases/{case.id}", titles=titles, names=names),
        rates=flaw is not None and may(tx.viewer.role, Act.STATE_SEVERITY, tx.relation_to(flaw.id)),
    )


def titles_of(parts: CaseParts, names: Names) -> dict[intake.ReportId, str]:
    """Return what a page calls each report."""
    return {each.id: f"{each.body.title} ({names.of(each.organisation).text})" for each in parts.reports}


def readable_reports(tx: Transaction, reports: Iterable[intake.ReportId]) -> tuple[Report, ...]:
    """Return those of the reports that the viewer may read."""
    found: list[Report] = []
    for each in reports:
        try:
            found.append(intake.read_report(tx, each))
        except (Missing, Refused):
            continue
    return tuple(found)


def evidence_lines(tx: Transaction, reports: Iterable[Report], names: Names) -> tuple[Evidence, ...]:
    """Return what the validations of the reports showed, as far as they are decided."""
    found: list[Evidence] = []
    proven = [(report, find_validation(tx, report.id)) for report in reports]
    results = count_results(proven)
    for report, kept in proven:
        shown = kept and evidence_of(report, kept, names.of(report.organisation), results=results)
        if shown:
            found.append(shown)
    return tuple(found)


def _validations(tx: Transaction, reports: Iterable[Report]) -> Iterator[KeptValidation]:
    return (kept for report in reports if (kept := find_validation(tx, report.id)) is not None)


def is_proven(tx: Transaction, reports: Iterable[Report]) -> bool:
    """Tell whether somebody other than its finder reproduced any of the reports, or two people examined it (I5)."""
    held = tuple(reports)
    decided = (find_validation(tx, report.id) for report in held)
    return any(validation.is_examined(tx, report.id) for report in held) or any(
        kept and kept.outcome and kept.outcome.verdict == Word.REPRODUCED for kept in decided
    )


def credit_lines(reports: Iterable[Report], names: Names) -> tuple[Credit, ...]:
    """Return who is credited for each report."""
    return tuple(
        Credit(
            organisation=names.of(report.organisation).text,
            example=names.of(report.organisation).example,
            report=str(report.id),
            title=report.body.title,
            text=", ".join(each for each in report.body.credit if each != names.of(report.organisation).text),
        )
        for report in reports
    )


def own_delivery(tx: Transaction, file: CaseFile) -> Delivery | None:
    """Return the open delivery of a case to the viewer's own organisation; None: it has none."""
    mine = [each for each in file.deliveries if each.organisation == tx.viewer.organisation]
    return next((each for each in mine if each.state is not DeliveryState.CLOSED), None)


def _answer(tx: Transaction, file: CaseFile) -> AnswerForm | None:
    mine = own_delivery(tx, file) if tx.viewer.role is Role.MAINTAINER else None
    if mine is None:
        return None
    return AnswerForm(mine.state is DeliveryState.SENT, mine.fixed.version if mine.fixed else "")


def _holders(file: CaseFile, names: Names) -> tuple[str, ...]:
    """Return who has a link that works."""
    held = (each for each in file.deliveries if each.state is not DeliveryState.CLOSED)
    return tuple(names.of(each.organisation).text for each in held)


def _vulnerability(tx: Transaction, file: CaseFile) -> Vulnerability | None:
    try:
        return merging.read_vulnerability(tx, file.case.vulnerability)
    except (Missing, Refused):
        return None


def _advisory(tx: Transaction, case: CaseId) -> Advisory | None:
    try:
        return advisory.find_advisory(tx, case)
    except (Missing, Refused):
        return None


def _maintainers(tx: Transaction) -> tuple[parties.Organisation, ...]:
    return tuple(each for each in parties.list_organisations(tx) if each.role is Role.MAINTAINER)


_STEPS: tuple[tuple[str, CaseState, EventKind], ...] = (
    ("Opened", CaseState.OPEN, EventKind.OPENED),
    ("Delivered", CaseState.DELIVERED, EventKind.DELIVERED),
    ("Acknowledged", CaseState.ACKNOWLEDGED, EventKind.ACKNOWLEDGED),
    ("Fix named", CaseState.FIX_NAMED, EventKind.FIX_NAMED),
    ("Published", CaseState.PUBLISHED, EventKind.PUBLISHED),
)


def _steps(file: CaseFile) -> tuple[Step, ...]:
    reached = {event.kind: event.at for event in file.history}
    return tuple(
        Step(name, done=kind in reached, now=state is file.case.state, at=reached.get(kind))
        for name, state, kind in _STEPS
    )


_DELIVERY_TONES = {
    DeliveryState.SENT: Tone.MILD,
    DeliveryState.ACKNOWLEDGED: Tone.COOL,
    DeliveryState.FIX_NAMED: Tone.GOOD,
    DeliveryState.CLOSED: Tone.PLAIN,
}


def delivery_badge(delivery: Delivery) -> Badge:
    """Return a delivery's state as a badge."""
    return Badge(delivery.state.value, _DELIVERY_TONES[delivery.state])


def _delivery(delivery: Delivery, names: Names) -> DeliveryLine:
    name = names.of(delivery.organisation)
    return DeliveryLine(
        organisation=name.text,
        example=name.example,
        state=delivery_badge(delivery),
        sent_at=delivery.sent_at,
        acknowledged_at=delivery.acknowledged_at,
        fixed_version=delivery.fixed.version if delivery.fixed else "",
    )


def _advisory_line(found: Advisory | None) -> AdvisoryLine | None:
    if found is None:
        return None
    return AdvisoryLine(f"/advisories/{found.id}", advisory_badge(found.state), found.document.title)


def _history(file: CaseFile, names: Names) -> tuple[Event, ...]:
    quiet = (EventKind.REPORT_JOINED, EventKind.PUBLISHED)
    return tuple(
        Event(
            event.at,
            names.of(event.organisation).text,
            f"{event.kind.value}: {event.note[:NOTE_CHARS_SHOWN_MAX]}"
            if event.note and event.kind not in quiet
            else event.kind.value,
        )
        for event in reversed(file.history)
    )


_ADVISORY_ACTS = {
    None: (CaseAct.DRAFT,),
    AdvisoryState.DRAFT: (CaseAct.DRAFT, CaseAct.PUBLISH),
    AdvisoryState.PUBLISHED: (CaseAct.REVISE, CaseAct.WITHDRAW),
    AdvisoryState.WITHDRAWN: (CaseAct.REVISE,),
}
"""How far the case's advisory is -> what can be done to it."""


def _acts(parts: CaseParts) -> tuple[CaseAct, ...]:
    state = parts.file.case.state
    apart = (CaseAct.SPLIT,) if len(parts.reports) > 1 else ()
    if state is CaseState.CLOSED:
        return (CaseAct.REOPEN,)
    advised = _ADVISORY_ACTS[parts.advisory.state if parts.advisory else None]
    if state is CaseState.PUBLISHED:
        return (CaseAct.DELIVER, *advised, CaseAct.REOPEN, CaseAct.CLOSE, CaseAct.DECIDE, *apart)
    lift = (CaseAct.LIFT,) if parts.file.case.embargo else ()
    return (CaseAct.EMBARGO, *lift, CaseAct.DELIVER, *advised, CaseAct.CLOSE, CaseAct.DECIDE, *apart)
