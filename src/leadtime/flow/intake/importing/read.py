"""One door to every form of report but the native one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from leadtime.flow.intake.importing.documents import Drafted, draft_csaf, draft_osv, draft_sarif
from leadtime.flow.intake.importing.forms import ReportForm
from leadtime.flow.intake.importing.mails import import_mail
from leadtime.flow.intake.importing.records import Draft, Given, Imported
from leadtime.flow.intake.importing.texts import draft_csv, draft_markdown
from leadtime.flow.intake.importing.write import write_report
from leadtime.foundation.errors import Malformed

DRAFTERS: Mapping[ReportForm, Callable[[bytes], Iterator[Drafted]]] = {
    ReportForm.SARIF: draft_sarif,
    ReportForm.OSV: draft_osv,
    ReportForm.CSAF: draft_csaf,
    ReportForm.CSV: draft_csv,
    ReportForm.MARKDOWN: draft_markdown,
}


def import_reports(raw: bytes, form: ReportForm, given: Given) -> Iterator[Imported]:
    """Give each thing that a file reports, in its order: a report, or why it makes none.

    Raises `Malformed` for a file that is not of its form or holds nothing; ``form`` is any but the native one.
    """
    found = import_mail(raw, given) if form is ReportForm.MAIL else _written(DRAFTERS[form](raw), form, given)
    first = next(found, None)
    if first is None:
        raise Malformed("this holds no report", where="$", next_step="Leave it out.")
    yield first
    yield from found


def _written(drafts: Iterator[Drafted], form: ReportForm, given: Given) -> Iterator[Imported]:
    for each in drafts:
        yield write_report(each, form, given) if isinstance(each, Draft) else each
