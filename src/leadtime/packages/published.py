"""Which releases of a package were published, in version order: from names and metadata alone, nothing is fetched."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from leadtime.foundation.errors import Refused
from leadtime.packages import limits
from leadtime.packages.pypi import SOURCE_ENDINGS
from leadtime.packages.releases import Offer
from leadtime.packages.versions import key_or_none, order_for


@dataclass(frozen=True, slots=True)
class Published:
    """One published version; ``has_source``: there is an archive that `Fetcher.release` would return.

    ``is_yanked``: whoever published it has taken it back, but whoever names it still gets it.
    """

    version: str
    has_source: bool = True
    is_yanked: bool = False
    is_prerelease: bool = False


def published_on_pypi(offers: Iterable[Offer], name: str) -> tuple[Published, ...]:
    """Return each version that has a file among an index's offers, once, in no order.

    Versions are spelled as PEP 440 normalises them; files of versions that are none are left out.
    """
    found: dict[Version, Published] = {}
    for offer in offers:
        source = _source_version(offer.filename, name)
        version = source or _wheel_version(offer.filename, name)
        if version is None:
            continue
        before = found.get(version)
        found[version] = Published(
            str(version),
            has_source=source is not None or (before is not None and before.has_source),
            is_yanked=offer.yanked and (before is None or before.is_yanked),
            is_prerelease=version.is_prerelease,
        )
    return tuple(found.values())


def in_order(kind: str, releases: Sequence[Published], *, where: str) -> tuple[Published, ...]:
    """Return releases of a purl type, oldest first; those that its order cannot read are left out.

    Raises `Refused` for more than ``RELEASES_LISTED_MAX`` of them, or where the type's order is not known.
    """
    order = order_for(kind)
    if order is None:
        raise Refused("the order of its versions is not known here", where=where, next_step="Give a range by hand.")
    if len(releases) > limits.RELEASES_LISTED_MAX:
        raise Refused(
            f"this package has more than {limits.RELEASES_LISTED_MAX} releases",
            where=where,
            next_step="Give a range by hand.",
        )
    keyed = [(key, each) for each in releases if (key := key_or_none(order, each.version)) is not None]
    return tuple(each for _, each in sorted(keyed, key=lambda pair: pair[0]))


def _source_version(filename: str, name: str) -> Version | None:
    ending = next((each for each in SOURCE_ENDINGS if filename.lower().endswith(each)), None)
    if ending is None:
        return None
    stem = filename[: -len(ending)]
    for dash in re.finditer("-", stem):
        if canonicalize_name(stem[: dash.start()]) == canonicalize_name(name):
            try:
                return Version(stem[dash.end() :])
            except InvalidVersion:
                continue
    return None


def _wheel_version(filename: str, name: str) -> Version | None:
    try:
        project, version, _, _ = parse_wheel_filename(filename)
    except ValueError:
        return None
    return version if project == canonicalize_name(name) else None
