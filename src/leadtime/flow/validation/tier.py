"""How far a proof can be believed: its tier, and why it is not higher. Pure.

=====  ==================================================================================================
tier   what stands
=====  ==================================================================================================
1      it showed in the subject, seen from outside
2      and something harmless was seen to be harmless (a control, or the fixed release), or the harness is
       not its finder's
3      and the fixed release, the same code seen to run, is clean; and a control is, or the harness is not
       its finder's
4      and two results of persons, organisations and model families that all differ
=====  ==================================================================================================

Under the oracles ``exception`` and ``canary`` a finder's own harness leaves it at 2: it shares an interpreter with the
subject, where it can change what the subject's names stand for.

A verifier that shares context with the finder agrees with it, so that no two results of one person, one organisation or
one family of models count as two.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from leadtime.flow.validation.records import FixedWord, Harness, Oracle
from leadtime.foundation.explanation import Explanation, Fact

TIER_MAX = 4
RESULTS_WANTED = 2
RULE = "tiers of proof, leadtime.flow.validation.tier"
SOURCE = "the validation"

SHARED = frozenset({Oracle.EXCEPTION, Oracle.CANARY})
"""Oracles under which what is seen in the subject may rest on what its finder put into the same interpreter."""

_FAMILY = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a reproduced verdict rests on.

    ``controlled``: a harmless input was given, and stayed clean. ``results``: how many that are independent of each
    other reproduced it (`count_independent`).
    """

    harness: Harness
    fixed: FixedWord
    controlled: bool
    results: int = 1
    oracle: Oracle = Oracle.SANITIZER

    @property
    def is_arrangeable(self) -> bool:
        """Tell whether the finder's own program could make the subject's code mean something else."""
        return self.harness is Harness.FINDER and self.oracle in SHARED


@dataclass(frozen=True, slots=True)
class Hand:
    """Who stands behind a result: organisation, person, and the family of the model that found it; empty: not known."""

    organisation: str
    person: str = ""
    model_family: str = ""


@dataclass(frozen=True, slots=True)
class Tier:
    """How far a proof can be believed, 1 to `TIER_MAX`, and for each thing that is missing, what that is."""

    level: int
    why: tuple[Explanation, ...]

    def as_json(self) -> dict[str, object]:
        """Return it as the verdict has it: the level, and one sentence for each thing that is missing."""
        return {"level": self.level, "why": [each.decision for each in self.why]}


FIXED: dict[FixedWord, str] = {
    FixedWord.NOT_CHECKED: "no fixed release was seen to be clean",
    FixedWord.STILL_FAILS: "the release that is said to be fixed fails in the same way",
    FixedWord.FAILS_OTHERWISE: "the release that is said to be fixed fails otherwise",
}
NO_CONTROL = "no harmless input was given, so that the harness may fail whatever it is fed"
OWN_HARNESS = "the program that feeds the subject is its finder's own"
ARRANGEABLE = "its finder's own program could change what the package's code refers to"
ONE_RESULT = "no second result is there of another person, organisation and model family"


def tier_of(grounds: Grounds) -> Tier:
    """Return the tier of a reproduced verdict, with what keeps it from the next ones."""
    two_sided = grounds.fixed is FixedWord.CLEAN
    foreign = grounds.harness is not Harness.FINDER
    level = 1
    if grounds.controlled or two_sided or foreign:
        level = 2
    if two_sided and (grounds.controlled or foreign) and not grounds.is_arrangeable:
        level = 3
    if level == TIER_MAX - 1 and grounds.results >= RESULTS_WANTED:
        level = TIER_MAX
    missing: list[tuple[str, Fact]] = []
    if not two_sided:
        missing.append((FIXED[grounds.fixed], Fact("fixed release", grounds.fixed.value, SOURCE)))
    if not grounds.controlled and not foreign:
        missing.append((NO_CONTROL, Fact("control", "none", SOURCE)))
        missing.append((OWN_HARNESS, Fact("harness", grounds.harness.value, SOURCE)))
    if grounds.is_arrangeable:
        missing.append((ARRANGEABLE, Fact("oracle", grounds.oracle.value, SOURCE)))
    if grounds.results < RESULTS_WANTED:
        missing.append((ONE_RESULT, Fact("independent results", str(grounds.results), SOURCE)))
    return Tier(level, tuple(Explanation(sentence, RULE, (fact,)) for sentence, fact in missing))


def count_independent(hands: Sequence[Hand]) -> int:
    """Return how many of the results count apart, up to `RESULTS_WANTED`."""
    if any(differ(one, other) for one, other in combinations(dict.fromkeys(hands), RESULTS_WANTED)):
        return RESULTS_WANTED
    return min(len(hands), 1)


def differ(one: Hand, other: Hand) -> bool:
    """Tell whether two results are of different organisations, persons and model families, as far as they are known.

    Two that no model is named for may both be people's; where one names its model and the other does not, they differ.
    """
    same_person = bool(one.person) and one.person == other.person
    same_family = bool(one.model_family) and one.model_family == other.model_family
    return one.organisation != other.organisation and not same_person and not same_family


def model_family(model: str | None) -> str:
    """Return the family that a model belongs to, by the first word of its name: ``vendor/Name-4.1`` is ``name``."""
    found = _FAMILY.search((model or "").lower().rpartition("/")[2])
    return found.group() if found else ""
