"""How far a proof can be believed, and what keeps it from the next tier."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.flow.validation import tier
from leadtime.flow.validation.records import FixedWord, Harness, Oracle
from leadtime.flow.validation.tier import Grounds, Hand, count_independent, differ, model_family, tier_of
from leadtime.foundation.explanation import Explanation, Fact

FINDER, SUBJECT, PLATFORM = Harness.FINDER, Harness.SUBJECT, Harness.PLATFORM
CLEAN, NONE = FixedWord.CLEAN, FixedWord.NOT_CHECKED


def bare(harness: Harness, fixed: FixedWord, results: int = 1) -> Grounds:
    return Grounds(harness, fixed, controlled=False, results=results)


def controlled(harness: Harness, fixed: FixedWord, results: int = 1) -> Grounds:
    return Grounds(harness, fixed, controlled=True, results=results)


@pytest.mark.parametrize(
    ("grounds", "level", "why"),
    [
        (bare(FINDER, NONE), 1, [tier.FIXED[NONE], tier.NO_CONTROL, tier.OWN_HARNESS, tier.ONE_RESULT]),
        (bare(FINDER, NONE, 2), 1, [tier.FIXED[NONE], tier.NO_CONTROL, tier.OWN_HARNESS]),
        (controlled(FINDER, NONE), 2, [tier.FIXED[NONE], tier.ONE_RESULT]),
        (bare(FINDER, CLEAN, 2), 2, [tier.NO_CONTROL, tier.OWN_HARNESS]),
        (bare(SUBJECT, NONE), 2, [tier.FIXED[NONE], tier.ONE_RESULT]),
        (controlled(SUBJECT, FixedWord.STILL_FAILS, 2), 2, [tier.FIXED[FixedWord.STILL_FAILS]]),
        (controlled(PLATFORM, FixedWord.FAILS_OTHERWISE, 2), 2, [tier.FIXED[FixedWord.FAILS_OTHERWISE]]),
        (controlled(FINDER, CLEAN), 3, [tier.ONE_RESULT]),
        (bare(PLATFORM, CLEAN), 3, [tier.ONE_RESULT]),
        (controlled(FINDER, CLEAN, 2), 4, []),
        (bare(SUBJECT, CLEAN, 2), 4, []),
    ],
)
def test_each_tier_and_why_it_is_not_higher(grounds, level, why):
    found = tier_of(grounds)
    assert (found.level, [each.decision for each in found.why]) == (level, why)
    assert found.as_json() == {"level": level, "why": why}


@pytest.mark.parametrize("oracle", list(Oracle))
def test_who_shares_an_interpreter_with_the_subject_is_believed_less(oracle):
    shared = oracle in {Oracle.EXCEPTION, Oracle.CANARY}
    for grounds, level in ((controlled(FINDER, CLEAN, 2), 4), (controlled(FINDER, CLEAN), 3), (bare(FINDER, NONE), 1)):
        found = tier_of(replace(grounds, oracle=oracle))
        assert found.level == (min(level, 2) if shared else level)
        said = Explanation(tier.ARRANGEABLE, tier.RULE, (Fact("oracle", oracle.value, "the validation"),))
        assert (said in found.why) is shared
    assert tier_of(replace(bare(SUBJECT, CLEAN, 2), oracle=oracle)).level == 4


def test_what_is_missing_is_explained_by_what_was_read():
    assert tier_of(bare(FINDER, NONE, 0)).why == (
        Explanation(
            "no fixed release was seen to be clean",
            tier.RULE,
            (Fact("fixed release", "not_checked", "the validation"),),
        ),
        Explanation(
            "no harmless input was given, so that the harness may fail whatever it is fed",
            "tiers of proof, leadtime.flow.validation.tier",
            (Fact("control", "none", "the validation"),),
        ),
        Explanation(
            "the program that feeds the subject is its finder's own",
            tier.RULE,
            (Fact("harness", "finder", "the validation"),),
        ),
        Explanation(
            "no second result is there of another person, organisation and model family",
            tier.RULE,
            (Fact("independent results", "0", "the validation"),),
        ),
    )


def test_the_fixed_release_has_a_sentence_for_every_word_but_clean():
    assert set(tier.FIXED) == set(FixedWord) - {CLEAN}
    assert tier.FIXED[FixedWord.STILL_FAILS] == "the release that is said to be fixed fails in the same way"
    assert tier.FIXED[FixedWord.FAILS_OTHERWISE] == "the release that is said to be fixed fails otherwise"


def test_more_grounds_never_lower_a_tier():
    for harness, fixed, results in product(Harness, FixedWord, range(4)):
        least = tier_of(bare(harness, fixed, results)).level
        assert tier_of(controlled(harness, fixed, results)).level >= least
        assert tier_of(bare(harness, CLEAN, results)).level >= least
        assert tier_of(bare(SUBJECT, fixed, results)).level >= least
        assert tier_of(bare(harness, fixed, results + 1)).level >= least


A, B = Hand("house a", "ann", "falcon"), Hand("house b", "bo", "heron")


@pytest.mark.parametrize(
    ("other", "apart"),
    [
        (B, True),
        (Hand("house a", "bo", "heron"), False),
        (Hand("house b", "ann", "heron"), False),
        (Hand("house b", "bo", "falcon"), False),
        (Hand("house b"), True),
        (A, False),
    ],
)
def test_two_results_differ_in_person_organisation_and_model_family(other, apart):
    assert differ(A, other) is apart
    assert differ(other, A) is apart
    assert count_independent([A, other]) == (2 if apart else 1)


def test_two_people_without_a_model_may_both_count():
    assert differ(Hand("house a"), Hand("house b"))


def test_what_is_counted_apart():
    assert count_independent([]) == 0
    assert count_independent([A]) == 1
    assert count_independent([A, A, A]) == 1
    assert count_independent([A, Hand("house a"), B]) == 2
    assert count_independent([A, B, Hand("house c")]) == 2


@given(st.lists(st.builds(Hand, st.sampled_from("abc"), st.sampled_from(["", "x"]), st.sampled_from(["", "y"]))))
def test_the_order_of_results_does_not_matter(hands):
    assert count_independent(hands) == count_independent(hands[::-1])


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("Vendor/Falcon-4.1-pro", "falcon"),
        ("falcon-3", "falcon"),
        ("gpt4", "gpt"),
        ("4-turbo", "turbo"),
        ("", ""),
        (None, ""),
        ("123", ""),
    ],
)
def test_a_model_belongs_to_the_family_that_its_name_begins_with(model, family):
    assert model_family(model) == family
