"""What becomes of a step that failed, case by case."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.foundation.errors import Conflict, Malformed, Missing, Refused, Unavailable
from leadtime.workflows.rules import (
    ATTEMPTS_MAX,
    OUTAGE_ATTEMPTS_MAX,
    Again,
    Aside,
    Cause,
    Tries,
    cause_of,
    decide_after,
    decide_after_death,
    describe,
)


@pytest.mark.parametrize("family", [Malformed, Missing, Refused])
def test_wrong_input_is_set_aside_at_the_first_try(family):
    assert decide_after(family("this is wrong", where="$.title"), Tries()) == Aside("$.title: this is wrong")


@pytest.mark.parametrize(
    ("earlier", "pause"), [(0, 2), (1, 4), (2, 8), (3, 16), (4, 32), (5, 64), (6, 128), (7, 256), (8, 300), (38, 300)]
)
def test_an_outage_is_waited_out_with_growing_pauses(earlier, pause):
    assert decide_after(Unavailable("no answer"), Tries(outages=earlier)) == Again(pause)


def test_an_outage_without_end_is_set_aside():
    assert OUTAGE_ATTEMPTS_MAX == 40
    assert decide_after(Unavailable("no answer"), Tries(outages=39)) == Aside("no answer (tried 40 times)")


def test_any_other_error_is_tried_five_times():
    assert ATTEMPTS_MAX == 5
    assert decide_after(Conflict("it has changed"), Tries(faults=3)) == Again(16)
    assert decide_after(Conflict("it has changed"), Tries(faults=4)) == Aside("it has changed (tried 5 times)")
    assert decide_after(KeyError("content"), Tries(faults=4)) == Aside("an unexpected KeyError (tried 5 times)")


def test_a_job_whose_worker_died_goes_back_at_once_five_times():
    assert decide_after_death(Tries()) == decide_after_death(Tries(deaths=3)) == Again(0)
    assert decide_after_death(Tries(deaths=4)) == Aside("its worker died or stopped answering (tried 5 times)")
    assert decide_after_death(Tries(deaths=5)) == Aside("its worker died or stopped answering (tried 6 times)")


def test_tries_of_one_cause_do_not_use_up_those_of_another():
    assert decide_after(RuntimeError(), Tries(outages=39, deaths=4)) == Again(2)
    assert decide_after(Unavailable("no answer"), Tries(faults=4, deaths=4)) == Again(2)
    assert decide_after_death(Tries(faults=4, outages=39)) == Again(0)


def test_what_an_error_counts_as():
    assert cause_of(Unavailable("no answer")) is Cause.OUTAGE
    for error in (RuntimeError(), Conflict("it has changed"), Malformed("wrong")):
        assert cause_of(error) is Cause.FAULT


def test_an_error_of_others_is_described_by_its_name_and_line_alone():
    with pytest.raises(ValueError) as caught:
        int("a secret")

    line = caught.value.__traceback__.tb_lineno
    assert describe(caught.value) == f"an unexpected ValueError at test_rules.py:{line}"


@given(st.integers(0, 10_000))
def test_every_job_comes_to_an_end(earlier):
    for error in (Unavailable("x"), Conflict("x"), OSError("x"), Malformed("x")):
        outcome = decide_after(error, Tries(faults=earlier, outages=earlier))
        assert isinstance(outcome, Aside) or (outcome.after_seconds <= 300 and earlier + 1 < OUTAGE_ATTEMPTS_MAX)
