"""Read report files on the finder's machine, of every form, and pack the files they name into them.

A report file may name its reproducer's parts by paths (`beside`). They may not leave its folder (the recipe's files:
the recipe's), links included: a report that another tool wrote must not carry off what lies elsewhere on the machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from leadtime.flow.intake import limits
from leadtime.flow.intake.beside import pack_reproducer
from leadtime.flow.intake.fields import Fields
from leadtime.flow.intake.importing import Given, Imported, ReadReport, ReportForm, import_reports, recognise_report
from leadtime.flow.intake.rules import parse_report
from leadtime.foundation.digests import canonical_json
from leadtime.foundation.errors import LeadtimeError, Malformed
from leadtime.foundation.strict_json import read_json

LINE_SUFFIXES = frozenset({".ndjson", ".jsonl"})
TEXT_FORMS = frozenset({ReportForm.CSV, ReportForm.MARKDOWN, ReportForm.MAIL})
FORM_OF_SUFFIX = {
    ".csv": ReportForm.CSV,
    ".tsv": ReportForm.CSV,
    ".sarif": ReportForm.SARIF,
    **dict.fromkeys((".json", *LINE_SUFFIXES), ReportForm.REPORT),
}
"""What a file's name says it is. Any text could be a write-up: one under such a name is read as that, or refused."""

NOTHING_GIVEN = Given()


def pack_reports(path: Path, form: ReportForm | None = None, given: Given = NOTHING_GIVEN) -> Iterator[Imported]:
    """Give each report of a file, packed and checked: of ``.ndjson`` and ``.jsonl`` files one for each line.

    Without ``form``, each file or line is told by its content, and text by its name first. Raises `Malformed` with file
    and place for a file that cannot be read and for the first ``leadtime.report/1`` that is wrong; what another form
    holds and makes no report is given as it is. Nothing outside the file's folder is read.
    """
    path = path.resolve()
    if path.is_dir():
        raise Malformed("this is a folder", where=str(path), next_step="Name the files in it.")
    if not path.is_file():
        raise Malformed("there is no such file", where=str(path), next_step="Check its name.")
    if path.suffix in LINE_SUFFIXES:
        for number, line in _lines(path):
            yield from _reports(line, path, f"{path}, line {number}", form, given)
    else:
        yield from _reports(_read(path.parent, path.name, str(path)), path, str(path), form, given)


def _reports(raw: bytes, path: Path, where: str, form: ReportForm | None, given: Given) -> Iterator[Imported]:
    try:
        known = form or _recognise(raw, path.suffix.lower())
        if known is ReportForm.REPORT:
            yield ReadReport("", _packed(raw, path.parent))
        else:
            yield from import_reports(raw, known, given)
    except LeadtimeError as error:
        raise type(error)(error.what, where=f"{where}: {error.where}", next_step=error.next_step) from None


def _recognise(raw: bytes, suffix: str) -> ReportForm:
    form = recognise_report(raw)
    return FORM_OF_SUFFIX.get(suffix, form) if form in TEXT_FORMS else form


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as stream:
        for number in range(1, limits.BATCH_LINES_MAX + 2):
            line = stream.readline(limits.REPORT_BYTES_MAX + 2)
            if not line:
                return
            if number > limits.BATCH_LINES_MAX:
                raise Malformed(
                    f"a file holds at most {limits.BATCH_LINES_MAX} lines", where=str(path), next_step="Split it."
                )
            if len(line.strip()) > limits.REPORT_BYTES_MAX:
                what = f"this is larger than {limits.REPORT_BYTES_MAX} bytes"
                raise Malformed(what, where=f"{path}, line {number}", next_step="Send less.")
            if line.strip():
                yield number, line.rstrip(b"\r\n")


def _packed(raw: bytes, folder: Path) -> bytes:
    fields = Fields.of(read_json(raw, limits.REPORT_BOUNDS), "$")
    packed = dict(fields.members)
    if fields.get("reproducer") is not None:
        packed["reproducer"] = pack_reproducer(
            Fields.of(fields.get("reproducer"), "$.reproducer"),
            lambda beside, name, where, bytes_max: _read(folder / beside, name, where, bytes_max),
        )
    return parse_report(canonical_json(packed)).content


def _read(folder: Path, name: str, where: str, bytes_max: int = limits.REPORT_BYTES_MAX) -> bytes:
    """Return the bytes of a plain file inside ``folder``, links followed before that is judged."""
    inside = folder.resolve()
    try:
        place = (folder / name).resolve()
        if not place.is_relative_to(inside) or not place.is_file():
            raise Malformed(
                "this names no file in the report's folder", where=where, next_step="Put the file there, not a link."
            )
        with place.open("rb") as stream:
            content = stream.read(bytes_max + 1)
    except (OSError, ValueError):
        raise Malformed("this file cannot be read", where=where, next_step="Check its name and permissions.") from None
    if len(content) > bytes_max:
        raise Malformed(f"this is larger than {limits.REPORT_BYTES_MAX} bytes", where=where, next_step="Send less.")
    return content
