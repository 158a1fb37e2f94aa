"""OSV's ``affected[]`` entries into `AffectedRange`, within bounds (OSV schema 1.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leadtime.foundation.errors import Malformed
from leadtime.packages import limits
from leadtime.packages.purls import Purl, parse_purl, purl_for
from leadtime.packages.ranges import AffectedRange, Event, EventKind, RangeType, VersionRange

_STEP = "Correct it as the OSV schema says."


def affected_from_osv(entry: Mapping[str, Any], *, where: str) -> AffectedRange:
    """Return one entry of an OSV record's ``affected`` list; raises `Malformed` naming the field.

    The package is the ecosystem and name if that ecosystem has a purl type, else the entry's own purl.
    """
    package = _mapping(entry.get("package"), f"{where}.package")
    ecosystem = _text(package.get("ecosystem"), f"{where}.package.ecosystem")
    ranges = _list(entry.get("ranges"), limits.RANGES_MAX, f"{where}.ranges")
    versions = _list(entry.get("versions"), limits.VERSIONS_LISTED_MAX, f"{where}.versions")
    return AffectedRange(
        _package(package, ecosystem, f"{where}.package"),
        ecosystem,
        tuple(_range(each, f"{where}.ranges[{place}]") for place, each in enumerate(ranges)),
        tuple(_version(each, f"{where}.versions[{place}]") for place, each in enumerate(versions)),
    )


def _package(package: Mapping[str, Any], ecosystem: str, where: str) -> Purl:
    try:
        return purl_for(ecosystem, _text(package.get("name"), f"{where}.name"), where=f"{where}.name")
    except Malformed:
        if "purl" not in package:
            raise
    return parse_purl(_text(package["purl"], f"{where}.purl"), where=f"{where}.purl").without_version()


def _range(value: object, where: str) -> VersionRange:
    found = _mapping(value, where)
    try:
        kind = RangeType(found.get("type"))
    except ValueError:
        raise Malformed("this is not a range type", where=f"{where}.type", next_step=_STEP) from None
    events = _list(found.get("events"), limits.EVENTS_MAX, f"{where}.events")
    return VersionRange(
        kind,
        tuple(event for place, each in enumerate(events) for event in _events(each, f"{where}.events[{place}]")),
    )


def _events(value: object, where: str) -> list[Event]:
    """Read one event object; the schema allows one key in it, real records now and then have two."""
    found = _mapping(value, where)
    events = [
        Event(kind, _version(found[kind.value], f"{where}.{kind.value}")) for kind in EventKind if kind.value in found
    ]
    if not events:
        raise Malformed("this event says nothing that is known", where=where, next_step=_STEP)
    return events


def _version(value: object, where: str) -> str:
    text = _text(value, where)
    if len(text) > limits.VERSION_CHARACTERS_MAX:
        raise Malformed(
            f"a version has at most {limits.VERSION_CHARACTERS_MAX} characters", where=where, next_step=_STEP
        )
    return text


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise Malformed("this must be a text", where=where, next_step=_STEP)
    return value


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Malformed("this must be an object", where=where, next_step=_STEP)
    return value


def _list(value: object, entries_max: int, where: str) -> Sequence[object]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise Malformed("this must be a list", where=where, next_step=_STEP)
    if len(value) > entries_max:
        raise Malformed(f"this has more than {entries_max} entries", where=where, next_step="Split the record.")
    return value
