"""A finder's own reports: what became of each, and the receipt that proves it was received."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import text

from leadtime.doors.read_models.accounts import claims_of
from leadtime.doors.read_models.cases import published_of
from leadtime.doors.read_models.evidence import evidence_of, find_validation
from leadtime.doors.read_models.merge_picture import AlikeLine, alike_lines
from leadtime.doors.read_models.names import Names
from leadtime.doors.read_models.pictures import Evidence, Step
from leadtime.doors.read_models.sent import Sent, Standing, read_sent, read_standings
from leadtime.flow import coordination, intake, merging, validation
from leadtime.flow.coordination import Case
from leadtime.flow.intake import Receipt, ReportId, ReportSummary
from leadtime.flow.merging import RootOutcome
from leadtime.flow.parties import OrganisationId
from leadtime.flow.validation import Examination, Item, KeptValidation, State, TrackRecord, Unprovable, Word
from leadtime.foundation.access import Act, Relation, Role, may
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing, Refused
from leadtime.workflows.evidence import unproven_evidence_of

PAGE_REPORTS = 50


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One report in the list."""

    href: str
    reference: str
    title: str
    component: str
    received_at: datetime
    standing: Standing
    finder: str = ""
    example: bool = False


@dataclass(frozen=True, slots=True)
class ReportList:
    """The viewer's reports, newest first; ``more`` is the next page's address or empty."""

    rows: tuple[ReportRow, ...]
    everybodys: bool
    more: str = ""
    record: TrackRecord | None = None
    sent: Sent | None = None
    asked: str = ""


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """The signed receipt, as it can be checked offline."""

    digest: str
    key_id: str
    signature: str
    received_at: datetime


class ReportAct(StrEnum):
    """What a coordinator can do to a report from its page; the last part of the address that does it."""

    OPEN_CASE = "case"
    RUN_AGAIN = "again"
    EXAMINE = "examination"


@dataclass(frozen=True, slots=True)
class AdvisoryLink:
    """What everybody may read of the flaw that a report turned out to be."""

    href: str
    title: str
    published_at: datetime


