"""Which version comes first: each ecosystem's own order, and a clear "not comparable" where there is none.

The orders are those of `univers`; before it sees a text, the text must have the shape that the order is defined for,
since its readers coerce ("1.2.3.4" as semantic version would silently become 1.2.3) or answer unlawfully otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache, total_ordering
from typing import Protocol, cast

from packaging.version import Version as Pep440Version
from univers import versions as univers_versions

from leadtime.foundation.errors import Malformed
from leadtime.packages import limits
from leadtime.packages.maven import MAVEN_SHAPE, maven_key


class VersionOrder(Enum):
    """One way of putting versions in order; the value is its name for a person, with its standard."""

    PEP440 = "PEP 440"
    SEMVER = "Semantic Versioning 2.0.0"
    DEBIAN = "Debian policy 5.6.12"
    RPM = "RPM"
    MAVEN = "Maven"
    RUBYGEMS = "RubyGems"
    NUGET = "NuGet"
    ALPINE = "Alpine"


class _Ordered(Protocol):
    def __lt__(self, other: object, /) -> bool: ...


@dataclass(frozen=True, slots=True)
class _Reading:
    """How one order's texts look, and how they are read once they do."""

    shape: re.Pattern[str]
    read: Callable[[str], object]


_KINDS: dict[VersionOrder, tuple[str, ...]] = {
    VersionOrder.PEP440: ("PyPI", "pypi"),
    VersionOrder.SEMVER: (
        *("npm", "Go", "golang", "crates.io", "cargo", "Hex", "hex", "Pub", "pub"),
        *("SwiftURL", "swift", "GitHub Actions", "githubactions", "Bitnami", "bitnami"),
    ),
    VersionOrder.DEBIAN: ("Debian", "Ubuntu", "deb"),
    VersionOrder.RPM: ("Red Hat", "AlmaLinux", "Rocky Linux", "openSUSE", "SUSE", "rpm"),
    VersionOrder.MAVEN: ("Maven", "maven"),
    VersionOrder.RUBYGEMS: ("RubyGems", "gem"),
    VersionOrder.NUGET: ("NuGet", "nuget"),
    VersionOrder.ALPINE: ("Alpine", "Wolfi", "Chainguard", "apk"),
}
_ORDER_OF_KIND = {kind: order for order, kinds in _KINDS.items() for kind in kinds}
_SEMVER_SHAPE = r"[vV=]?(\d+)(\.\d+)?(\.\d+)?(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z.-]+)?"

_DEBIAN_REBUILD = re.compile(r"\+b\d+\Z", re.ASCII)


def _semantic(text: str) -> object:
    """Read a semantic version without its build metadata, which has no say in precedence (section 10)."""
    return univers_versions.SemverVersion(text.lstrip("=").partition("+")[0]).value


_READINGS: dict[VersionOrder, _Reading] = {
    VersionOrder.PEP440: _Reading(re.compile(r"[\w.+!*-]+", re.ASCII), Pep440Version),
    VersionOrder.SEMVER: _Reading(re.compile(_SEMVER_SHAPE, re.ASCII), _semantic),
    VersionOrder.DEBIAN: _Reading(re.compile(r"(\d+:)?\d[A-Za-z0-9.+~-]*", re.ASCII), univers_versions.DebianVersion),
    VersionOrder.RPM: _Reading(
        re.compile(r"(\d+:)?[A-Za-z0-9._+~^]+(-[A-Za-z0-9._+~^]+)?", re.ASCII), univers_versions.RpmVersion
    ),
    VersionOrder.MAVEN: _Reading(MAVEN_SHAPE, maven_key),
    VersionOrder.RUBYGEMS: _Reading(
        re.compile(r"\d+(\.[0-9A-Za-z]+)*(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?", re.ASCII),
        univers_versions.RubygemsVersion,
    ),
    VersionOrder.NUGET: _Reading(
        re.compile(r"[vV]?\d+(\.\d+){0,3}(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z.-]+)?", re.ASCII),
        univers_versions.NugetVersion,
    ),
    VersionOrder.ALPINE: _Reading(
        re.compile(r"\d+(\.\d+)*[a-z]?(_(alpha|beta|pre|rc|p)\d*)*(-r\d+)?", re.ASCII),
        univers_versions.AlpineLinuxVersion,
    ),
}


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class VersionKey:
    """A version that sorts; keys of one order compare, and equal ones are one version in other letters."""

    order: VersionOrder
    read: _Ordered

    def __lt__(self, other: VersionKey) -> bool:
        """Tell whether this version comes before the other."""
        return self.read < other.read

    def __eq__(self, other: object) -> bool:
        """Tell whether neither comes before the other: some libraries' own equality looks at the letters."""
        return isinstance(other, VersionKey) and not (self.read < other.read or other.read < self.read)

    __hash__ = None  # type: ignore[assignment]  # equal keys may be read from other letters


