"""The forms of report that are read, and how each is told from the others by its content."""

from __future__ import annotations

from enum import StrEnum

from leadtime.flow.intake import limits
from leadtime.formats.inventories import BOM, as_utf8
from leadtime.formats.limits import DOCUMENT
from leadtime.formats.mail import is_mail
from leadtime.formats.report_csv import SEPARATORS
from leadtime.formats.report_words import FIELD_OF, FIELDS, spoken
from leadtime.foundation.errors import Malformed
from leadtime.foundation.strict_json import Json, read_json

_READ = "Give one of leadtime.report/1, SARIF 2.1.0, OSV, CSAF, CSV, Markdown, e-mail."


class ReportForm(StrEnum):
    """A form of report."""

    REPORT = "report"
    SARIF = "sarif"
    OSV = "osv"
    CSAF = "csaf"
    CSV = "csv"
    MARKDOWN = "markdown"
    MAIL = "mail"

    @property
    def holds_many(self) -> bool:
        """Tell whether one file of this form may hold more than one report."""
        return self in {ReportForm.SARIF, ReportForm.CSAF, ReportForm.CSV, ReportForm.MAIL}


def recognise_report(raw: bytes) -> ReportForm:
    """Return the form of a report by its content; raises `Malformed` for what is neither JSON nor text.

    JSON of no other form is taken for ``leadtime.report/1``, whose reader says what it misses.
    """
    plain = as_utf8(raw).removeprefix(BOM).lstrip()
    if plain.startswith((b"{", b"[")):
        return _form_of_json(read_json(plain, DOCUMENT))
    if not plain or b"\0" in plain:
        raise _no_form()
    if is_mail(plain):
        return ReportForm.MAIL
    try:
        first = plain.partition(b"\n")[0][: limits.DESCRIPTION_CHARS_MAX].decode("utf-8", errors="ignore")
        plain.decode("utf-8")
    except UnicodeDecodeError:
        raise _no_form() from None
    return ReportForm.CSV if _is_header(first) else ReportForm.MARKDOWN


def _no_form() -> Malformed:
    return Malformed("this is no form of report that is read", where="$", next_step=_READ)


def _form_of_json(document: Json) -> ReportForm:
    if not isinstance(document, dict):
        return ReportForm.REPORT
    if "runs" in document or "sarif" in str(document.get("$schema", ""))[: limits.SHORT_CHARS_MAX]:
        return ReportForm.SARIF
    if isinstance(document.get("document"), dict):
        return ReportForm.CSAF
    if "id" in document and not {"modified", "affected", "schema_version"}.isdisjoint(document):
        return ReportForm.OSV
    return ReportForm.REPORT


def _is_header(line: str) -> bool:
    """Tell whether a line is a table's header: its cells are fields' names, a title among them."""
    cells = [spoken(cell.strip("\"' \r")) for cell in line.split(max(SEPARATORS, key=line.count))]
    return not set(cells).isdisjoint(FIELDS["title"]) and sum(cell in FIELD_OF for cell in cells) > 1
