"""Which runner gets a run, and when one is given up."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from leadtime.foundation.errors import Malformed
from leadtime.workflows.farm.records import PublicKeys, Runner
from leadtime.workflows.farm.rules import SILENT_SECONDS_MAX, TAKINGS_MAX, choose_runner, is_poison, is_there, role_of

AT = datetime(2026, 8, 3, tzinfo=UTC)


def a_runner(name: str = "a", *, slots: int = 2, silent: float | None = 0.0, runs: int = 0) -> Runner:
    return Runner(name, f"leadtime_runner_{name}", PublicKeys(b"", b""), AT, slots, silent, runs, None)


@pytest.mark.parametrize(
    ("runner", "there"),
    [
        (a_runner(), True),
        (a_runner(silent=SILENT_SECONDS_MAX), True),
        (a_runner(silent=SILENT_SECONDS_MAX + 0.1), False),
        (a_runner(silent=None), False),
        # One that says that it was heard in the future is not believed.
        (a_runner(silent=-0.1), False),
        (a_runner(slots=1), True),
        (a_runner(slots=0), False),
    ],
)
def test_a_runner_is_there_that_spoke_lately_and_wants_runs(runner, there):
    assert is_there(runner) is there


@pytest.mark.parametrize(
    ("runners", "chosen"),
    [
        ([], None),
        ([a_runner(runs=2)], None),
        ([a_runner(runs=1)], "a"),
        ([a_runner(silent=None), a_runner("b", runs=1)], "b"),
        ([a_runner(runs=1), a_runner("b")], "b"),
        ([a_runner(slots=2**31 - 1, runs=1), a_runner("b", slots=2)], "b"),
        ([a_runner(slots=9, runs=3), a_runner("b", slots=2, runs=2)], "a"),
        ([a_runner("b"), a_runner("a")], "a"),
    ],
)
def test_the_runner_with_the_fewest_runs_and_a_free_slot_gets_a_run(runners, chosen):
    found = choose_runner(runners)
    assert (found and found.name) == chosen


def test_a_run_that_runners_do_not_survive_is_poison():
    assert [is_poison(n, gone=True) for n in (0, TAKINGS_MAX - 1, TAKINGS_MAX)] == [False, False, True]
    assert [is_poison(n, gone=False) for n in (TAKINGS_MAX, TAKINGS_MAX + 1)] == [False, True]
    assert TAKINGS_MAX == 5


@pytest.mark.parametrize("name", ["a", "lab_1", "a" * 32])
def test_a_runners_role_is_named_after_it(name):
    assert role_of(name) == f"leadtime_runner_{name}"


@pytest.mark.parametrize("name", ["", "A", "1a", "_a", "a-b", "a" * 33, "a;drop", "a\n", "ä"])
def test_a_name_that_is_not_plain_is_refused(name):
    with pytest.raises(Malformed) as refused:
        role_of(name)
    where = f"{name}: " if name else ""
    words = "a runner's name has up to 32 small letters, digits and underscores, a letter first. Name it so."
    assert str(refused.value) == where + words
