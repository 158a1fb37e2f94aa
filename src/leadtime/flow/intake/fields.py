"""Read one member of an object from outside: its type, its bounds, and where it stands when it is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from leadtime.foundation.errors import Malformed
from leadtime.foundation.strict_json import Json, path_to

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


@dataclass(frozen=True, slots=True)
class Fields:
    """One object and its place; a member that is null counts as left out."""

    members: Mapping[str, Json]
    where: str

    @classmethod
    def of(cls, value: Json, where: str) -> Fields:
        """Return the fields of ``value``, or raise `Malformed` if it is missing or no object."""
        if value is None:
            raise Malformed("a field is missing", where=where, next_step="Add it.")
        if not isinstance(value, dict):
            raise Malformed("this must be an object", where=where, next_step="Send it in braces.")
        return cls(value, where)

    def at(self, name: str) -> str:
        """Return the place of a member."""
        return path_to(self.where, name)

    def get(self, name: str) -> Json:
        """Return a member as it is, None if it is left out."""
        return self.members.get(name)

    def text(self, name: str, chars_max: int) -> str:
        """Return a text that must be there and not be empty."""
        found = self.optional_text(name, chars_max)
        if found is None:
            raise Malformed("a field is missing", where=self.at(name), next_step="Add it.")
        return found

    def optional_text(self, name: str, chars_max: int) -> str | None:
        """Return a text, or None where there is none."""
        value = self.get(name)
        return None if value is None else checked_text(value, self.at(name), chars_max)

    def texts(self, name: str, chars_max: int, items_max: int) -> tuple[str, ...]:
        """Return a list of texts; one text counts as a list of one."""
        value = self.get(name)
        if isinstance(value, str):
            value = [value]
        items = checked_list(value, self.at(name), items_max)
        return tuple(checked_text(item, f"{self.at(name)}[{n}]", chars_max) for n, item in enumerate(items))

    def flag(self, name: str) -> bool:
        """Return a true or false that must be there."""
        value = self.get(name)
        if not isinstance(value, bool):
            raise Malformed("this must be true or false", where=self.at(name), next_step="Send one of them.")
        return value

    def optional_number(self, name: str, number_max: int) -> int | None:
        """Return a whole number from 1 to ``number_max``, or None where there is none."""
        value = self.get(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= number_max:
            raise Malformed(
                f"this must be a whole number from 1 to {number_max}", where=self.at(name), next_step="Correct it."
            )
        return value

    def day(self, name: str) -> date:
        """Return a calendar day that must be there (RFC 3339, full-date)."""
        text = self.text(name, len("2026-01-01"))
        try:
            found = date.fromisoformat(text) if _DATE.match(text) else None
        except ValueError:
            found = None
        if found is None:
            raise Malformed("this must be a day", where=self.at(name), next_step="Write it like 2026-12-31.")
        return found


def checked_text(value: Json, where: str, chars_max: int) -> str:
    """Return ``value`` if it is a text of 1 to ``chars_max`` characters, else raise `Malformed`."""
    if not isinstance(value, str):
        raise Malformed("this must be text", where=where, next_step="Send it in quotation marks.")
    if not value.strip():
        raise Malformed("this is empty", where=where, next_step="Fill it in or leave it out.")
    if len(value) > chars_max:
        raise Malformed(f"this has more than {chars_max} characters", where=where, next_step="Shorten it.")
    return value


def checked_list(value: Json, where: str, items_max: int) -> list[Json]:
    """Return ``value`` if it is a list of at most ``items_max``, an empty one for None, else raise `Malformed`."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise Malformed("this must be a list", where=where, next_step="Send it in brackets.")
    if len(value) > items_max:
        raise Malformed(f"this has more than {items_max} items", where=where, next_step="Send fewer.")
    return value
