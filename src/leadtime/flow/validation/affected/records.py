"""What the reproducer showed over a package's published releases: plain frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from leadtime.foundation.digests import Digest


class ReleaseWord(StrEnum):
    """What the reproducer showed of one release."""

    FAILS = "fails"
    """The flaw: the same signature, or the fault in the same function of the same file."""
    FAILS_OTHERWISE = "fails_otherwise"
    """Something else, which says neither that the flaw is there nor that it is not."""
    CLEAN = "clean"
    """Nothing, though the code that the flaw lies in was seen to run."""
    UNKNOWN = "unknown"
    """Nothing can be said: not fetched, not built, not run to its end, or the code did not run."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One release that was tried: what it showed, why, and the digests of the evidence for it."""

    release: str
    word: ReleaseWord
    reason: str
    evidence: tuple[Digest, ...] = ()


class Bound(StrEnum):
    """What changes at an event, in OSV's words (schema 1.7, ``affected[].ranges[].events``)."""

    INTRODUCED = "introduced"
    FIXED = "fixed"


@dataclass(frozen=True, slots=True)
class Event:
    """From ``release`` on the flaw is there, or is not; release ``0``: from before the first one."""

    bound: Bound
    release: str


@dataclass(frozen=True, slots=True)
class AffectedRange:
    """Which releases are affected, as far as was seen.

    ``type`` is OSV's word for how the releases are ordered; ``releases`` are all published ones that were looked over,
    oldest first, ``tried`` those of them that were run, in the same order. ``undecided`` are those of which the events
    say something without having been seen between two releases that showed the same.
    """

    type: str
    events: tuple[Event, ...]
    releases: tuple[str, ...]
    tried: tuple[Tried, ...]
    undecided: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewestRelease:
    """Whether the newest release still has the flaw; None for both where there is none to look at."""

    tried: Tried | None
    reason: str


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found out beyond a verdict; ``affected`` is None where it was not asked for, or ``reason`` says why."""

    newest: NewestRelease
    affected: AffectedRange | None
    reason: str
