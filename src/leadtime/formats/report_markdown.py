"""Write-ups in Markdown or plain text: a title, fields in lines of their own, and the whole text as the description."""

from __future__ import annotations

from dataclasses import dataclass

from leadtime.formats.inventories import BOM, as_utf8
from leadtime.formats.limits import COMPONENT_TEXT_CHARS_MAX, WORDS_LINES_MAX
from leadtime.formats.report_words import FIELD_OF, Words, spoken
from leadtime.foundation.errors import Malformed

_AROUND = " \t-*_>#|`+"
"""What Markdown writes around a field's name and its value: list marks, emphasis, quotes, cells of a table."""

_AROUND_VALUES = " \t\r*`|"
"""The same without what a value may begin or end with."""

_NOT_IN_LINES = frozenset({"title", "description"})


@dataclass(frozen=True, slots=True)
class WriteUp:
    """A text and the fields that its first `WORDS_LINES_MAX` lines name, each by its first mention."""

    title: str
    words: Words
    text: str


def read_markdown(raw: bytes) -> WriteUp:
    """Return a write-up in UTF-8 (UTF-16 with its mark is read too); raises `Malformed` for other bytes."""
    try:
        text = as_utf8(raw).removeprefix(BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("this is not UTF-8", where=f"byte {error.start}", next_step="Save it as UTF-8.") from None
    return read_write_up(text)


def read_write_up(text: str) -> WriteUp:
    """Return the write-up that a text is: its title is its first heading, else its field ``title``, else empty."""
    lines = text.split("\n", WORDS_LINES_MAX)[:WORDS_LINES_MAX]
    words: dict[str, str] = {}
    heading = ""
    for line in lines:
        if line.startswith("#") and not heading:
            heading = line[:COMPONENT_TEXT_CHARS_MAX].strip("# \t\r")
        name, mark, value = line[:COMPONENT_TEXT_CHARS_MAX].partition(":")
        field = FIELD_OF.get(spoken(name.strip(_AROUND)))
        told = value.strip(_AROUND_VALUES)
        if mark and field and told:
            words.setdefault(field, told)
    title = heading or words.get("title", "")
    return WriteUp(title, {field: told for field, told in words.items() if field not in _NOT_IN_LINES}, text)
