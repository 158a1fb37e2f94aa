"""Many inputs on one built release: how a quick look ends, and which of them show the same flaw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import cast

import pytest

from leadtime.flow.validation.records import Crash, Oracle, Scene, SeenRun, Showing
from leadtime.flow.validation.task import CarriedFile
from leadtime.flow.validation.trial.probing import Glance, Prober
from leadtime.flow.validation.trial.runs import RawRun, Target
from leadtime.flow.validation.trial.sides import open_sides, shown
from leadtime.foundation.digests import digest_of_parts
from leadtime.sandbox import Ending
from tests.flow.validation.brittle import Trial, task_of


@pytest.fixture(scope="module")
def prober(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prober]:
    task = task_of(Trial(), tmp_path_factory.mktemp("probing"))
    sides = open_sides(task, lambda *_: None, runs=1)
    with sides.built(task.vulnerable) as target:
        crash = shown(sides.recipe, sides.see(task.vulnerable, target, with_control=False))
        assert isinstance(target, Target)
        assert crash is not None
        yield Prober(target, sides.recipe.oracle, task.input, crash)


class UnseenTarget:
    """A release on which nothing ever shows; notes how it was looked at."""

    scene = Scene({}, {}, frozenset(), ())

    def __init__(self) -> None:
        self.looks: list[str] = []

    def glance(self, given: CarriedFile) -> None:
        self.looks.append(f"glance {given.content().decode()}")

    def run(self, given: CarriedFile) -> RawRun:
        self.looks.append(f"watch {given.content().decode()}")
        return RawRun(None, None)

    def read(self, raw: Iterable[RawRun]) -> tuple[SeenRun, ...]:
        return tuple(SeenRun(None, None, claims_report=False) for _ in raw)


@pytest.mark.parametrize("oracle", list(Oracle))
def test_a_quick_look_comes_first_where_how_a_program_ends_says_something(oracle: Oracle) -> None:
    target = UnseenTarget()
    crash = Crash("x", "", (), digest_of_parts(("x",)))
    prober = Prober(cast("Target", target), oracle, CarriedFile("given", "Z2l2ZW4="), crash)

    assert prober.repeats(b"other") is None
    if oracle in {Oracle.HANG, Oracle.CANARY}:
        assert target.looks == ["watch other"]
    else:
        assert target.looks == ["glance other", "glance given", "watch other"]


@pytest.mark.sandbox
def test_a_quick_look_tells_how_it_ended_and_what_was_printed(prober: Prober) -> None:
    clean, other, broken = prober.glance(b"ab"), prober.glance(b"ba"), prober.glance(b"!overflow")

    assert (clean.ending, clean.exit_code, clean.signal, clean.claims_report) == (Ending.EXITED, 0, None, False)
    assert clean == other
    assert clean.output != prober.glance(b"abc").output
    assert (broken.exit_code, broken.claims_report) == (1, True)
    assert not broken.ends_as(clean)


@pytest.mark.sandbox
def test_an_input_repeats_the_flaw_only_if_it_fails_in_the_same_function(prober: Prober) -> None:
    hit = prober.repeats(b"!other")

    assert hit is not None
    assert hit.crash.subject_frames[0].text == "read_one lib/brittle.c:5"
    assert prober.judge(hit.run).showing is Showing.HIT
    assert prober.repeats(b"?null") is None
    assert prober.repeats(b"harmless") is None


CLEAN = Glance(Ending.EXITED, 0, None, claims_report=False, output=digest_of_parts(("clean",)))
FAILED = replace(CLEAN, exit_code=1)
REPORTED = replace(FAILED, claims_report=True)
PRINTED = replace(FAILED, output=digest_of_parts(("otherwise",)))
KILLED = Glance(Ending.EXITED, None, 11, claims_report=False, output=None)
STUCK = Glance(Ending.TIMED_OUT, None, None, claims_report=False, output=None)
UNSEEN = Glance(None, None, None, claims_report=False, output=None)


@pytest.mark.parametrize(
    ("one", "other", "oracles"),
    [
        (CLEAN, CLEAN, set()),
        (UNSEEN, UNSEEN, set()),
        (FAILED, CLEAN, set()),
        (FAILED, REPORTED, set()),
        (FAILED, FAILED, {*Oracle} - {Oracle.CANARY}),
        (FAILED, PRINTED, {Oracle.EXIT}),
        (REPORTED, REPORTED, {*Oracle} - {Oracle.CANARY}),
        (REPORTED, replace(PRINTED, claims_report=True), {*Oracle} - {Oracle.CANARY}),
        (KILLED, KILLED, {*Oracle} - {Oracle.CANARY}),
        (KILLED, replace(KILLED, signal=6), set()),
        (STUCK, STUCK, {*Oracle} - {Oracle.CANARY}),
    ],
)
def test_two_fail_in_one_way_as_far_as_that_shows_unwatched(one: Glance, other: Glance, oracles: set[Oracle]) -> None:
    assert {oracle for oracle in Oracle if one.fails_as(other, oracle)} == oracles
