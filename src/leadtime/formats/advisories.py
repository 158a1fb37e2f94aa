"""One advisory, of which every format is a rendering: what is affected, how that is known, what to do, who found it.

Whatever a format cannot say stands in this record all the same, and no format says more than it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from leadtime.foundation.labels import Tlp


class Outcome(StrEnum):
    """What a run of the reproducer showed for one version."""

    AFFECTED = "affected"
    FIXED = "fixed"


class CreditKind(StrEnum):
    """What somebody is thanked for."""

    FINDER = "finder"
    COORDINATOR = "coordinator"
    MAINTAINER = "maintainer"


class ReferenceKind(StrEnum):
    """What a reference leads to."""

    ADVISORY = "advisory"
    FIX = "fix"
    REPORT = "report"
    WEB = "web"


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who publishes; ``namespace`` is an address under their control."""

    name: str
    namespace: str


@dataclass(frozen=True, slots=True)
class Run:
    """One version that was really run, what it showed, and the id of the validation that ran it."""

    version: str
    outcome: Outcome
    validation: str


@dataclass(frozen=True, slots=True)
class AffectedSpan:
    """A range that a person entered: from ``introduced`` ("0": from the first version) up to, not including, ``fixed``.

    Or up to and including ``last_affected``; never both. ``source`` says where the person has it from.
    """

    introduced: str
    fixed: str | None
    last_affected: str | None
    source: str


@dataclass(frozen=True, slots=True)
class AffectedPackage:
    """One package; ``ecosystem`` is OSV's name of its world, None where OSV has none; ``purl`` has no version."""

    ecosystem: str | None
    name: str
    purl: str
    runs: tuple[Run, ...]
    spans: tuple[AffectedSpan, ...]

    @property
    def fixed_versions(self) -> tuple[str, ...]:
        """Return the versions to update to: those run and found fixed, then those that ranges end with; each once."""
        run = [each.version for each in self.runs if each.outcome is Outcome.FIXED]
        entered = [each.fixed for each in self.spans if each.fixed]
        return tuple(dict.fromkeys(run + entered))


@dataclass(frozen=True, slots=True)
class Credit:
    """Who is thanked, and for what."""

    name: str
    kind: CreditKind


@dataclass(frozen=True, slots=True)
class Reference:
    """An address and what lies there."""

    kind: ReferenceKind
    url: str
    summary: str


@dataclass(frozen=True, slots=True)
class Revision:
    """One published state of the advisory: its number (from 1), when, and what changed."""

    number: int
    at: datetime
    summary: str


@dataclass(frozen=True, slots=True)
class AdvisoryDocument:
    """The one record; instants are aware UTC, ``cwes`` are ids like ``CWE-787``, ``remedy`` is one paragraph.

    ``revisions`` are in order and not empty. ``published_at`` is the first one's instant.
    """

    number: str
    title: str
    summary: str
    remedy: str
    cve: str | None
    cwes: tuple[str, ...]
    packages: tuple[AffectedPackage, ...]
    credits: tuple[Credit, ...]
    references: tuple[Reference, ...]
    publisher: Publisher
    tlp: Tlp
    revisions: tuple[Revision, ...]
    withdrawn_at: datetime | None = None

    @property
    def published_at(self) -> datetime:
        """Return when the first revision was published."""
        return self.revisions[0].at

    @property
    def modified_at(self) -> datetime:
        """Return when the newest revision was published."""
        return self.revisions[-1].at
