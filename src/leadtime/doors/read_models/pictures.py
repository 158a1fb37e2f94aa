"""Small records that are drawn: ages, runs, clocks, badges, steps and history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from leadtime.flow.validation import ReleaseWord, Tier
from leadtime.foundation.explanation import Explanation


class Tone(StrEnum):
    """How loudly a badge speaks; colour is never its only message."""

    HOT = "hot"
    WARM = "warm"
    MILD = "mild"
    COOL = "cool"
    GOOD = "good"
    ASK = "ask"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Badge:
    """A few words on a coloured ground."""

    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Ages:
    """How many things have waited under a day, under a week, under 30 days, and longer."""

    day: int = 0
    week: int = 0
    month: int = 0
    longer: int = 0

    @property
    def total(self) -> int:
        """Return how many there are."""
        return self.day + self.week + self.month + self.longer

    @property
    def bands(self) -> tuple[tuple[float, float, int], ...]:
        """Return (offset, width, band) in percent for a stacked bar; empty when there is nothing to show."""
        drawn: list[tuple[float, float, int]] = []
        offset = 0.0
        for band, count in enumerate((self.day, self.week, self.month, self.longer)):
            if count:
                width = 100 * count / self.total
                drawn.append((round(offset, 2), round(width, 2), band))
                offset += width
        return tuple(drawn)

    @property
    def words(self) -> str:
        """Return the bar in words, for those who do not see it."""
        names = ("under a day", "under a week", "under 30 days", "30 days or more")
        counts = (self.day, self.week, self.month, self.longer)
        return ", ".join(f"{count} {name}" for name, count in zip(names, counts, strict=True) if count)


@dataclass(frozen=True, slots=True)
class Runs:
    """One side of a proof: which release ran, how many of its runs were hits, and the 95 % interval of the rate.

    ``outcome`` is the word of the contract (``reproduced``, ``clean`` …); ``clean`` says which colour that is.
    """

    subject: str
    outcome: str
    clean: bool | None
    hits: int
    runs: int
    low: float | None = None
    high: float | None = None

    @property
    def dots(self) -> tuple[bool, ...]:
        """Return one truth value a run: hit or not."""
        return (True,) * self.hits + (False,) * (self.runs - self.hits)


@dataclass(frozen=True, slots=True)
class FrameLine:
    """One line of a stack: its function, ``file:line``, whether the release's own, and whether the fault is here."""

    function: str
    place: str
    subject: bool
    fault: bool


@dataclass(frozen=True, slots=True)
class ReleaseMark:
    """One release in a strip, with what it showed in a word; ``word`` is empty where it was not run."""

    release: str
    word: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ReleaseStrip:
    """What the reproducer showed over a package's releases, oldest first; ``newest`` is a sentence."""

    marks: tuple[ReleaseMark, ...]
    events: str
    newest: str
    undecided: int

    @property
    def tried(self) -> tuple[ReleaseMark, ...]:
        """Return the releases that were run."""
        return tuple(mark for mark in self.marks if mark.word)

    @property
    def failing(self) -> tuple[str, ...]:
        """Return the releases on which the flaw was seen."""
        return tuple(mark.release for mark in self.marks if mark.word == ReleaseWord.FAILS)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one validation showed, with the finder whose report it proved.

    ``results``: how many that are independent of each other its tier rests on.
    """

    report: str
    finder: str
    example: bool
    verdict: Badge
    vulnerable: Runs | None
    fixed: Runs | None
    crash_class: str
    access: str
    frames: tuple[FrameLine, ...]
    signature: str
    environment: str
    harness: str
    reason: str
    decided_at: datetime | None
    digests: tuple[str, ...]
    releases: ReleaseStrip | None = None
    tier: Tier | None = None
    results: int = 1

    @property
    def telling(self) -> tuple[FrameLine, ...]:
        """Return the part of the stack that tells the most: from the fault to the release's outermost frame."""
        own = [number for number, frame in enumerate(self.frames) if frame.subject]
        return self.frames[own[0] : own[-1] + 1] if own else self.frames


@dataclass(frozen=True, slots=True)
class Step:
    """One state of a story that is read left to right; ``at`` is when it was reached."""

    name: str
    done: bool
    now: bool
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a history."""

    at: datetime
    who: str
    what: str


@dataclass(frozen=True, slots=True)
class Priority:
    """What comes first, and why: the badge, the sentence of the row, and the explanation behind it (I9)."""

    badge: Badge
    sentence: str
    why: Explanation | None


@dataclass(frozen=True, slots=True)
class EmbargoClock:
    """An embargo's instant, the zone in which people agreed on it, and whether it has passed."""

    ends_at: datetime
    zone: str
    over: bool


@dataclass(frozen=True, slots=True)
class Credit:
    """Who is thanked for what."""

    organisation: str
    example: bool
    report: str
    title: str
    text: str
