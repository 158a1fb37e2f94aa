"""Drafts from what people write: the rows of a table, and write-ups."""

from __future__ import annotations

import re
from collections.abc import Iterator

from leadtime.flow.intake import limits
from leadtime.flow.intake.importing.documents import Drafted
from leadtime.flow.intake.importing.records import Draft, NotRead
from leadtime.formats.report_csv import read_report_csv
from leadtime.formats.report_markdown import WriteUp, read_markdown
from leadtime.formats.report_words import Words
from leadtime.foundation.errors import Malformed
from leadtime.foundation.strict_json import Json

YES = frozenset({"yes", "true", "y", "1"})

_WEAKNESS = re.compile(r"(?i:CWE)?[- ]?([0-9]{1,6})\b")
_LINE = re.compile(r"[0-9]{1,8}")
"""A line as tools write it; many write 0 for a whole file."""

_PLACE = re.compile(r"(?P<file>.+?):(?P<line>[0-9]{1,8})(?::[0-9]{1,8})?\Z")


def draft_csv(raw: bytes) -> Iterator[Drafted]:
    """Give a draft for each row of a table."""
    for row in read_report_csv(raw):
        if isinstance(row, Malformed):
            yield NotRead(row.where, row)
        elif not _LINE.fullmatch(row.words.get("line", "0")):
            where = f"{row.where}, column line"
            yield NotRead(
                row.where,
                Malformed("this is not a line's number", where=where, next_step="Write it like 12, or leave it empty."),
            )
        else:
            words = row.words
            title = words.get("title", "")
            yield draft_of(words, row.where, title, words.get("description") or title, row.original)


def draft_markdown(raw: bytes) -> Iterator[Drafted]:
    """Give the draft that a write-up makes."""
    yield draft_write_up(read_markdown(raw), "$", "", raw)


def draft_write_up(found: WriteUp, where: str, title: str, original: bytes) -> Draft:
    """Return the draft of a write-up; without a title of its own it has ``title``, else its first line."""
    own = found.title or title or next((line.strip() for line in found.text.split("\n") if line.strip()), "")
    return draft_of(found.words, where, own, found.text, original)


def draft_of(words: Words, where: str, title: str, description: str, original: bytes) -> Draft:
    """Return the draft that fields make, whoever wrote them."""
    return Draft(
        where=where,
        title=title,
        description=description,
        component=_component(words),
        original=original,
        tool=words.get("tool", ""),
        model=words.get("model", ""),
        run=words.get("run", ""),
        person_reviewed=words.get("person reviewed", "").lower() in YES,
        affected=_listed(words.get("affected", "") or words.get("version", "")),
        weakness=_weakness(words.get("cwe", "")),
        locations=tuple(_locations(words)),
        trust_boundary=words.get("trust boundary", ""),
        severity=words.get("severity", ""),
        told=_listed(words.get("told", "")),
        credits=_listed(words.get("credit", "")),
        reference=words.get("reference", ""),
    )


def _component(words: Words) -> Json:
    vendor, product, version = (words.get(each, "")[: limits.SHORT_CHARS_MAX] for each in _PRODUCT)
    if "component" in words or not vendor or not product:
        return words.get("component", "")
    return {"vendor": vendor, "product": product, "version": version or None}


_PRODUCT = ("vendor", "product", "version")


def _listed(text: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in re.split("[,;\n]", text) if each.strip())


def _weakness(text: str) -> int | None:
    found = _WEAKNESS.match(text.strip())
    return int(found.group(1)) if found else None


def _locations(words: Words) -> Iterator[dict[str, Json]]:
    if "file" not in words:
        return
    file, line = words["file"], words.get("line", "")
    if not line and (place := _PLACE.match(file[: limits.PATH_CHARS_MAX])):
        file, line = place["file"], place["line"]
    location: dict[str, Json] = {"file": file[: limits.PATH_CHARS_MAX]}
    if "function" in words:
        location["function"] = words["function"][: limits.FUNCTION_CHARS_MAX]
    if re.fullmatch("[1-9][0-9]{0,7}", line):
        location["line"] = int(line)
    yield location
