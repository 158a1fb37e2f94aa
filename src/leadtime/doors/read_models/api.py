"""The API's page: its own OpenAPI description, as a person reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of the API."""

    method: str
    path: str
    summary: str


def groups_of(openapi: Mapping[str, Any]) -> tuple[tuple[str, tuple[Operation, ...]], ...]:
    """Return the calls of an OpenAPI description by their first tag, in its order."""
    base = openapi["servers"][0]["url"]
    groups: dict[str, list[Operation]] = {}
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            group = groups.setdefault(operation.get("tags", ["other"])[0], [])
            group.append(Operation(method.upper(), base + path, operation.get("summary", "")))
    return tuple((tag, tuple(operations)) for tag, operations in groups.items())
