"""Find which published releases have a flaw, and whether the newest one does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from leadtime.flow.validation.affected.records import AffectedRange, NewestRelease, ReleaseWord, Tried
from leadtime.flow.validation.affected.rules import events_of, next_to_try, undecided_releases
from leadtime.flow.validation.affected.trying import Try
from leadtime.flow.validation.records import FixedWord, Verdict
from leadtime.formats.osv import SEMVER_ECOSYSTEMS, RangeType
from leadtime.packages.published import Published
from leadtime.packages.purls import Purl, parse_purl
from leadtime.packages.versions import compare

RELEASES_TRIED = 12
"""How many releases are run where nobody says otherwise, the recipe's own included."""

RELEASES_TRIED_MAX = 200

_WORDS: Mapping[FixedWord, ReleaseWord] = {
    FixedWord.STILL_FAILS: ReleaseWord.FAILS,
    FixedWord.CLEAN: ReleaseWord.CLEAN,
    FixedWord.FAILS_OTHERWISE: ReleaseWord.FAILS_OTHERWISE,
}


def known_sides(verdict: Verdict) -> tuple[Tried, ...]:
    """Return what a verdict has shown already: its two releases, as far as they were run."""
    names = [parse_purl(purl, where="verdict").version or "" for purl, _ in verdict.releases]
    sides = [Tried(names[0], ReleaseWord.FAILS, verdict.reason, verdict.evidence)]
    if len(names) > 1 and verdict.fixed.word in _WORDS:
        word = _WORDS[verdict.fixed.word]
        sides.append(Tried(names[1], word, verdict.fixed.reason, verdict.evidence))
    return tuple(sides)


def find_range(
    package: Purl, published: Sequence[Published], known: Sequence[Tried], run: Try, *, tried_max: int
) -> AffectedRange:
    """Return which of a package's ``published`` releases are affected, running at most ``tried_max`` of them.

    ``known`` has been run and counts towards it. Pre-releases are left out but for those in ``known``; what was
    published and taken back since is looked at like any other.
    """
    line = _line(package.type, published, known)
    places = {each.release: _place(package.type, line, each.release) for each in known}
    tried = {places[each.release]: each for each in known}
    for _ in range(tried_max - len(known)):
        number = next_to_try(len(line), {place: each.word for place, each in tried.items()})
        if number is None:
            break
        tried[number] = run(line[number])
    seen = {place: each.word for place, each in tried.items()}
    releases = tuple(each.version for each in line)
    return AffectedRange(
        type=(RangeType.SEMVER if package.ecosystem in SEMVER_ECOSYSTEMS else RangeType.ECOSYSTEM).value,
        events=events_of(releases, seen),
        releases=releases,
        tried=tuple(tried[place] for place in sorted(tried)),
        undecided=tuple(releases[place] for place in undecided_releases(len(line), seen)),
    )


def look_at_newest(package: Purl, published: Sequence[Published], known: Sequence[Tried], run: Try) -> NewestRelease:
    """Return whether the newest release has the flaw; the one of ``known`` that it is has been run already.

    Newest: the last one in order that is no pre-release and was not taken back.
    """
    newest = next((each for each in reversed(published) if not each.is_yanked and not each.is_prerelease), None)
    if newest is None:
        return NewestRelease(None, "no release is published that is no pre-release")
    for each in known:
        if compare(package.type, each.release, newest.version) == 0:
            return NewestRelease(each, "")
    return NewestRelease(run(newest), "")


def _line(kind: str, published: Sequence[Published], known: Sequence[Tried]) -> list[Published]:
    """Return the releases to look over, with those that were run wherever the index no longer lists them."""
    line = [each for each in published if not each.is_prerelease or _is_among(kind, each.version, known)]
    for each in known:
        if all(compare(kind, other.version, each.release) for other in line):
            after = next(
                (n for n, other in enumerate(line) if compare(kind, other.version, each.release) > 0), len(line)
            )
            line.insert(after, Published(each.release))
    return line


def _is_among(kind: str, version: str, known: Sequence[Tried]) -> bool:
    return any(compare(kind, version, each.release) == 0 for each in known)


def _place(kind: str, line: Sequence[Published], version: str) -> int:
    return next(number for number, each in enumerate(line) if compare(kind, each.version, version) == 0)
