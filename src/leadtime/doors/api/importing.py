"""A file of another form at the address for reports: each thing in it is answered by one line of JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from starlette.responses import StreamingResponse

from leadtime.doors import limits
from leadtime.doors.api.asking import Ask, AskOnce
from leadtime.doors.api.batch import NDJSON, encoded
from leadtime.doors.problems import problem_of
from leadtime.flow import intake
from leadtime.flow.intake import Given, Imported, LeftOut, NotRead, ReadReport, ReportForm
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


def receive_together(ask: Ask, raws: Sequence[bytes]) -> list[dict[str, object]]:
    """Receive reports in one transaction, and return for each its receipt or its problem as they are answered."""
    try:
        with ask.transaction() as tx:
            received = report_to_operator.hand_in_all(tx, raws)
    except LeadtimeError as error:
        received = (error,) * len(raws)
    return [
        {"problem": problem_of(each).as_json()}
        if isinstance(each, LeadtimeError)
        else {"receipt": intake.receipt_as_json(each)}
        for each in received
    ]


def _answers(ask: Ask, found: Iterator[Imported]) -> Iterator[bytes]:
    while several := _together(found):
        reports = [each.content for each in several if isinstance(each, ReadReport)]
        received = iter(receive_together(ask, reports))
        for each in several:
            told = next(received) if isinstance(each, ReadReport) else _told(each)
            yield encoded({"where": each.where, **told})


def _together(found: Iterator[Imported]) -> list[Imported]:
    """Return the next things that are answered together, none at the end."""
    several: list[Imported] = []
    left_bytes = limits.TOGETHER_BYTES_MAX
    while len(several) < limits.TOGETHER_REPORTS_MAX and left_bytes > 0 and (each := next(found, None)):
        several.append(each)
        left_bytes -= len(each.content) if isinstance(each, ReadReport) else 0
    return several


def _told(each: LeftOut | NotRead) -> dict[str, object]:
    if isinstance(each, LeftOut):
        return {"left_out": each.why}
    return {"problem": problem_of(each.problem).as_json()}
