"""Tables of reports, one a row (RFC 4180; comma, semicolon or tab); cells are text, never formulas."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from io import StringIO

from leadtime.formats.inventories import BOM, as_utf8
from leadtime.formats.limits import RESULTS_MAX
from leadtime.formats.report_words import FIELDS, Words, spoken
from leadtime.foundation.digests import canonical_json
from leadtime.foundation.errors import Malformed

SEPARATORS = (",", ";", "\t")
COLUMNS_MAX = 200


@dataclass(frozen=True, slots=True)
class Row:
    """One report: its place, its fields, and all its cells by their columns' own names as canonical JSON."""

    where: str
    words: Words
    original: bytes


def read_report_csv(raw: bytes) -> tuple[Row | Malformed, ...]:
    """Return each row in its order, or what is wrong with it; empty rows are passed over.

    The header names at least a title; columns that are not in `FIELDS` are kept in ``original`` alone. Raises
    `Malformed` for what is not UTF-8 or not CSV, a header without a title or with a column twice, and too many rows.
    """
    try:
        text = as_utf8(raw).removeprefix(BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("this is not UTF-8", where=f"byte {error.start}", next_step="Save it as UTF-8.") from None
    first = text.lstrip().partition("\n")[0]
    reader = csv.reader(StringIO(text, newline=""), delimiter=max(SEPARATORS, key=first.count), strict=True)
    header: tuple[str, ...] | None = None
    found: list[Row | Malformed] = []
    try:
        for row in reader:
            where = f"line {reader.line_num}"
            if not any(cell.strip() for cell in row):
                continue
            if header is None:
                header = _header(row, where)
            else:
                found.append(_row(header, row, where))
            if len(found) > RESULTS_MAX:
                raise Malformed(f"a table has at most {RESULTS_MAX} rows", where=where, next_step="Split it.")
    except csv.Error:
        where = f"line {reader.line_num}"
        raise Malformed(
            "this row is not CSV", where=where, next_step="Correct its quotes, or shorten its cells."
        ) from None
    if header is None:
        raise Malformed("this table is empty", where="line 1", next_step="Give a header and a row per report.")
    return tuple(found)


def _header(cells: list[str], where: str) -> tuple[str, ...]:
    names = tuple(cell.strip() for cell in cells)
    said = [spoken(name) for name in names]
    if len(names) > COLUMNS_MAX:
        raise Malformed(f"a table has at most {COLUMNS_MAX} columns", where=where, next_step="Leave some out.")
    if len(set(names)) < len(names):
        raise Malformed("a column stands twice", where=where, next_step="Keep one.")
    if set(said).isdisjoint(FIELDS["title"]):
        raise Malformed(
            f"this header has none of {', '.join(FIELDS['title'])}",
            where=where,
            next_step="Begin with title,component,cwe.",
        )
    return names


def _row(header: tuple[str, ...], cells: list[str], where: str) -> Row | Malformed:
    if len(cells) != len(header):
        what = f"this row has {len(cells)} cells and the header {len(header)}"
        return Malformed(what, where=where, next_step="Correct the row.")
    by_column = dict(zip(header, (cell.strip() for cell in cells), strict=True))
    said = {spoken(column): cell for column, cell in by_column.items() if cell}
    words = {
        field: next(said[word] for word in names if word in said)
        for field, names in FIELDS.items()
        if not said.keys().isdisjoint(names)
    }
    return Row(where, words, canonical_json(by_column))
