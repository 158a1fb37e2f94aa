"""Text from outside that is to stand in a line or a paragraph: what it may hold, and how any text becomes a line."""

from __future__ import annotations

import re

from leadtime.foundation.errors import Malformed

_COMMANDING = "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
"""C0 and C1 controls, line separators, what turns the reading order around (CVE-2021-42574), and lone surrogates."""

_NOT_IN_A_LINE = re.compile(f"[\t\n{_COMMANDING}]")
_NOT_IN_PROSE = re.compile(f"[{_COMMANDING}]")


def check_line(text: str, *, where: str, chars_max: int) -> str:
    """Return a text of 1 to ``chars_max`` characters without the space around it, else raise `Malformed`.

    It may not hold line breaks, control characters, or characters that reorder what stands around them.
    """
    return _checked(text, _NOT_IN_A_LINE, where, chars_max)


def check_prose(text: str, *, where: str, chars_max: int) -> str:
    """Return a text as `check_line` does; line feeds and tabs may stand in it."""
    return _checked(text, _NOT_IN_PROSE, where, chars_max)


def one_line(text: str, *, chars_max: int) -> str:
    """Return any text as one that `check_line` takes, cut to ``chars_max``; empty if nothing of it can be shown."""
    return " ".join(_NOT_IN_A_LINE.sub(" ", text).split())[:chars_max].strip()


def _checked(text: str, barred: re.Pattern[str], where: str, chars_max: int) -> str:
    stripped = text.strip()
    if not stripped:
        raise Malformed("this is empty", where=where, next_step="Fill it in.")
    if len(stripped) > chars_max:
        raise Malformed(f"this has more than {chars_max} characters", where=where, next_step="Shorten it.")
    if barred.search(stripped):
        raise Malformed("this holds characters that are not text", where=where, next_step="Remove them.")
    return stripped
