"""Pages of cases: the list, one case, and the coordinator's moves."""

from __future__ import annotations

from uuid import UUID

from starlette.responses import Response

from leadtime.doors.read_models import case as case_model
from leadtime.doors.read_models.cases import read_cases
from leadtime.doors.read_models.delivery import packed_reproducers
from leadtime.doors.read_models.names import read_names
from leadtime.doors.web.advisory_words import read_words
from leadtime.doors.web.asking import PageAsk, see_other
from leadtime.doors.web.deliveries import zip_answer
from leadtime.flow import advisory, coordination, merging, parties
from leadtime.flow.advisory import Advisory
from leadtime.flow.coordination import CaseId, DeliveryId, DeliveryState
from leadtime.flow.intake import ReportId
from leadtime.flow.merging import OutcomeKind, VulnerabilityId
from leadtime.flow.validation import CHECKLISTS, Unprovable
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Conflict, Malformed, Missing
from leadtime.foundation.ids import parse_id
from leadtime.workflows import outcomes, publishing, report_to_operator
from leadtime.workflows.drafting import draft_advisory

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
        _check_again(ask, tx, maintainer)
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
        words = read_words(ask, advisory.find_advisory(tx, case))
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
            read_words(ask, held),
            summary=ask.field("changed"),
            early_because=ask.form.get("early_because", ""),
        )
    return _back(ask)


def reopen(ask: PageAsk) -> Response:
    """Open a published or closed case again."""
    with ask.transaction() as tx:
        outcomes.reopen_case(tx, case_of(ask), reason=ask.field("reason"))
    return _back(ask)


def decide(ask: PageAsk) -> Response:
    """Record what was decided of a case's root cause; it answers every report of it."""
    kind = OutcomeKind(ask.field("kind")) if ask.field("kind") in set(OutcomeKind) else None
    if kind is None:
        raise Malformed("there is no such outcome", where="kind", next_step="Choose one of the page's.")
    with ask.transaction() as tx:
        flaw = coordination.read_case(tx, case_of(ask)).case.vulnerability
        outcomes.decide(tx, flaw, kind, reason=ask.field("reason"), severity=ask.form.get("severity", ""))
    return _back(ask)


def state_severity(ask: PageAsk) -> Response:
    """Record how severe a case's flaw is by the visitor's word."""
    with ask.transaction() as tx:
        flaw = coordination.read_case(tx, case_of(ask)).case.vulnerability
        merging.state_severity(tx, flaw, severity=ask.field("severity"), reason=ask.field("reason"))
    return _back(ask)


def lift_embargo(ask: PageAsk) -> Response:
    """Lift the embargo of a case before its end."""
    with ask.transaction() as tx:
        coordination.lift_embargo(tx, case_of(ask), reason=ask.field("reason"))
    return _back(ask)


def close(ask: PageAsk) -> Response:
    """Close a case and its deliveries."""
    with ask.transaction() as tx:
        coordination.close_case(tx, case_of(ask), reason=ask.field("reason"))
    return _back(ask)


def withdraw(ask: PageAsk) -> Response:
    """Withdraw a case's advisory."""
    with ask.transaction() as tx:
        publishing.withdraw(tx, _advisory_of(tx, case_of(ask)).id, reason=ask.field("reason"))
    return _back(ask)


def give_reproducer(ask: PageAsk) -> Response:
    """Give recipe, files and input of a case as one zip, to those who may read its reports."""
    with ask.transaction() as tx:
        return zip_answer(*packed_reproducers(tx, case_of(ask), ask.site.settings.url))


def acknowledge(ask: PageAsk) -> Response:
    """Record that the visitor's organisation has its delivery."""
    with ask.transaction() as tx:
        coordination.acknowledge(tx, _own_delivery(ask, tx))
    return _back(ask)


def name_fixed_version(ask: PageAsk) -> Response:
    """Record, or correct, the version that has the fix, by the word of the visitor's organisation."""
    with ask.transaction() as tx:
        coordination.name_fixed_version(tx, _own_delivery(ask, tx), ask.field("version"))
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


def join(ask: PageAsk) -> Response:
    """Join another flaw to a case's, for the coordinator's reason; the page that answers is the one case that stays."""
    ask.field("sure")
    other = VulnerabilityId(parse_id(ask.field("other"), where="other"))
    with ask.transaction() as tx:
        flaw = coordination.read_case(tx, case_of(ask)).case.vulnerability
        one = coordination.find_case(tx, report_to_operator.join(tx, flaw, other, reason=ask.field("reason")))
    return see_other(f"{HERE}/{one.id}") if one else _back(ask)


def open_unproven(ask: PageAsk) -> Response:
    """Open a case for a report that was not reproduced, with the coordinator's reason."""
    with ask.transaction() as tx:
        case = report_to_operator.open_unproven(tx, _report_of(ask), reason=ask.field("reason"))
    return see_other(f"{HERE}/{case}")


def examine(ask: PageAsk) -> Response:
    """Record the visitor's answers for a report that no machine can prove."""
    report, kind = _report_of(ask), ask.field("kind")
    if kind not in set(Unprovable):
        raise Malformed("there is no such kind", where="kind", next_step="Choose one of the page's.")
    with ask.transaction() as tx:
        answers = {item.key: ask.form.get(item.key, "") for item in CHECKLISTS[Unprovable(kind)]}
        report_to_operator.examine(tx, report, Unprovable(kind), answers)
    return see_other(f"/reports/{report}")


def validate_again(ask: PageAsk) -> Response:
    """Let a report's inconclusive validation be run again."""
    report = _report_of(ask)
    with ask.transaction() as tx:
        report_to_operator.validate_again(tx, report)
    return see_other(f"/reports/{report}")


def cursor_of(ask: PageAsk) -> UUID | None:
    """Return where a list goes on."""
    cursor = ask.request.query_params.get("cursor")
    return parse_id(cursor, where="cursor") if cursor else None


def case_of(ask: PageAsk) -> CaseId:
    """Return the case that the address names, for those who signed in."""
    ask.signed_in()
    return CaseId(parse_id(ask.request.path_params["case"], where="case"))


def _report_of(ask: PageAsk) -> ReportId:
    ask.signed_in()
    return ReportId(parse_id(ask.request.path_params["report"], where="report"))


def _advisory_of(tx: Transaction, case: CaseId) -> Advisory:
    held = advisory.find_advisory(tx, case)
    if held is None:
        raise Missing("this case has no advisory yet", next_step="Draft it first.")
    return held


def _own_delivery(ask: PageAsk, tx: Transaction) -> DeliveryId:
    mine = case_model.own_delivery(tx, coordination.read_case(tx, case_of(ask)))
    if mine is None:
        raise Missing("there is no open delivery of this case to you", next_step="Ask the coordinator.")
    return mine.id


def _check_again(ask: PageAsk, tx: Transaction, maintainer: parties.OrganisationId) -> None:
    """Return unless a link that works would end without the coordinator having said so."""
    tx.require(Act.COORDINATE_CASE, case_of(ask))
    held = [each for each in coordination.read_case(tx, case_of(ask)).deliveries if each.organisation == maintainer]
    if ask.form.get("again") != "yes" and any(each.state is not DeliveryState.CLOSED for each in held):
        raise Conflict(
            "this maintainer has a link already, and a new one would end it",
            where="organisation",
            next_step="If that is meant, tick “Replace a former link”.",
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