def order_for(kind: str) -> VersionOrder | None:
    """Return the order of an OSV ecosystem ("PyPI", "Debian:12") or a purl type ("pypi", "deb"), or None."""
    return _ORDER_OF_KIND.get(kind.partition(":")[0])


def key_or_none(order: VersionOrder, text: str) -> VersionKey | None:
    """Return the key of a version, or None if the text is not a version of that order; cached per text."""
    return _key(order, text) if len(text) <= limits.VERSION_CHARACTERS_MAX else None


def sort_key(kind: str | VersionOrder, text: str) -> VersionKey:
    """Return what to sort versions of that ecosystem, purl type or order by; raises `Malformed`."""
    order = _order(kind)
    key = key_or_none(order, text)
    if key is None:
        raise Malformed(
            f"{shown_version(text)} is not a version in the order of {order.value}",
            where="version",
            next_step="Correct it, or treat the two as not comparable.",
        )
    return key


def compare(kind: str | VersionOrder, one: str, other: str) -> int:
    """Return -1, 0 or 1 as ``one`` comes before, is the same as, or comes after ``other``.

    Raises `Malformed` where the ecosystem's order is not known or a text is not a version of it: such a pair is
    not comparable, and nothing may be concluded from it.
    """
    return _compared(_order(kind), one, other)


def in_version_order(kind: str, versions: Iterable[str]) -> tuple[str, ...]:
    """Return versions of an OSV ecosystem or purl type, oldest first; those that its order cannot read follow, as text.

    Total for any texts, so that what is listed is listed the same way every time.
    """
    order = order_for(kind)
    keys = {version: None if order is None else key_or_none(order, version) for version in sorted(versions)}
    readable = [(key, version) for version, key in keys.items() if key is not None]
    in_order = [version for _, version in sorted(readable, key=lambda pair: pair[0])]
    return (*in_order, *(version for version, key in keys.items() if key is None))


def without_local_part(order: VersionOrder, text: str) -> str:
    """Return the version that ``text`` is a local build or rebuild of: itself where it is none.

    PEP 440 calls ``+local`` a local version; Debian marks a rebuild with ``+b1``. Elsewhere there is no such mark.
    """
    if order is VersionOrder.PEP440:
        return text.partition("+")[0]
    return _DEBIAN_REBUILD.sub("", text) if order is VersionOrder.DEBIAN else text


def shown_version(text: str) -> str:
    """Return a version from outside as it can stand in a sentence: as it is if printable, else escaped and cut."""
    fine = len(text) <= limits.VERSION_CHARACTERS_MAX and text.isascii() and text.isprintable() and " " not in text
    return text if fine and text else ascii(text[:50])


@lru_cache(maxsize=limits.COMPARISONS_CACHED_MAX)
def _compared(order: VersionOrder, one: str, other: str) -> int:
    first, second = sort_key(order, one), sort_key(order, other)
    return -1 if first < second else int(second < first)


@lru_cache(maxsize=limits.VERSIONS_CACHED_MAX)
def _key(order: VersionOrder, text: str) -> VersionKey | None:
    reading = _READINGS[order]
    if not reading.shape.fullmatch(text):
        return None
    try:
        read = reading.read(text)
    except ValueError:
        return None
    return VersionKey(order, cast("_Ordered", read))


def _order(kind: str | VersionOrder) -> VersionOrder:
    order = kind if isinstance(kind, VersionOrder) else order_for(kind)
    if order is None:
        raise Malformed(
            f"the order of versions of {shown_version(str(kind))} is not known here",
            where="version",
            next_step="Decide by hand, or use a listed version.",
        )
    return order