@dataclass(frozen=True, slots=True)
class ReportPage:
    """One report as its finder (or a coordinator) sees it."""

    id: str
    reference: str
    title: str
    component: str
    description: str
    other_software: str
    claims: tuple[tuple[str, str], ...]
    steps: tuple[Step, ...]
    status: Standing
    receipt: ReceiptLine
    evidence: Evidence | None
    case_number: str = ""
    case_href: str = ""
    advisory: AdvisoryLink | None = None
    acts: tuple[ReportAct, ...] = ()
    alike: tuple[AlikeLine, ...] = ()
    answer: RootOutcome | None = None
    record: TrackRecord | None = None
    examinations: tuple[Examination, ...] = ()
    checklists: Mapping[Unprovable, tuple[Item, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListParts:
    """What the stages gave for a list, before names are put to it."""

    summaries: tuple[ReportSummary, ...]
    standings: Mapping[UUID, Standing]
    after: ReportId | None
    asked: str
    everybodys: bool
    record: TrackRecord | None
    sent: Sent | None


def read_list(tx: Transaction, after: ReportId | None, asked: str = "") -> ListParts:
    """Return one page of the viewer's reports, or of those that are ``asked`` for, with where each stands."""
    page = (
        intake.find_reports(tx, asked, after=after, page_reports=PAGE_REPORTS)
        if asked
        else intake.list_reports(tx, after=after, page_reports=PAGE_REPORTS)
    )
    everybodys = tx.viewer.role is Role.COORDINATOR
    return ListParts(
        summaries=page.reports,
        standings=read_standings(tx, [each.id for each in page.reports]),
        after=page.after,
        asked=asked,
        everybodys=everybodys,
        record=_own_record(tx),
        sent=None if everybodys else read_sent(tx),
    )


def list_of(parts: ListParts, names: Names) -> ReportList:
    """Return the list from its parts."""
    rows = tuple(
        ReportRow(
            href=f"/reports/{each.id}",
            reference=each.reference or "",
            title=each.title,
            component=each.component,
            received_at=each.received_at,
            standing=parts.standings[each.id],
            finder=names.of(each.organisation).text,
            example=names.of(each.organisation).example,
        )
        for each in parts.summaries
    )
    asked = {"q": parts.asked} if parts.asked else {}
    more = f"/reports?{urlencode({**asked, 'cursor': parts.after})}" if parts.after else ""
    return ReportList(rows, parts.everybodys, more, parts.record, parts.sent, parts.asked)


def _own_record(tx: Transaction) -> TrackRecord | None:
    """Return how often the viewer's own reports did not hold; a coordinator reads that on each finder's report."""
    if tx.viewer.organisation is None or tx.viewer.role is Role.COORDINATOR:
        return None
    return validation.read_track_record(tx, OrganisationId(tx.viewer.organisation))


def read_page(tx: Transaction, report: ReportId, names: Names) -> ReportPage:
    """Return the page of one report that the viewer may read."""
    found = intake.read_report(tx, report)
    receipt = intake.read_receipt(tx, report)
    kept = find_validation(tx, report)
    case = _case_of(tx, report)
    public = _advisory_of(tx, case)
    coordinates = may(tx.viewer.role, Act.COORDINATE_CASE, Relation.STRANGER)
    acts = _acts(kept, case) if coordinates else ()
    return ReportPage(
        id=str(report),
        reference=found.body.reference or "",
        title=found.body.title,
        component=intake.name_of(found.body.component),
        description=found.body.description,
        other_software=intake.other_software_run(found.body),
        claims=claims_of(found.body),
        steps=_steps(receipt, kept, case, public),
        status=read_standings(tx, [report])[report],
        receipt=receipt_line(receipt),
        evidence=evidence_of(found, kept, names.of(found.organisation)) if kept else None,
        case_number=case.number if case else "",
        case_href=f"/cases/{case.id}" if case else "",
        advisory=public,
        acts=acts,
        alike=_alike(tx, report) if ReportAct.OPEN_CASE in acts else (),
        answer=merging.answer_to(tx, report),
        record=validation.read_track_record(tx, found.organisation) if coordinates else None,
        examinations=tuple(validation.list_examinations(tx, report)) if coordinates else (),
        checklists=validation.CHECKLISTS,
    )


def _acts(kept: KeptValidation | None, case: Case | None) -> tuple[ReportAct, ...]:
    if kept is None or kept.state in (State.QUEUED, State.RUNNING):
        return ()
    verdict = kept.outcome.verdict if kept.outcome else Word.INCONCLUSIVE
    again = (ReportAct.RUN_AGAIN,) if verdict == Word.INCONCLUSIVE and kept.runnable else ()
    return again if case or verdict == Word.REPRODUCED else (*again, ReportAct.EXAMINE, ReportAct.OPEN_CASE)


def _alike(tx: Transaction, report: ReportId) -> tuple[AlikeLine, ...]:
    """Return the flaws that a report which is in no case may be of, by what it claims."""
    finding = intake.read_finding(tx, report)
    evidence = unproven_evidence_of(finding, validation.read_validation(tx, report))
    return alike_lines(tx, merging.read_claimed(tx, finding, evidence))


def receipt_line(receipt: Receipt) -> ReceiptLine:
    """Return a receipt's parts as text."""
    written = intake.receipt_as_json(receipt)
    return ReceiptLine(str(written["digest"]), receipt.key_id, str(written["signature"]), receipt.received_at)


def _case_of(tx: Transaction, report: ReportId) -> Case | None:
    """Return the case that a report is in, if the viewer takes part in it."""
    found = tx.connection.scalar(_CASE, {"report": report})
    try:
        return coordination.read_case(tx, coordination.CaseId(found)).case if found else None
    except (Missing, Refused):
        return None


_CASE = text("""select cases.id from case_reports join cases on cases.id = case_reports.case_id
    where report = :report order by cases.state = 'closed', cases.opened_at limit 1""")
"""A case that was taken into another still names its reports: the one that goes on is meant."""


def _advisory_of(tx: Transaction, case: Case | None) -> AdvisoryLink | None:
    found = case and published_of(tx, case)
    return AdvisoryLink(f"/advisories/{found.id}", found.document.title, found.document.published_at) if found else None


def _steps(
    receipt: Receipt, kept: KeptValidation | None, case: Case | None, public: AdvisoryLink | None
) -> tuple[Step, ...]:
    decided = kept is not None and kept.outcome is not None
    last = 3 if public else 2 if case else 1 if decided else 0
    verdict = "Reproduced" if kept and kept.outcome and kept.outcome.verdict == "reproduced" else "Examined"
    reached = (
        ("Received", receipt.received_at),
        (verdict, kept.decided_at if kept else None),
        ("In a case", case.opened_at if case else None),
        ("Published", public.published_at if public else None),
    )
    return tuple(Step(name, done=place <= last, now=place == last, at=at) for place, (name, at) in enumerate(reached))
