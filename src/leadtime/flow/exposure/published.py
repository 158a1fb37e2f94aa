"""Hold versions against one published advisory of ours: runs and entered ranges, never more."""

from __future__ import annotations

from dataclasses import dataclass

from leadtime.flow.advisory import PublishedAdvisory, fixes_in_order
from leadtime.flow.exposure.matching import Judgement
from leadtime.flow.exposure.records import Touch
from leadtime.flow.exposure.rules import REASON_NOT_RUN, REASON_RUN_FIXED, fix_to_name, touched_by_runs
from leadtime.formats.advisories import AffectedPackage, AffectedSpan, Outcome
from leadtime.foundation.errors import Malformed
from leadtime.packages.purls import parse_purl
from leadtime.packages.ranges import AffectedRange, Event, EventKind, RangeType, VersionRange, is_affected
from leadtime.packages.versions import compare


@dataclass(frozen=True, slots=True)
class AdvisoryPackage:
    """One package of a published advisory, ready to be asked about versions."""

    package: str
    source: AffectedPackage
    affected: AffectedRange


def packages_of(published: PublishedAdvisory) -> tuple[AdvisoryPackage, ...]:
    """Return the packages of an advisory that stands; a withdrawn one has none any more."""
    if published.document.withdrawn_at is not None:
        return ()
    return tuple(_ready(each) for each in published.document.packages)


def judge_package(asked: AdvisoryPackage, version: str) -> Judgement:
    """Return whether a version is touched; where nobody entered a range, a version that was not run is *unknown*."""
    answer = is_affected(asked.affected, version)
    judged = Judgement(Touch(answer.affected.value), answer.reason, answer.fixed)
    if asked.source.spans or judged.touch is Touch.YES:
        return judged
    fixed = [run.version for run in asked.source.runs if run.outcome is Outcome.FIXED]
    after_fix = any(_is_at_or_after(asked.affected.ecosystem, version, each) for each in fixed)
    touch = touched_by_runs(version_ran=False, at_or_after_a_fix=after_fix)
    return Judgement(touch, REASON_RUN_FIXED if touch is Touch.NO else REASON_NOT_RUN, None)


def next_fix(asked: AdvisoryPackage, version: str) -> str | None:
    """Return the version to update to from ``version``: the next fixed one above it; None if none is named.

    Where the order of versions does not tell, the one that the advisory names, if it names no other.
    """
    named = fixes_in_order(asked.source)
    later = [fix for fix in named if fix != version and _is_at_or_after(asked.affected.ecosystem, fix, version)]
    return fix_to_name(named, [fix for fix in later if judge_package(asked, fix).touch is not Touch.YES])


def _is_at_or_after(ecosystem: str, version: str, fix: str) -> bool:
    try:
        return compare(ecosystem, version, fix) >= 0
    except Malformed:
        return version == fix


def _ready(package: AffectedPackage) -> AdvisoryPackage:
    purl = parse_purl(package.purl, where="package")
    ranges = tuple(VersionRange(RangeType.ECOSYSTEM, _events(span)) for span in package.spans)
    versions = tuple(run.version for run in package.runs if run.outcome is Outcome.AFFECTED)
    affected = AffectedRange(purl, package.ecosystem or purl.type, ranges, versions)
    return AdvisoryPackage(package.purl, package, affected)


def _events(span: AffectedSpan) -> tuple[Event, ...]:
    ends = ((EventKind.FIXED, span.fixed), (EventKind.LAST_AFFECTED, span.last_affected))
    return (
        Event(EventKind.INTRODUCED, span.introduced),
        *(Event(kind, version) for kind, version in ends if version),
    )
