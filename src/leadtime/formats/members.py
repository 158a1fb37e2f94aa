"""Members of a JSON object, each of the one type that is expected of it, or a refusal that names the place."""

from __future__ import annotations

from collections.abc import Mapping

from leadtime.foundation.errors import Malformed
from leadtime.foundation.strict_json import Json

JsonObject = Mapping[str, Json]


def object_in(value: Json, where: str) -> JsonObject:
    """Return ``value`` as an object; raises `Malformed` naming ``where``."""
    if not isinstance(value, dict):
        raise Malformed("an object is expected", where=where, next_step="Write it in braces.")
    return value


def list_in(value: JsonObject, name: str, where: str, *, items_max: int) -> list[Json]:
    """Return member ``name`` as a list of at most ``items_max`` values, empty if it is not there."""
    found = value.get(name)
    if found is None:
        return []
    if not isinstance(found, list):
        raise Malformed("a list is expected", where=f"{where}.{name}", next_step="Write it in brackets.")
    if len(found) > items_max:
        raise Malformed(f"a list has more than {items_max} items", where=f"{where}.{name}", next_step="Split it.")
    return found


def text_in(value: JsonObject, name: str, where: str, *, chars_max: int) -> str | None:
    """Return member ``name`` as text of at most ``chars_max`` characters, None if it is not there."""
    found = value.get(name)
    if found is None:
        return None
    if not isinstance(found, str):
        raise Malformed("text is expected", where=f"{where}.{name}", next_step="Write it in quotes.")
    if len(found) > chars_max:
        raise Malformed(
            f"a text has more than {chars_max} characters", where=f"{where}.{name}", next_step="Shorten it."
        )
    return found


def texts_in(value: JsonObject, name: str, where: str, *, items_max: int, chars_max: int) -> tuple[str, ...]:
    """Return member ``name`` as a list of texts, each bounded; empty if it is not there."""
    found = list_in(value, name, where, items_max=items_max)
    texts = [each for each in found if isinstance(each, str) and len(each) <= chars_max]
    if len(texts) != len(found):
        raise Malformed(
            f"texts of at most {chars_max} characters are expected", where=f"{where}.{name}", next_step="Correct it."
        )
    return tuple(texts)


def required(found: str | None, name: str, where: str) -> str:
    """Return ``found``; raises `Malformed` if it is missing or empty."""
    if not found:
        raise Malformed("a text is missing", where=f"{where}.{name}", next_step="Add it.")
    return found


def object_or_none(value: Json) -> JsonObject:
    """Return ``value`` as an object, an empty one for anything else: for what a reader can do without."""
    return value if isinstance(value, dict) else {}


def list_or_none(value: Json, *, items_max: int) -> list[Json]:
    """Return the first ``items_max`` items of ``value``, none for anything but a list."""
    return value[:items_max] if isinstance(value, list) else []


def text_or_none(value: Json, *, chars_max: int) -> str:
    """Return ``value`` cut to ``chars_max`` characters, an empty text for anything but text."""
    return value[:chars_max] if isinstance(value, str) else ""
