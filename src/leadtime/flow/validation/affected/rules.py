"""Which release is tried next, and what may be said in the end: pure. Releases are numbers, the oldest is 0.

A flaw may come, go and come back, so nothing is taken for sorted: a release is decided by its own run, and what lies
between two that showed the same is taken to be the same only as long as nobody has looked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from leadtime.flow.validation.affected.records import Bound, Event, ReleaseWord
from leadtime.flow.validation.oracles.crashes import is_same_flaw
from leadtime.flow.validation.records import Crash, FixedSide, FixedWord, Judged

FROM_THE_FIRST = "0"
"""OSV's word for before every version."""

DECIDED: Mapping[ReleaseWord, bool] = {ReleaseWord.FAILS: True, ReleaseWord.CLEAN: False}
"""What a word says of the flaw; the other words say nothing of it."""

Seen = Mapping[int, ReleaseWord]
"""What each release that was tried showed."""


@dataclass(frozen=True, slots=True)
class _Gap:
    """The releases between two decided neighbours, or between one and an end, where there is no neighbour."""

    before: int
    after: int
    differs: bool
    untried: tuple[int, ...]
    silent: int
    """How many of them were tried and said nothing."""

    @property
    def middle(self) -> int:
        """Return the release nearest to its middle that was not tried; the older of two."""
        return min(self.untried, key=lambda each: (abs(2 * each - self.before - self.after), each))


def next_to_try(count: int, seen: Seen) -> int | None:
    """Return which of ``count`` releases to try next, or None when each has been tried.

    First the newest and the oldest; then the middle between neighbours that differ, where fewest tries said nothing,
    newest first; when every change is pinned down, the middle of the widest stretch in which nobody looked.
    """
    for end in (count - 1, 0):
        if end not in seen and count:
            return end
    gaps = [gap for gap in _gaps(count, seen) if gap.untried]
    if not gaps:
        return None
    differing = [gap for gap in gaps if gap.differs]
    if differing:
        return min(differing, key=lambda gap: (gap.silent, -gap.before)).middle
    return max(gaps, key=lambda gap: (len(gap.untried), gap.before)).middle


def _gaps(count: int, seen: Seen) -> list[_Gap]:
    decided = [number for number in sorted(seen) if seen[number] in DECIDED]
    return [
        _Gap(
            before,
            after,
            differs=before >= 0 and after < count and seen[before] is not seen[after],
            untried=tuple(number for number in range(before + 1, after) if number not in seen),
            silent=sum(1 for number in range(before + 1, after) if number in seen),
        )
        for before, after in pairwise((-1, *decided, count))
    ]


def affected_releases(count: int, seen: Seen) -> tuple[bool, ...]:
    """Return of each release whether it is taken to have the flaw.

    A release that was not decided is taken to have it unless its decided neighbours, or the only one that it has, were
    clean: between one that has it and one that has not, nobody saw that it has not.
    """
    affected = [False] * count
    for gap in _gaps(count, seen):
        neighbours = [DECIDED[seen[number]] for number in (gap.before, gap.after) if 0 <= number < count]
        for number in range(gap.before + 1, gap.after):
            affected[number] = any(neighbours)
        if gap.before >= 0:
            affected[gap.before] = DECIDED[seen[gap.before]]
    return tuple(affected)


def events_of(releases: Sequence[str], seen: Seen) -> tuple[Event, ...]:
    """Return the events at which releases, in order, begin and cease to have the flaw; none if none was seen with it.

    Never ``last_affected``: it would say that everything later is clean, which somebody must have seen.
    """
    affected = affected_releases(len(releases), seen)
    return tuple(
        Event(Bound.INTRODUCED if now else Bound.FIXED, releases[number] if number else FROM_THE_FIRST)
        for number, (before, now) in enumerate(pairwise((False, *affected)))
        if now is not before
    )


def undecided_releases(count: int, seen: Seen) -> tuple[int, ...]:
    """Return the releases that were not decided and do not lie between two that showed the same."""
    return tuple(
        number
        for gap in _gaps(count, seen)
        if gap.differs or gap.before < 0 or gap.after == count
        for number in range(gap.before + 1, gap.after)
    )


def word_for(side: FixedSide, crash: Crash, judged: Sequence[Judged]) -> tuple[ReleaseWord, str]:
    """Return what a release showed next to the ``crash`` of the vulnerable one, and why.

    ``side`` is what the rule for fixed releases says of it. Another signature may be the flaw, too (`is_same_flaw`).
    """
    if side.word is FixedWord.FAILS_OTHERWISE:
        for found in judged:
            if found.crash is not None and is_same_flaw(found.crash, crash):
                return ReleaseWord.FAILS, found.reason
    return _WORDS[side.word], side.reason


_WORDS: Mapping[FixedWord, ReleaseWord] = {
    FixedWord.STILL_FAILS: ReleaseWord.FAILS,
    FixedWord.FAILS_OTHERWISE: ReleaseWord.FAILS_OTHERWISE,
    FixedWord.CLEAN: ReleaseWord.CLEAN,
    FixedWord.NOT_CHECKED: ReleaseWord.UNKNOWN,
}
