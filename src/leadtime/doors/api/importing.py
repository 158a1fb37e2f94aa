"""A file of another form at the address for reports: each thing in it is answered by one line of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import chain

from starlette.responses import StreamingResponse

from leadtime.doors.api.asking import Ask, AskOnce
from leadtime.doors.api.batch import NDJSON
from leadtime.doors.problems import problem_of
from leadtime.doors.visible import visible_line
from leadtime.flow import intake
from leadtime.flow.intake import Given, Imported, LeftOut, NotRead, ReportForm
from leadtime.foundation.access import Act
from leadtime.foundation.errors import LeadtimeError
from leadtime.workflows import report_to_operator

MEDIA: Mapping[str, ReportForm] = {
    "application/sarif+json": ReportForm.SARIF,
    "message/rfc822": ReportForm.MAIL,
    "text/markdown": ReportForm.MARKDOWN,
    "text/csv": ReportForm.CSV,
}
"""Media type -> the form that it says; every other is read as JSON, told by its content."""

JSON_FORMS = frozenset({ReportForm.SARIF, ReportForm.OSV, ReportForm.CSAF})


def form_of_media(content_type: str) -> ReportForm | None:
    """Return the form that a Content-Type names, None for JSON and whatever else."""
    return MEDIA.get(content_type.partition(";")[0].strip().lower())


def hand_in_file(ask: AskOnce, form: ReportForm, given: Given) -> StreamingResponse:
    """Answer each thing of a file; raises `Malformed`, before anything is received, for one that cannot be read."""
    ask.ask.require(Act.HAND_IN_REPORT)
    found = intake.import_reports(ask.body, form, given)
    first = next(found)
    return StreamingResponse(_answers(ask.ask, chain((first,), found)), media_type=NDJSON)


def _answers(ask: Ask, found: Iterator[Imported]) -> Iterator[bytes]:
    for each in found:
        told = {"where": each.where, **_answer(ask, each)}
        yield visible_line(json.dumps(told, ensure_ascii=False)).encode() + b"\n"


def _answer(ask: Ask, imported: Imported) -> dict[str, object]:
    if isinstance(imported, LeftOut):
        return {"left_out": imported.why}
    if isinstance(imported, NotRead):
        return {"problem": problem_of(imported.problem).as_json()}
    try:
        with ask.transaction() as tx:
            receipt = report_to_operator.hand_in(tx, imported.content)
    except LeadtimeError as error:
        return {"problem": problem_of(error).as_json()}
    return {"receipt": intake.receipt_as_json(receipt)}
