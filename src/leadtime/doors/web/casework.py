"""Pages of cases: the list, one case, and the coordinator's moves."""

from __future__ import annotations

from uuid import UUID

from starlette.responses import Response

from leadtime.doors.read_models import case as case_model
from leadtime.doors.read_models.cases import read_cases
from leadtime.doors.read_models.names import read_names
from leadtime.doors.web.asking import PageAsk, see_other
from leadtime.flow import advisory, coordination, parties
from leadtime.flow.coordination import CaseId
from leadtime.foundation.errors import Missing
from leadtime.foundation.ids import parse_id
from leadtime.workflows import publishing
from leadtime.workflows.drafting import Words, draft_advisory

HERE = "/cases"


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
    words = Words(
        title=ask.field("title"),
        summary=ask.field("summary"),
        remedy=ask.form.get("remedy", "").strip(),
        cve=ask.form.get("cve", "").strip() or None,
        cwes=tuple(ask.form.get("cwes", "").replace(",", " ").split()),
        spans=(),
        references=(),
    )
    with ask.transaction() as tx:
        draft_advisory(tx, case_of(ask), words, namespace=ask.site.settings.url)
    return _back(ask)


def publish(ask: PageAsk) -> Response:
    """Publish a case's advisory."""
    ask.field("sure")
    with ask.transaction() as tx:
        held = advisory.find_advisory(tx, case_of(ask))
        if held is None:
            raise Missing("this case has no advisory yet", next_step="Draft it first.")
        publishing.publish(tx, held.id, early_because=ask.form.get("early_because", ""))
    return _back(ask)


def cursor_of(ask: PageAsk) -> UUID | None:
    """Return where a list goes on."""
    cursor = ask.request.query_params.get("cursor")
    return parse_id(cursor, where="cursor") if cursor else None


def case_of(ask: PageAsk) -> CaseId:
    """Return the case that the address names, for those who signed in."""
    ask.signed_in()
    return CaseId(parse_id(ask.request.path_params["case"], where="case"))


def _case_page(ask: PageAsk, *, link: str) -> Response:
    case = case_of(ask)
    with ask.transaction() as tx:
        parts = case_model.read_parts(tx, case)
        names = read_names(ask.site.database, parts.organisations)
        page = case_model.page_of(tx, parts, names)
    return ask.page("case.html", here=HERE, case=page, link=link)


def _back(ask: PageAsk) -> Response:
    return see_other(f"{HERE}/{case_of(ask)}")
