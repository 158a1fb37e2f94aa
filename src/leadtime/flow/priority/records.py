"""What a priority is decided from, and the decision with its dates and reasons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from leadtime.foundation.digests import Digest
from leadtime.foundation.explanation import Explanation, Fact


class Answer(StrEnum):
    """What is known of a yes-or-no question; UNKNOWN is never read as no."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Impact(StrEnum):
    """Technical impact as SSVC has it: does the attacker get total control, or less?"""

    PARTIAL = "partial"
    TOTAL = "total"


class Exploitation(StrEnum):
    """State of exploitation as SSVC has it."""

    NONE = "none"
    POC = "poc"
    ACTIVE = "active"


class SourceKind(StrEnum):
    """A source of facts that an installation loads from a file."""

    KEV = "kev"
    VULNRICHMENT = "vulnrichment"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of BOD 26-04's table; ``days`` are calendar days, None: fix on system upgrade."""

    number: int
    exposed: bool
    in_kev: bool
    automatable: bool
    impact: Impact
    days: int | None
    forensic: bool

    @property
    def timeline(self) -> str:
        """Return the timeline in the directive's words, for example ``3 days + forensic triage``."""
        if self.days is None:
            return "fix on system upgrade"
        return f"{self.days} days + forensic triage" if self.forensic else f"{self.days} days"


@dataclass(frozen=True, slots=True)
class KevEntry:
    """One entry of CISA's Known Exploited Vulnerabilities catalogue; its own due date is kept, never computed with."""

    cve: str
    added: date
    due: date | None
    forensic: bool | None
    ransomware: bool
    required_action: str


@dataclass(frozen=True, slots=True)
class SsvcEntry:
    """CISA's own SSVC answers for one CVE; ``as_of``: when they were given."""

    cve: str
    exploitation: Exploitation | None
    automatable: Answer
    impact: Impact | None
    as_of: datetime


@dataclass(frozen=True, slots=True)
class SourceContent:
    """What one file of a source holds; ``as_of`` is the source's own date, None where it states none."""

    as_of: datetime | None
    entries: tuple[KevEntry, ...] | tuple[SsvcEntry, ...]


@dataclass(frozen=True, slots=True)
class Loaded:
    """One loading of a source: what was read, how old it is, and when it was loaded."""

    kind: SourceKind
    digest: Digest
    as_of: datetime
    entries: int
    at: datetime


@dataclass(frozen=True, slots=True)
class CveFacts:
    """What the loaded sources say of one CVE (None: of a flaw without one); a source that is None was never loaded."""

    cve: str | None
    kev_source: Loaded | None
    kev: KevEntry | None
    ssvc_source: Loaded | None
    ssvc: SsvcEntry | None


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything a decision is made from.

    ``exploited_since``: the date of evidence of exploitation in the wild; ``enumerated``: when this operator first saw
    the flaw on the asset; ``binding``: the directive binds this operator (a federal civilian agency). Dates are UTC.
    ``facts`` say where the values came from.
    """

    exposed: Answer
    kev: Answer
    automatable: Answer
    impact: Impact | None
    kev_added: date | None = None
    kev_due: date | None = None
    kev_forensic: bool | None = None
    exploited_since: date | None = None
    enumerated: date | None = None
    binding: bool = False
    facts: tuple[Fact, ...] = ()


class CountedFrom(StrEnum):
    """What a clock began with."""

    ENUMERATION = "enumeration on the asset"
    KEV_ADDITION = "addition to KEV"
    EVIDENCE = "evidence of exploitation"


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to count: from which event, its date, and the date due."""

    counted_from: CountedFrom
    start: date
    due: date


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do by when, and why.

    ``row`` is None exactly when ``missing`` names inputs that may not be guessed; the date is then *undetermined*.
    ``readings`` are all ways to count, earliest due first, and ``due`` is the first one's. ``assumed`` says, a sentence
    each, what was reckoned without being known. KEV's own date and flag stand beside, never mixed in.
    ``informative``: the directive does not bind this operator.
    """

    row: Row | None
    due: date | None
    readings: tuple[Reading, ...]
    overdue_on_arrival: bool
    missing: tuple[str, ...]
    assumed: tuple[str, ...]
    in_kev: bool
    kev_due: date | None
    kev_forensic: bool | None
    informative: bool
    why: Explanation

    @property
    def label(self) -> str:
        """Return the timeline in words, as a list shows it."""
        return "undetermined: missing " + " and ".join(self.missing) if self.row is None else self.row.timeline
