"""Frozen records to plain JSON values and back, strictly: what crosses the pipe to the run is distrusted on return."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import TypeVar

from leadtime.foundation.errors import Malformed
from leadtime.foundation.strict_json import Json

Record = TypeVar("Record")

_SCALARS = (str, int, float, bool)


def to_plain(value: object) -> Json:
    """Return a record, and all it holds, as JSON values."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): to_plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    if isinstance(value, frozenset | set):
        return [to_plain(item) for item in sorted(value)]
    if dataclasses.is_dataclass(value):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} has no plain form")


def from_plain(kind: type[Record], value: Json, where: str = "$") -> Record:
    """Return the record of type ``kind`` that ``value`` spells; anything else raises `Malformed` with its place."""
    return typing.cast("Record", _read(kind, value, where))


def _read(kind: object, value: Json, where: str) -> object:
    outer = typing.get_origin(kind)
    if outer is types.UnionType or outer is typing.Union:
        return _read_union(kind, value, where)
    if outer is tuple:
        return _read_tuple(typing.get_args(kind), value, where)
    if outer is frozenset:
        (item,) = typing.get_args(kind)
        return frozenset(_read_items(item, value, where))
    if outer is not None and issubclass(outer, Mapping):
        return _read_mapping(typing.get_args(kind)[1], value, where)
    return _read_named(kind, value, where)


def _read_union(kind: object, value: Json, where: str) -> object:
    others = [other for other in typing.get_args(kind) if other is not type(None)]
    if value is None and len(others) < len(typing.get_args(kind)):
        return None
    return _read(others[0], value, where)


def _read_tuple(kinds: tuple[object, ...], value: Json, where: str) -> tuple[object, ...]:
    if len(kinds) == 2 and kinds[1] is Ellipsis:  # noqa: PLR2004 - how typing spells "any number of the first"
        return tuple(_read_items(kinds[0], value, where))
    if not isinstance(value, list) or len(value) != len(kinds):
        raise _wrong(where)
    return tuple(_read(kind, item, f"{where}[{n}]") for n, (kind, item) in enumerate(zip(kinds, value, strict=True)))


def _read_items(kind: object, value: Json, where: str) -> list[object]:
    if not isinstance(value, list):
        raise _wrong(where)
    return [_read(kind, item, f"{where}[{number}]") for number, item in enumerate(value)]


def _read_mapping(kind: object, value: Json, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise _wrong(where)
    return {name: _read(kind, item, f"{where}.*") for name, item in value.items()}


def _read_named(kind: object, value: Json, where: str) -> object:
    base = getattr(kind, "__supertype__", kind)
    if isinstance(base, type) and issubclass(base, StrEnum):
        if not isinstance(value, str) or value not in set(base):
            raise _wrong(where)
        return base(value)
    if base in _SCALARS:
        # A bool is an int to Python, and an int is not a float; here each is only itself.
        if type(value) is not base:
            raise _wrong(where)
        return value
    if isinstance(base, type) and dataclasses.is_dataclass(base):
        return _read_record(base, value, where)
    raise TypeError(f"{kind} cannot be read back")


def _read_record(kind: type, value: Json, where: str) -> object:
    hints = _hints(kind)
    if not isinstance(value, dict) or set(value) != set(hints):
        raise _wrong(where)
    return kind(**{name: _read(hint, value[name], f"{where}.{name}") for name, hint in hints.items()})


@cache
def _hints(kind: type) -> dict[str, object]:
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _wrong(where: str) -> Malformed:
    return Malformed("this is not what was agreed on", where=where, next_step="Run it again.")
