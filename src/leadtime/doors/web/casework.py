"""Pages of cases: the list, one case, and the coordinator's moves."""

from __future__ import annotations

from uuid import UUID

from starlette.responses import Response

from leadtime.doors.read_models import case as case_model
from leadtime.doors.read_models.cases import read_cases
from leadtime.doors.read_models.names import read_names
from leadtime.doors.web.asking import PageAsk, see_other
from leadtime.flow import advisory, coordination, parties
from leadtime.flow.advisory import Advisory
from leadtime.flow.coordination import CaseId
from leadtime.flow.intake import ReportId
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing
from leadtime.foundation.ids import parse_id
from leadtime.workflows import publishing, report_to_operator
from leadtime.workflows.drafting import Words, draft_advisory, words_of

HERE = "/cases"
REPORT_FIELD = "report "
"""Begins the name of a report's box in the form that splits; its id follows."""


def show_cases(ask: PageAsk) -> Response:
    """Show the visitor's cases."""
    ask.signed_in()
    with ask.transaction() as tx:
        cases = read_cases(tx, CaseId(cursor) if (cursor := cursor_of(ask)) else None)
    return ask.page("cases.html", here=HERE, cases=cases)


def show_case(ask: PageAsk) -> Response:
    """Show one case."""
    return _case_page(ask, link="")


def set_embargo(ask: PageAsk) -> Response:
    """Set the embargo of a case."""
    with ask.transaction() as tx:
        coordination.set_embargo(tx, case_of(ask), ends_at=ask.field("ends_at"), zone=ask.field("zone"))
    return _back(ask)


def deliver(ask: PageAsk) -> Response:
    """Deliver a case; the page that answers shows the link, this once."""
    maintainer = parties.OrganisationId(parse_id(ask.field("organisation"), where="organisation"))
    with ask.transaction() as tx:
        link = coordination.deliver(
            tx,
            case_of(ask),
            maintainer,
            reason=ask.form.get("reason", ""),
            exploitation=ask.form.get("exploitation", ""),
        )
    return _case_page(ask, link=f"{ask.site.settings.url}/d/{link.secret}")


def draft(ask: PageAsk) -> Response:
    """Draft a case's advisory."""
    case = case_of(ask)
    with ask.transaction() as tx:
        words = _words(ask, advisory.find_advisory(tx, case))
        draft_advisory(tx, case, words, namespace=ask.site.settings.url)
    return _back(ask)


def publish(ask: PageAsk) -> Response:
    """Publish a case's advisory."""
    ask.field("sure")
    with ask.transaction() as tx:
        held = _advisory_of(tx, case_of(ask))
        publishing.publish(tx, held.id, early_because=ask.form.get("early_because", ""))
    return _back(ask)


def revise(ask: PageAsk) -> Response:
    """Publish a correction of a case's advisory."""
    case = case_of(ask)
    with ask.transaction() as tx:
        held = _advisory_of(tx, case)
        publishing.revise(
            tx,
            held.id,
            _words(ask, held),
            summary=ask.field("changed"),
            early_because=ask.form.get("early_because", ""),
        )
    return _back(ask)


def reopen(ask: PageAsk) -> Response:
    """Open a published or closed case again."""
    with ask.transaction() as tx:
        coordination.reopen_case(tx, case_of(ask), reason=ask.field("reason"))
    return _back(ask)


def split(ask: PageAsk) -> Response:
    """Split the chosen reports off a case's flaw; the page that answers is their new case."""
    ask.field("sure")
    chosen = [name.removeprefix(REPORT_FIELD) for name in ask.form if name.startswith(REPORT_FIELD)]
    leaving = [ReportId(parse_id(each, where="report")) for each in chosen]
    with ask.transaction() as tx:
        flaw = coordination.read_case(tx, case_of(ask)).case.vulnerability
        other = coordination.find_case(tx, report_to_operator.split(tx, flaw, leaving))
    return see_other(f"{HERE}/{other.id}") if other else _back(ask)


def cursor_of(ask: PageAsk) -> UUID | None:
    """Return where a list goes on."""
    cursor = ask.request.query_params.get("cursor")
    return parse_id(cursor, where="cursor") if cursor else None


def case_of(ask: PageAsk) -> CaseId:
    """Return the case that the address names, for those who signed in."""
    ask.signed_in()
    return CaseId(parse_id(ask.request.path_params["case"], where="case"))


def _advisory_of(tx: Transaction, case: CaseId) -> Advisory:
    held = advisory.find_advisory(tx, case)
    if held is None:
        raise Missing("this case has no advisory yet", next_step="Draft it first.")
    return held


def _words(ask: PageAsk, held: Advisory | None) -> Words:
    """Return the form's words; ranges and references, which the form does not hold, stay as they are."""
    kept = words_of(held.document) if held else None
    return Words(
        title=ask.field("title"),
        summary=ask.field("summary"),
        remedy=ask.form.get("remedy", "").strip(),
        cve=ask.form.get("cve", "").strip() or None,
        cwes=tuple(ask.form.get("cwes", "").replace(",", " ").split()),
        spans=kept.spans if kept else (),
        references=kept.references if kept else (),
    )


def _case_page(ask: PageAsk, *, link: str) -> Response:
    case = case_of(ask)
    with ask.transaction() as tx:
        parts = case_model.read_parts(tx, case)
        names = read_names(ask.site.database, parts.organisations)
        page = case_model.page_of(tx, parts, names)
    return ask.page("case.html", here=HERE, case=page, link=link)


def _back(ask: PageAsk) -> Response:
    return see_other(f"{HERE}/{case_of(ask)}")
