"""Pages of reports for their finders, and of advisories for everybody."""

from __future__ import annotations

import json

from starlette.responses import Response, StreamingResponse

from leadtime.doors.feeds import osv
from leadtime.doors.read_models import advisories as advisory_model
from leadtime.doors.read_models import one_validation as validation_model
from leadtime.doors.read_models import reports as report_model
from leadtime.doors.read_models.names import read_names
from leadtime.doors.web.asking import PageAsk
from leadtime.doors.web.casework import cursor_of
from leadtime.flow import advisory, intake, validation
from leadtime.flow.advisory import AdvisoryId
from leadtime.flow.intake import ReportId
from leadtime.formats.csaf import write_csaf
from leadtime.formats.osv import osv_id, write_osv
from leadtime.foundation.errors import Missing
from leadtime.foundation.ids import parse_id
from leadtime.workflows.attended import is_unattended

JSON = "application/json"
REPORTS = "/reports"
ASKED_CHARS_MAX = 200
"""Of what is looked for among reports; more is cut off."""
ADVISORIES = "/advisories"


def show_reports(ask: PageAsk) -> Response:
    """Show the visitor's reports."""
    ask.signed_in()
    with ask.transaction() as tx:
        cursor, asked = cursor_of(ask), ask.request.query_params.get("q", "").strip()[:ASKED_CHARS_MAX]
        parts = report_model.read_list(tx, ReportId(cursor) if cursor else None, asked)
        unattended = is_unattended(tx)
    names = read_names(ask.site.database, [each.organisation for each in parts.summaries])
    return ask.page("reports.html", here=REPORTS, reports=report_model.list_of(parts, names), unattended=unattended)


def show_report(ask: PageAsk) -> Response:
    """Show one report."""
    report = _report_of(ask)
    with ask.transaction() as tx:
        found = intake.read_report(tx, report)
        names = read_names(ask.site.database, [found.organisation])
        page = report_model.read_page(tx, report, names)
    return ask.page("report.html", here=REPORTS, report=page)


def show_validation(ask: PageAsk) -> Response:
    """Show the validation of one report with its runs."""
    report = _report_of(ask)
    with ask.transaction() as tx:
        names = read_names(ask.site.database, [validation.read_validation(tx, report).organisation])
        page = validation_model.read_page(tx, report, names)
    return ask.page("validation.html", here=REPORTS, page=page)


def give_receipt(ask: PageAsk) -> Response:
    """Give a report's receipt as JSON."""
    with ask.transaction() as tx:
        receipt = intake.read_receipt(tx, _report_of(ask))
    return Response(json.dumps(intake.receipt_as_json(receipt), indent=1), media_type=JSON)


def show_advisories(ask: PageAsk) -> Response:
    """Show what is published."""
    with ask.transaction() as tx:
        found = advisory_model.read_list(tx, AdvisoryId(cursor) if (cursor := cursor_of(ask)) else None)
    return ask.page("advisories.html", here=ADVISORIES, advisories=found)


def show_advisory(ask: PageAsk) -> Response:
    """Show one advisory; a draft to whom may read it."""
    found = AdvisoryId(parse_id(ask.request.path_params["advisory"], where="advisory"))
    with ask.transaction() as tx:
        page = advisory_model.read_page(tx, found)
    return ask.page("advisory.html", here=ADVISORIES, advisory=page)


def list_osv(ask: PageAsk) -> Response:
    """Give the index of all published OSV records."""
    with ask.transaction() as tx:
        listed = osv.list_records(tx, AdvisoryId(cursor) if (cursor := cursor_of(ask)) else None)
    return Response(json.dumps(listed), media_type=JSON)


def give_all_osv(ask: PageAsk) -> Response:
    """Give all published OSV records as one zip."""
    with ask.transaction() as tx:
        pieces = osv.write_archive(tx)
    return StreamingResponse(pieces, media_type="application/zip")


def give_osv(ask: PageAsk) -> Response:
    """Give a published advisory as OSV, by its OSV id."""
    prefix = osv_id("")
    name = ask.request.path_params["name"]
    if not name.startswith(prefix):
        raise Missing("there is no such record", next_step="Check its id.")
    with ask.transaction() as tx:
        document = advisory.find_published(tx, name.removeprefix(prefix)).document
    return Response(write_osv(document), media_type=JSON)


def give_csaf(ask: PageAsk) -> Response:
    """Give a published advisory as CSAF 2.0, by its file name."""
    number = ask.request.path_params["name"].upper()
    with ask.transaction() as tx:
        document = advisory.find_published(tx, number).document
    return Response(write_csaf(document), media_type=JSON)


def _report_of(ask: PageAsk) -> ReportId:
    ask.signed_in()
    return ReportId(parse_id(ask.request.path_params["report"], where="report"))
