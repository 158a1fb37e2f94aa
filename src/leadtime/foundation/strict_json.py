"""JSON from outside, read within bounds and with one meaning, or refused as `Malformed`.

RFC 8259 leaves open what duplicate names, lone surrogates, huge numbers and NaN mean; two readers that differ there can
be shown two documents in one. Here they are refused (the profile of RFC 7493, I-JSON, without its limit on integers).
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from dataclasses import dataclass

from leadtime.foundation.errors import Malformed

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
"""What a document holds."""

NUMBER_CHARS_MAX = 64
PATH_CHARS_MAX = 160
"""Places in error messages are cut here, so that deep documents cannot make them the largest thing in memory."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}\Z")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class JsonBounds:
    """How large a document may be: bytes, nested levels, and values (counted by the marks between them)."""

    bytes_max: int
    depth_max: int
    values_max: int


def read_json(raw: bytes, bounds: JsonBounds) -> Json:
    """Return the one document that ``raw`` is.

    Raises `Malformed`, and nothing else, for whatever is too large, too deep, too wide, not UTF-8, not JSON, or open
    to two readings; the size is judged before anything is parsed. A place in a single line is its column alone, so that
    a reader of lines can put its own number before it.
    """
    _check_size(raw, bounds)
    if not raw.strip():
        raise Malformed("this is empty", where="$", next_step="Send a document.")
    try:
        document = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_int=_integer,
            parse_float=_fraction,
        )
    except UnicodeDecodeError as error:
        raise Malformed("this is not UTF-8", where=f"byte {error.start}", next_step="Save the file as UTF-8.") from None
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if "\n" in error.doc else ""
        where = f"{line}column {error.colno}"
        raise Malformed("this is not JSON", where=where, next_step="Correct it there.") from None
    except RecursionError:
        raise _too_deep(bounds) from None
    _check_values(document, bounds)
    return document  # type: ignore[no-any-return]  # json's return type is Any; every value was just walked


def path_to(parent: str, name: str) -> str:
    """Return the place of a member for an error message; a name that is not plain is not repeated."""
    return f"{parent}.{name}" if _NAME.match(name) else f"{parent}.(a name that is not plain)"


def _check_size(raw: bytes, bounds: JsonBounds) -> None:
    if len(raw) > bounds.bytes_max:
        raise Malformed(f"this is larger than {bounds.bytes_max} bytes", where="$", next_step="Send less.")
    # A mark stands before every value but the first, so that this bounds memory before any is taken;
    # marks inside texts count too.
    if sum(raw.count(mark) for mark in (b",", b"[", b"{")) > bounds.values_max:
        raise Malformed(f"this holds more than {bounds.values_max} values", where="$", next_step="Send less.")


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise Malformed("a name stands twice in one object", where=path_to("$.", twice), next_step="Keep one.")
    return found


def _constant(_: str) -> Json:
    raise Malformed("NaN and Infinity are not JSON", where="$", next_step="Send null or leave it out.")


def _integer(text: str) -> int:
    _check_number(text)
    return int(text)


def _fraction(text: str) -> float:
    _check_number(text)
    number = float(text)
    if not math.isfinite(number):
        raise Malformed("a number is too large", where="$", next_step="Send it as text.")
    return number


def _check_number(text: str) -> None:
    if len(text) > NUMBER_CHARS_MAX:
        raise Malformed(
            f"a number has more than {NUMBER_CHARS_MAX} characters", where="$", next_step="Send it as text."
        )


def _check_values(document: Json, bounds: JsonBounds) -> None:
    """Walk the document level by level: no recursion, so that no depth can hurt."""
    level: list[tuple[str, Json]] = [("$", document)]
    for depth in range(bounds.depth_max + 1):
        containers = [(where, value) for where, value in level if isinstance(value, dict | list)]
        for where, value in level:
            if isinstance(value, str):
                _check_text(value, where)
        if containers and depth == bounds.depth_max:
            raise _too_deep(bounds)
        level = [member for where, value in containers for member in _members(value, where)]


def _members(container: dict[str, Json] | list[Json], where: str) -> list[tuple[str, Json]]:
    if isinstance(container, list):
        return [(f"{where}[{number}]"[:PATH_CHARS_MAX], item) for number, item in enumerate(container)]
    for name in container:
        _check_text(name, where)
    return [(path_to(where, name)[:PATH_CHARS_MAX], item) for name, item in container.items()]


def _check_text(text: str, where: str) -> None:
    if _SURROGATE.search(text):
        raise Malformed("half of a surrogate pair is not text", where=where, next_step="Send whole characters.")


def _too_deep(bounds: JsonBounds) -> Malformed:
    return Malformed(
        f"this is nested more than {bounds.depth_max} levels deep", where="$", next_step="Send it flatter."
    )
