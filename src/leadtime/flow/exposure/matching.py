"""Hold inventories against advisories: each distinct package and version once, each verdict with its reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from leadtime.flow.exposure.records import Installed, Match, Touch
from leadtime.flow.exposure.rules import REASON_NO_RELEASE, REASON_OTHER_RELEASE, combined, release_fits
from leadtime.formats.osv import OsvAffected, OsvRecord
from leadtime.foundation.errors import Malformed
from leadtime.packages.purls import Purl, parse_purl, purl_for
from leadtime.packages.ranges import AffectedRange, Event, EventKind, RangeType, VersionRange, is_affected

GO_TOOLCHAIN = ("pkg:golang/stdlib", "pkg:golang/toolchain")
"""Packages whose versions some tools write with ``go`` before them (``go1.22.1``)."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a version is touched, why in one clause, and the next version said to have the fix (None: not named)."""

    touch: Touch
    reason: str
    fixed: str | None


@dataclass(frozen=True, slots=True)
class Flaw:
    """One affected package of one record; ``release`` is the distribution's release it is about, "": any."""

    record: OsvRecord
    affected: AffectedRange
    release: str


@dataclass(frozen=True, slots=True)
class FlawIndex:
    """Records by package; ``withdrawn`` ones are left out and counted, and so are those that name no package."""

    flaws: Mapping[str, tuple[Flaw, ...]]
    records: int
    withdrawn: int
    unnamed: tuple[str, ...]


def index_flaws(records: Iterable[OsvRecord]) -> FlawIndex:
    """Return the records by the canonical package that each part of them names."""
    flaws: dict[str, list[Flaw]] = defaultdict(list)
    unnamed: dict[str, None] = {}
    count = withdrawn = 0
    for record in records:
        count += 1
        if record.withdrawn is not None:
            withdrawn += 1
            continue
        for affected in record.affected:
            package = package_of(affected)
            if package is None:
                unnamed[record.id] = None
            else:
                release = (affected.ecosystem or "").partition(":")[2]
                flaws[str(package)].append(Flaw(record, affected_range(affected, package), release))
    return FlawIndex({package: tuple(each) for package, each in flaws.items()}, count, withdrawn, tuple(unnamed))


def package_of(affected: OsvAffected) -> Purl | None:
    """Return the canonical purl (without version) of an affected package, None if it names none that is known."""
    if affected.ecosystem and affected.name:
        try:
            return purl_for(affected.ecosystem, affected.name)
        except Malformed:
            pass
    if affected.purl:
        try:
            return parse_purl(affected.purl, where="purl").without_version()
        except Malformed:
            return None
    return None


def affected_range(affected: OsvAffected, package: Purl) -> AffectedRange:
    """Return what a record says of one package, ready to be held against versions."""
    ranges = (
        VersionRange(
            RangeType(each.type.value), tuple(Event(EventKind(event.bound), event.version) for event in each.events)
        )
        for each in affected.ranges
    )
    return AffectedRange(package, affected.ecosystem or package.type, tuple(ranges), affected.versions)


def match(installed: Iterable[Installed], index: FlawIndex) -> tuple[Match, ...]:
    """Return what is touched or may be touched, by package, version and record; what is not touched is left out."""
    by_package: dict[str, list[Installed]] = defaultdict(list)
    for each in installed:
        by_package[each.package].append(each)
    matches = [
        found
        for package in by_package.keys() & index.flaws.keys()
        for found in _matches(by_package[package], index.flaws[package])
    ]
    return tuple(sorted(matches, key=lambda each: (each.installed.package, each.installed.version, each.advisory)))


def _matches(installed: list[Installed], flaws: tuple[Flaw, ...]) -> Iterator[Match]:
    by_record: dict[str, list[Flaw]] = defaultdict(list)
    for flaw in flaws:
        by_record[flaw.record.id].append(flaw)
    for each in by_record.values():
        record = each[0].record
        for found in installed:
            judged = judge(each, found)
            if judged.touch is not Touch.NO:
                yield Match(found, record.id, record.aliases, record.summary, judged.touch, judged.fixed, judged.reason)


def judge(flaws: Iterable[Flaw], installed: Installed) -> Judgement:
    """Return what all parts of one record about one package add up to for one version."""
    version = installed.version
    if installed.package in GO_TOOLCHAIN:
        version = version.removeprefix("go")
    judged = [_judge_one(each, installed, version) for each in flaws]
    touch = combined(each.touch for each in judged)
    return next(each for each in judged if each.touch is touch)


def _judge_one(flaw: Flaw, installed: Installed, version: str) -> Judgement:
    fits = release_fits(flaw.release, installed.release)
    if fits is Touch.NO:
        return Judgement(Touch.NO, REASON_OTHER_RELEASE, None)
    answer = is_affected(flaw.affected, version)
    touch = Touch(answer.affected.value)
    if fits is Touch.UNKNOWN and touch is Touch.YES:
        return Judgement(Touch.UNKNOWN, REASON_NO_RELEASE, answer.fixed)
    return Judgement(touch, answer.reason, answer.fixed)
