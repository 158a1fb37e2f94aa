"""Is this version affected? Ranges as OSV has them, and an answer that can say that it does not know.

Standard: OSV schema 1.6, "affected[].ranges[]", "affected[].versions" and "Evaluation"; the order is from `versions`.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from leadtime.packages import limits
from leadtime.packages.purls import Purl
from leadtime.packages.versions import (
    VersionKey,
    VersionOrder,
    key_or_none,
    order_for,
    shown_version,
    without_local_part,
)


class RangeType(Enum):
    """What a range's events are: semantic versions, versions in the ecosystem's order, or commits."""

    SEMVER = "SEMVER"
    ECOSYSTEM = "ECOSYSTEM"
    GIT = "GIT"


class EventKind(Enum):
    """What happens at an event's version."""

    INTRODUCED = "introduced"
    FIXED = "fixed"
    LAST_AFFECTED = "last_affected"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class Event:
    """One step of a range; ``introduced`` at "0" means from the beginning, ``limit`` at "*" means none."""

    kind: EventKind
    version: str


@dataclass(frozen=True, slots=True)
class VersionRange:
    """Events of one type, in any order."""

    type: RangeType
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class AffectedRange:
    """What one advisory says of one package: ranges and listed versions; either makes a version affected.

    ``package`` has no version; ``ecosystem`` is OSV's text, with its release if it has one ("Debian:12").
    """

    package: Purl
    ecosystem: str
    ranges: tuple[VersionRange, ...] = ()
    versions: tuple[str, ...] = ()


class Affected(Enum):
    """The three answers; UNKNOWN is never to be read as NO."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a version is affected, why in one clause, and the first fixed version after it (None: none is named)."""

    affected: Affected
    reason: str
    fixed: str | None = None


@dataclass(frozen=True, slots=True)
class _Step:
    """An event whose version was read."""

    kind: EventKind
    version: str
    key: VersionKey


@dataclass(frozen=True, slots=True)
class _Steps:
    """A range that was read: steps in order, and what could not be read (empty: nothing)."""

    steps: tuple[_Step, ...]
    limits: tuple[VersionKey, ...]
    from_beginning: bool
    unreadable: str


_TIE_RANK = {EventKind.FIXED: 0, EventKind.INTRODUCED: 1, EventKind.LAST_AFFECTED: 2}
"""At one version: what was fixed there and introduced again is affected; a last affected one may be the first."""
_BEGINNING, _NO_LIMIT = "0", "*"


def is_affected(package: AffectedRange, version: str) -> Answer:
    """Return whether ``version`` of that package is affected.

    A pre-release of the fixed version comes before it in every order here, so it is affected. A local version or a
    rebuild (``1.0+local``) of a version that is listed, or is the last affected one, is affected too. What cannot be
    evaluated (no order for the ecosystem, a text that is no version, commits only) answers UNKNOWN, unless another
    part of the record says YES.
    """
    order = order_for(package.ecosystem) or order_for(package.package.type)
    comparable = [each for each in package.ranges if each.type is not RangeType.GIT]
    answers = [_in_range(_order_of(each, order), each, version) for each in comparable]
    if _is_listed(order, package.versions, version):
        fixed = next((each.fixed for each in answers if each.fixed is not None), None)
        return Answer(Affected.YES, f"{shown_version(version)} is listed as affected", fixed)
    for wanted in (Affected.YES, Affected.UNKNOWN):
        for answer in answers:
            if answer.affected is wanted:
                return answer
    return answers[0] if len(answers) == 1 and not package.versions else _unlisted(order, package, version)


def _unlisted(order: VersionOrder | None, package: AffectedRange, version: str) -> Answer:
    """Answer for a version that no range holds and no list names: NO only if it was really compared."""
    compared = any(each.type is not RangeType.GIT for each in package.ranges)
    if compared:
        return Answer(Affected.NO, f"{shown_version(version)} is in no affected range and not listed")
    if not package.versions:
        return Answer(Affected.UNKNOWN, "the advisory names no versions that can be compared")
    if order is None:
        return Answer(Affected.UNKNOWN, "it is not listed, and this ecosystem may write the same version otherwise")
    if key_or_none(order, version) is None:
        return Answer(Affected.UNKNOWN, _not_a_version(order, version))
    return Answer(Affected.NO, f"{shown_version(version)} is not among the listed versions")


