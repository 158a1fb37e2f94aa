"""What is seen of a patched release, and how far its patch climbs: plain frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from leadtime.flow.intake import ReportId
from leadtime.flow.validation.records import Scene, SeenRun, Word
from leadtime.foundation.digests import Digest


class Rung(StrEnum):
    """The rungs, from the ground up."""

    APPLIES = "applies"
    BUILDS = "builds"
    REPRODUCER = "reproducer_silent"
    VARIANTS = "variants_silent"
    TESTS = "tests_pass"
    BEHAVIOUR = "behaviour_kept"

    @property
    def words(self) -> str:
        """Return its name as a person reads it."""
        return self.value.replace("_", " ")


class Standing(StrEnum):
    """Whether a rung holds."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not_checked"


@dataclass(frozen=True, slots=True)
class Applied:
    """What a patch touched, by path; what the release does not carry; the archive it went into (empty: the release)."""

    touched: tuple[str, ...]
    left_out: tuple[str, ...]
    archive: str


@dataclass(frozen=True, slots=True)
class Variant:
    """Another input that shows the flaw: what was changed to get it, and a run of it without and with the patch."""

    digest: Digest
    kind: str
    before: SeenRun
    after: SeenRun


@dataclass(frozen=True, slots=True)
class Manner:
    """How a run ended that nobody watched, and the digest of all that it printed; None where a limit ended it."""

    exit_code: int | None
    signal: int | None
    output: Digest | None


@dataclass(frozen=True, slots=True)
class Harmless:
    """An input that shows nothing, and how it ends without and with the patch."""

    digest: Digest
    kind: str
    before: Manner
    after: Manner


@dataclass(frozen=True, slots=True)
class RecipeTest:
    """Whether one of the recipe's tests passed without and with the patch."""

    before: bool
    after: bool


@dataclass(frozen=True, slots=True)
class SeenPatch:
    """Everything seen of a patched release; what is empty was not come to.

    ``failure``: why it does not apply (``applied`` is None) or build. ``unchecked``: the sanitizers whose checks fewer
    of its compiled files hold than without the patch. ``relapses``: with nobody watching, the reproducer fails with the
    patch as it does without it. ``tries``: inputs tried to find the variants.
    """

    applied: Applied | None
    failure: str
    scene: Scene
    unchecked: tuple[str, ...] = ()
    runs: tuple[SeenRun, ...] = ()
    relapses: bool = False
    variants: tuple[Variant, ...] = ()
    tries: int = 0
    tests: tuple[RecipeTest, ...] = ()
    harmless: tuple[Harmless, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One rung: whether it holds, and why in one sentence."""

    rung: Rung
    standing: Standing
    reason: str


@dataclass(frozen=True, slots=True)
class Ladder:
    """How far a patch climbed, rung by rung; ``applied``: what it touched, None if it does not apply."""

    steps: tuple[Step, ...]
    applied: Applied | None

    @property
    def reached(self) -> Rung | None:
        """Return the highest rung that holds, with all below it; tests that could not be run do not count."""
        held = [step.rung for step in self.steps if step.standing is Standing.PASSED]
        return held[-1] if held else None

    @property
    def is_climbed(self) -> bool:
        """Tell whether the patch reached the top."""
        return self.reached is Rung.BEHAVIOUR

    @property
    def head(self) -> str:
        """Return how many rungs hold and which were not checked, in words: what may be said of it in one line."""
        held = sum(step.standing is Standing.PASSED for step in self.steps)
        unchecked = [step.rung.words for step in self.steps if step.standing is Standing.NOT_CHECKED]
        words = f"{held} of {len(self.steps)} machine rungs hold"
        return f"{words}; not checked: {', '.join(unchecked)}" if unchecked else words

    @property
    def is_silent(self) -> bool | None:
        """Tell whether the reproducer showed nothing any more; None where that could not be seen."""
        found = next((step.standing for step in self.steps if step.rung is Rung.REPRODUCER), Standing.NOT_CHECKED)
        return None if found is Standing.NOT_CHECKED else found is Standing.PASSED


@dataclass(frozen=True, slots=True)
class JudgedPatch:
    """What became of a patch: the verdict without it, why, the environment's digest; no ladder where no flaw showed."""

    word: Word
    reason: str
    environment: str
    ladder: Ladder | None


@dataclass(frozen=True, slots=True)
class KeptJudgement:
    """What a patch came to against one report, and when."""

    report: ReportId
    judged_at: datetime
    found: JudgedPatch
