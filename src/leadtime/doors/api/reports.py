"""Reports come in, one or many; their finder sees what became of each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel

from leadtime.doors import limits
from leadtime.doors.api.asking import Asking, AskingOnce, IdempotencyKey, Limit
from leadtime.doors.api.batch import NDJSON, Line, WhileReading, answer_lines
from leadtime.doors.api.importing import JSON_FORMS, MEDIA, form_of_media, hand_in_file, receive_together
from leadtime.doors.api.shapes import Page
from leadtime.flow import intake
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Malformed
from leadtime.workflows import report_to_operator

router = APIRouter(tags=["reports"])

_REPORT_BODY = {
    "requestBody": {
        "required": True,
        "description": "One leadtime.report/1 (or OSV, or CSAF) as JSON, or a file of another form, 16 MiB at most.",
        "content": {
            "application/json": {"schema": {"type": "object"}},
            **{media: {"schema": {"type": "string"}} for media in MEDIA},
        },
    }
}
_BATCH_BODY = {
    "requestBody": {
        "required": True,
        "description": "One leadtime.report/1 a line.",
        "content": {NDJSON: {"schema": {"type": "string"}}},
    }
}


class ReceiptShape(BaseModel):
    """A signed receipt: it proves that the report with this digest was stored (Ed25519 over canonical JSON)."""

    id: UUID
    reference: str | None
    received_at: datetime
    digest: str
    key_id: str
    signature: str


class ReportShape(BaseModel):
    """A report as its finder wrote it, unknown members too."""

    id: UUID
    organisation: UUID
    received_at: datetime
    digest: str
    report: dict[str, object]


def shape_of(receipt: intake.Receipt) -> ReceiptShape:
    """Return the receipt as it is sent."""
    return ReceiptShape.model_validate(intake.receipt_as_json(receipt))


@router.post(
    "/reports",
    status_code=201,
    summary="Hand in one report, or a file of another form",
    response_model=ReceiptShape,
    responses={200: {"description": "One line for each report of the file.", "content": {NDJSON: {}}}},
    openapi_extra=_REPORT_BODY,
)
def hand_in(
    ask: AskingOnce,
    content_type: Annotated[str, Header(include_in_schema=False)] = "",
    component: Annotated[str, Query(max_length=2_048, description="The software, where a file does not say it.")] = "",
    tool: Annotated[str, Query(max_length=300, description="The tool, where a file does not say it.")] = "",
) -> Response:
    """Store a report and answer its signed receipt; the same reference with the same content gets the first one.

    A file of another form (SARIF, OSV, CSAF, CSV, Markdown, e-mail) is answered line by line, 200: for each thing in it
    ``{"where", "receipt"}``, ``{"where", "problem"}``, or ``{"where", "left_out"}`` for what is no finding by its own
    words. Each is received once by its own reference; a key adds nothing to that.
    """

    def act(tx: Transaction) -> ReceiptShape:
        return shape_of(report_to_operator.hand_in(tx, ask.body))

    form = form_of_media(content_type)
    if form is None:
        try:
            return ask.do(act, ReceiptShape, status=201)
        except Malformed:
            form = intake.recognise_report(ask.body)
            if form not in JSON_FORMS:
                raise
    return hand_in_file(ask, form, intake.Given(component, tool))


@router.post(
    "/reports/batch",
    summary="Hand in many reports, answered line by line",
    openapi_extra=_BATCH_BODY,
    response_class=WhileReading,
    responses={200: {"content": {NDJSON: {"schema": {"type": "string"}}}}},
)
async def hand_in_many(request: Request, ask: Asking, key: IdempotencyKey = "") -> WhileReading:
    """Answer each line of an NDJSON stream with its receipt or its problem; a bad line stops no other.

    Every line is idempotent by its own reference or content, so that a broken stream can simply be sent again; a key is
    taken and adds nothing to that.
    """
    del key
    ask.require(Act.HAND_IN_REPORT)

    def answer(lines: Sequence[Line]) -> list[dict[str, object]]:
        told = receive_together(ask, [line.content for line in lines])
        return [{"line": line.number, **each} for line, each in zip(lines, told, strict=True)]

    return WhileReading(answer_lines(request.stream(), answer), media_type=NDJSON)


@router.get("/reports", summary="List your reports, newest first")
def list_reports(
    ask: Asking,
    cursor: UUID | None = None,
    limit: Limit = limits.PAGE_ROWS_DEFAULT,
    q: Annotated[
        str, Query(max_length=200, description="Part of a reference or of a component; your whole reference: it alone.")
    ] = "",
) -> Page[intake.ReportSummary]:
    """Return the viewer's own reports; a coordinator's are all.

    With ``q`` a page may be short, or empty, and still have a cursor: it looks through 500 reports.
    """
    after = intake.ReportId(cursor) if cursor else None
    with ask.transaction() as tx:
        page = (
            intake.find_reports(tx, q, after=after, page_reports=limit)
            if q
            else intake.list_reports(tx, after=after, page_reports=limit)
        )
    return Page(items=page.reports, cursor=str(page.after) if page.after else None)


@router.get("/reports/{report}", summary="Read one report as it was written")
def read_report(report: UUID, ask: Asking) -> ReportShape:
    """Return a report."""
    with ask.transaction() as tx:
        found = intake.read_report(tx, intake.ReportId(report))
    return ReportShape.model_validate(
        {
            "id": found.id,
            "organisation": found.organisation,
            "received_at": found.received_at,
            "digest": found.digest,
            "report": json.loads(found.body.content),
        }
    )


@router.get("/reports/{report}/receipt", summary="Read a report's receipt again")
def read_receipt(report: UUID, ask: Asking) -> ReceiptShape:
    """Return the receipt, the same bytes signed as then."""
    with ask.transaction() as tx:
        return shape_of(intake.read_receipt(tx, intake.ReportId(report)))