def _in_range(order: VersionOrder | None, versions: VersionRange, version: str) -> Answer:
    """Walk the events as OSV's evaluation does, remembering where the affected stretch began."""
    if order is None:
        return Answer(Affected.UNKNOWN, "the order of this ecosystem's versions is not known here")
    key = key_or_none(order, version)
    if key is None:
        return Answer(Affected.UNKNOWN, _not_a_version(order, version))
    read = _read(order, versions)
    if read.unreadable:
        return Answer(Affected.UNKNOWN, read.unreadable)
    fixed = next((each.version for each in read.steps if each.kind is EventKind.FIXED and key < each.key), None)
    since = _since(read, key, order, version)
    if since is None or (read.limits and not any(key < limit for limit in read.limits)):
        return Answer(Affected.NO, f"{shown_version(version)} is outside the affected range")
    until = f" and before the fixed {shown_version(fixed)}" if fixed else ""
    reason = f"{shown_version(version)} is at or after the introduced {shown_version(since)}{until} ({order.value})"
    return Answer(Affected.YES, reason, fixed)


def _since(read: _Steps, key: VersionKey, order: VersionOrder, version: str) -> str | None:
    since = _BEGINNING if read.from_beginning else None
    for step in read.steps:
        if key < step.key:
            break
        if step.kind is EventKind.INTRODUCED:
            since = since or step.version
        elif step.kind is EventKind.FIXED or not _is_build_of(order, version, step.version):
            since = None
    return since


def _is_build_of(order: VersionOrder, version: str, last: str) -> bool:
    """Tell whether ``version`` is the last affected one itself, or a local build or rebuild of it."""
    key = key_or_none(order, last)
    return key in (key_or_none(order, version), key_or_none(order, without_local_part(order, version)))


@lru_cache(maxsize=limits.RANGES_CACHED_MAX)
def _read(order: VersionOrder, versions: VersionRange) -> _Steps:
    steps: list[_Step] = []
    bounds: list[VersionKey] = []
    no_limit = False
    from_beginning = False
    for event in versions.events:
        if event.kind is EventKind.INTRODUCED and event.version == _BEGINNING:
            from_beginning = True
        elif event.kind is EventKind.LIMIT and event.version == _NO_LIMIT:
            no_limit = True
        elif (key := key_or_none(order, event.version)) is None:
            return _Steps((), (), from_beginning=False, unreadable=_not_a_version(order, event.version))
        elif event.kind is EventKind.LIMIT:
            bounds.append(key)
        else:
            steps.append(_Step(event.kind, event.version, key))
    if not from_beginning and all(each.kind is not EventKind.INTRODUCED for each in steps):
        return _Steps((), (), from_beginning=False, unreadable="the range does not say where it begins")
    steps.sort(key=lambda each: (each.key, _TIE_RANK[each.kind]))
    return _Steps(tuple(steps), () if no_limit else tuple(bounds), from_beginning=from_beginning, unreadable="")


def _is_listed(order: VersionOrder | None, versions: tuple[str, ...], version: str) -> bool:
    """Tell whether a version, or the one that it is a local build of, is in the list, in whatever letters."""
    if not versions:
        return False
    texts, keys = _listed(order, versions)
    if version in texts:
        return True
    if order is None:
        return False
    wanted = [key_or_none(order, version), key_or_none(order, without_local_part(order, version))]
    return any(key is not None and _holds(keys, key) for key in wanted)


def _holds(keys: tuple[VersionKey, ...], key: VersionKey) -> bool:
    place = bisect_left(keys, key)
    return place < len(keys) and keys[place] == key


@lru_cache(maxsize=limits.RANGES_CACHED_MAX)
def _listed(order: VersionOrder | None, versions: tuple[str, ...]) -> tuple[frozenset[str], tuple[VersionKey, ...]]:
    """Return the listed texts, and their keys in order."""
    keys = () if order is None else (key for each in versions if (key := key_or_none(order, each)) is not None)
    return frozenset(versions), tuple(sorted(keys))


def _order_of(versions: VersionRange, order: VersionOrder | None) -> VersionOrder | None:
    """Return the ecosystem's own order; a range that says SEMVER has one even where the ecosystem has none."""
    return VersionOrder.SEMVER if order is None and versions.type is RangeType.SEMVER else order


def _not_a_version(order: VersionOrder, version: str) -> str:
    return f"{shown_version(version)} is not a version in the order of {order.value}"
