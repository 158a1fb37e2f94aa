"""Open the case of a vulnerability, and keep it up to date as more reports turn out to be the same flaw."""

from __future__ import annotations

from sqlalchemy import delete, insert, select

from leadtime.flow import merging
from leadtime.flow.coordination.history import hold_case, remember
from leadtime.flow.coordination.participants import admit, dismiss
from leadtime.flow.coordination.read import case_from, deliveries_of
from leadtime.flow.coordination.records import Case, CaseId, CaseState, EventKind
from leadtime.flow.coordination.rules import TITLE_CHARS_MAX, case_number, check_note
from leadtime.flow.coordination.tables import TITLE, case_reports, cases, deliveries
from leadtime.flow.intake import ReportId
from leadtime.flow.merging import Vulnerability, VulnerabilityId
from leadtime.foundation.access import Act, Relation
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Conflict
from leadtime.foundation.ids import new_id
from leadtime.foundation.labels import Tlp
from leadtime.foundation.lines import check_line


def open_case(
    tx: Transaction, vulnerability: VulnerabilityId, *, title: str, tlp: Tlp = Tlp.AMBER_STRICT, because: str = ""
) -> Case:
    """Return the vulnerability's case, opened with ``title`` if there is none yet, with all its reports joined.

    Call it again whenever a report was merged or split off: new reports come under the case's key, their finders take
    part, and maintainers to whom the case was delivered may read them. ``title`` and ``tlp`` of an open case stay.
    ``because``: why a case is opened that nobody but its finder has shown (I5); the history keeps it.
    """
    tx.require(Act.COORDINATE_CASE)
    tx.lock("case", str(vulnerability))
    found = merging.read_vulnerability(tx, vulnerability)
    if not found.reports:
        raise Conflict(
            "this vulnerability holds no report any more", where=str(vulnerability), next_step="Read it again."
        )
    known = tx.connection.scalar(select(cases.c.id).where(cases.c.vulnerability == vulnerability))
    case = _begin(tx, found, title, tlp, because) if known is None else CaseId(known)
    held = hold_case(tx, case)
    _join_reports(tx, case, found)
    return case_from(tx, held)


def _begin(tx: Transaction, found: Vulnerability, title: str, tlp: Tlp, because: str) -> CaseId:
    now = tx.now
    case = CaseId(new_id(now))
    text = check_line(title, where="title", chars_max=TITLE_CHARS_MAX)
    row = {
        "id": case,
        "number": case_number(case, now),
        "vulnerability": found.id,
        "state": CaseState.OPEN.value,
        "tlp": tlp.value,
        "opened_at": now,
        "title": tx.seal(case, TITLE, text.encode()),
    }
    tx.connection.execute(insert(cases).values(row))
    tx.rewrap(found.id, under=case)
    remember(tx, case, EventKind.OPENED, check_note(because, where="reason"))
    return case


def _join_reports(tx: Transaction, case: CaseId, found: Vulnerability) -> None:
    """Make the case's reports those of the vulnerability: join the new, let go of what was split off."""
    joined = set(tx.connection.scalars(select(case_reports.c.report).where(case_reports.c.case_id == case)))
    handed_to = [delivery.organisation for delivery in deliveries_of(tx, case)]
    for credit in found.credits:
        if credit.report in joined:
            continue
        tx.connection.execute(insert(case_reports).values(case_id=case, report=credit.report, joined_at=tx.now))
        admit(tx, case, credit.organisation)
        tx.rewrap(credit.report, under=case)
        for organisation in handed_to:
            tx.relate(credit.report, organisation, Relation.PARTICIPANT)
        remember(tx, case, EventKind.REPORT_JOINED, str(credit.report))
    gone = joined - set(found.reports)
    if gone:
        _let_go(tx, case, {ReportId(report) for report in gone}, found)


def _let_go(tx: Transaction, case: CaseId, gone: set[ReportId], found: Vulnerability) -> None:
    """Let reports that were split off leave the case, and with them whoever took part, or read them, for that alone."""
    leaving = case_reports.c.report.in_(gone)
    tx.connection.execute(delete(case_reports).where(case_reports.c.case_id == case, leaving))
    for report in sorted(gone, key=lambda report: report.int):
        remember(tx, case, EventKind.REPORT_LEFT, str(report))
    handed_to = {delivery.organisation for delivery in deliveries_of(tx, case)}
    elsewhere = select(case_reports.c.report, deliveries.c.organisation).join_from(
        case_reports, deliveries, case_reports.c.case_id == deliveries.c.case_id
    )
    kept = {(row.report, row.organisation) for row in tx.connection.execute(elsewhere.where(leaving))}
    for report in gone:
        for organisation in handed_to:
            if (report, organisation) not in kept:
                tx.unrelate(report, organisation)
    finders = set(merging.finders_of(tx, gone).values())
    dismiss(tx, case, sorted(finders - handed_to - {credit.organisation for credit in found.credits}))
