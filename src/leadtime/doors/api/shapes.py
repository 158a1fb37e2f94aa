"""Shapes that several routes share: a page of a list, a problem, strict input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints

from leadtime.doors.problems import PROBLEM_JSON
from leadtime.foundation.errors import Malformed

Item = TypeVar("Item")
Name = TypeVar("Name", bound=UUID | int | str)

Line = Annotated[str, StringConstraints(min_length=1, max_length=300, strip_whitespace=True)]
"""One line of text."""

Prose = Annotated[str, StringConstraints(max_length=20_000)]


class Input(BaseModel):
    """A request body: unknown members are refused, so that a misspelt one is not silently without effect."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Page(BaseModel, Generic[Item]):
    """One page of a list; send ``cursor`` back to get the next, until it is null."""

    model_config = ConfigDict(frozen=True)

    items: tuple[Item, ...]
    cursor: str | None


def page_of(found: Sequence[Item], cursor: Name | None, limit: int, by: Callable[[Item], Name]) -> Page[Item]:
    """Return what stands behind the item that ``cursor`` names in a bounded list; raises `Malformed` if none does.

    ``by`` tells an item's name.
    """
    begins = 0
    if cursor is not None:
        begins = next((place for place, item in enumerate(found, 1) if by(item) == cursor), 0)
        if not begins:
            raise Malformed("no item of this list has this id", where="cursor", next_step="Begin without a cursor.")
    items = tuple(found[begins : begins + limit])
    return Page(items=items, cursor=str(by(items[-1])) if begins + limit < len(found) else None)


class ProblemShape(BaseModel):
    """Problem details (RFC 9457); ``type`` names the family, ``where`` the place, ``next_step`` what to do."""

    type: str
    title: str
    status: int
    detail: str
    where: str
    next_step: str


_SCHEMA = {PROBLEM_JSON: {"schema": ProblemShape.model_json_schema()}}

PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"description": "The input is wrong.", "content": _SCHEMA},
    401: {"description": "No credential came, or it does not hold.", "content": _SCHEMA},
    403: {"description": "A stated policy says no.", "content": _SCHEMA},
    404: {"description": "There is no such thing, or you may not know of it.", "content": _SCHEMA},
    409: {"description": "It has changed, or exists with other content.", "content": _SCHEMA},
    413: {"description": "The body is too large.", "content": _SCHEMA},
    422: {"description": "The request has another shape than this description.", "content": _SCHEMA},
    503: {"description": "Try again later.", "content": _SCHEMA},
}
"""What any route may answer instead."""
