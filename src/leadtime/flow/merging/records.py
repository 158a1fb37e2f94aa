"""What merging knows of one report's crash, what links two of them, and the one flaw they add up to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from leadtime.flow.intake import ReportId
from leadtime.flow.parties import OrganisationId
from leadtime.foundation.explanation import Explanation

VulnerabilityId = NewType("VulnerabilityId", UUID)


@dataclass(frozen=True, slots=True)
class Frame:
    """One call in a stack; ``file`` is relative to the release, ``None`` where the build kept no lines."""

    function: str
    file: str | None = None
    line: int | None = None

    @property
    def text(self) -> str:
        """Return the frame as the contract writes it: ``function file:line``, as far as it is known."""
        if self.file is None:
            return self.function
        return f"{self.function} {self.file}" if self.line is None else f"{self.function} {self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one report says about its root cause.

    ``component`` is a purl without version (empty: unknown), ``release`` the version that failed, ``fixed_release``
    one that was run and did not, ``crash_class`` how (empty: no run showed it), ``access`` what the sanitizer saw
    (``READ 1``), ``frames`` the subject's own, innermost first.
    """

    report: ReportId
    finder: OrganisationId
    component: str
    release: str | None
    fixed_release: str | None
    crash_class: str
    access: str
    frames: tuple[Frame, ...]


class LinkKind(StrEnum):
    """Why two reports are one flaw, strongest first; each has its sentence in `rules.SENTENCES`."""

    SAME_PATCH = "same patch"
    SAME_FAULT = "same fault"
    NEAR_FAULT = "near fault"
    SAME_RECURSION = "same recursion"
    SAME_INPUT = "same input"
    SAME_LOOP = "same loop"
    SAME_PATH = "same path"
    SAME_PLACE = "same place"
    SAME_NAMES = "same names"
    LIKE_WORDS = "like words"

    @property
    def weight(self) -> float:
        """Return how likely a pair that it links is one flaw, in 0..1, for a person to weigh; no rule reads it."""
        return _WEIGHTS[self]


_WEIGHTS = {
    LinkKind.SAME_PATCH: 0.98,
    LinkKind.SAME_FAULT: 0.97,
    LinkKind.NEAR_FAULT: 0.95,
    LinkKind.SAME_RECURSION: 0.9,
    LinkKind.SAME_INPUT: 0.88,
    LinkKind.SAME_LOOP: 0.85,
    LinkKind.SAME_PATH: 0.8,
    LinkKind.SAME_PLACE: 0.5,
    LinkKind.SAME_NAMES: 0.4,
    LinkKind.LIKE_WORDS: 0.3,
}
"""Same names as measured on public reports (decision 0023), the others as far as made-up ones and judgement go."""


@dataclass(frozen=True, slots=True)
class Link:
    """Two reports that are one flaw; ``first`` and ``second`` are in the order of their ids."""

    first: ReportId
    second: ReportId
    kind: LinkKind
    why: Explanation


@dataclass(frozen=True, slots=True)
class Credit:
    """One finder's share in a vulnerability; never removed by a merge, moved with its report by a split."""

    organisation: OrganisationId
    report: ReportId
    at: datetime


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """One root cause with everybody who found it.

    ``absorbed_into`` is set on one that turned out to be another; it then holds no reports. ``reasons`` says, for each
    report after the first, what joined it.
    """

    id: VulnerabilityId
    component: str
    releases: tuple[str, ...]
    fixed_releases: tuple[str, ...]
    crash_class: str
    access: str
    frames: tuple[Frame, ...]
    credits: tuple[Credit, ...]
    reasons: tuple[Explanation, ...]
    absorbed_into: VulnerabilityId | None

    @property
    def reports(self) -> tuple[ReportId, ...]:
        """Return its reports, oldest credit first."""
        return tuple(credit.report for credit in self.credits)


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of one report: its vulnerability, whether nothing led into it, what that swallowed, and why."""

    vulnerability: VulnerabilityId
    new: bool
    absorbed: tuple[VulnerabilityId, ...]
    why: Explanation
