"""A program's time on a busy machine."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "guest"))

import observe_hang
from observe import Witness
from observe_python import NOWHERE, Codes
from observe_stack import Interpreters
from observe_thread import limits_of, lowered, process_of, ran_ms, state_of, waited_s


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> dict[int, float]:
    """Return how long each thread waited for a processor, to be filled in."""
    seconds: dict[int, float] = {}
    monkeypatch.setattr(observe_hang, "waited_s", lambda tid: seconds.get(tid, 0.0))
    return seconds


def test_time_is_extended_by_the_longest_wait_for_a_processor(waited: dict[int, float]) -> None:
    assert observe_hang.extension_s({1, 2}, 4.0, {}) == 0.0
    waited.update({1: 1.5, 2: 0.5, 3: 3.0})
    assert observe_hang.extension_s({1, 2}, 4.0, {}) == 1.5
    assert observe_hang.extension_s(set(), 4.0, {}) == 0.0


def test_time_is_extended_by_what_a_thread_stood_still_for_us(waited: dict[int, float]) -> None:
    waited.update({1: 1.5, 2: 0.5})

    assert observe_hang.extension_s({1, 2}, 4.0, {2: 1.25, 3: 3.0}) == 1.75


def test_what_a_thread_stands_still_for_is_not_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 0.5, 1.0, 1.25, 2.0, 9.0])
    witness = Witness("stacks_at_limit", {}, lambda: next(now))
    monkeypatch.setattr(
        Witness, "_see", lambda self, tid, status: self._alive.add(tid) if status else self._alive.clear()
    )

    witness.see(7, 1)
    witness.see(7, 1)
    assert witness._held_s == {7: 0.75}
    witness.see(7, 0)
    assert witness._held_s == {}


@pytest.mark.parametrize(("wall_s", "extension_s"), [(2.0, 4.0), (10.0, 20.0), (60.0, 20.0)])
def test_the_extension_is_bounded(wall_s: float, extension_s: float, waited: dict[int, float]) -> None:
    waited[1] = 1000.0

    assert observe_hang.extension_s({1}, wall_s, {}) == extension_s


def test_a_tree_may_run_until_nothing_of_its_extension_is_left(waited: dict[int, float]) -> None:
    witness = Witness("stacks_at_limit", {}, lambda: 0.0)
    witness.expect(1)
    waited[1] = 0.5

    assert witness.allowed_s(1.0, 2.0) == 2.0
    assert witness.allowed_s(2.0, 2.0) == 2.5
    assert witness.allowed_s(2.495, 2.0) == 2.0


def test_a_builds_time_is_not_extended(waited: dict[int, float]) -> None:
    builder = Witness("builds", {}, lambda: 0.0)
    builder.expect(1)
    waited[1] = 0.5

    assert builder.allowed_s(2.0, 2.0) == 2.0


def test_the_kernel_tells_what_a_thread_has_used_and_waited_for() -> None:
    assert process_of(os.getpid()) == os.getpid()
    assert ran_ms(os.getpid()) >= 0
    assert state_of(os.getpid()) == "R"
    assert waited_s(os.getpid()) >= 0.0
    assert waited_s(0) == 0.0


def test_the_kernel_tells_limits_and_which_are_lower_than_before() -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_STACK)

    assert limits_of(os.getpid())["stack size"] == soft
    assert lowered({"a": 5, "b": 5, "c": -1, "d": 5, "core file size": 0}, {"a": 6, "b": 5, "c": 5, "d": -1}) == [
        "a",
        "d",
    ]


def test_a_tree_that_ends_while_it_is_looked_at_was_not_hanging(monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(_left_s: float) -> None:
        raise ChildProcessError

    monkeypatch.setattr(observe_hang.trace, "interrupt", lambda _: None)
    monkeypatch.setattr(observe_hang.trace, "next_stop", ended)
    alive = {os.getpid()}

    moments = observe_hang.Sampler(alive, lambda *_: 0, Interpreters(), lambda: 0.0, ran_s=2.0, held_s={}).sample()

    assert moments == [[]] * observe_hang.MOMENTS
    assert alive == set()


def code(name: str, size: int) -> dict[str, object]:
    """Return a code object as it is read."""
    return {"function": name, "file": "f.py", "first_line": 1, "table": "", "code": "0" * size, "values": "v"}


def test_each_code_is_written_down_once() -> None:
    codes = Codes()

    assert [codes.place_of(code(name, 4)) for name in ("a", "b", "a")] == [0, 1, 0]
    assert [seen["function"] for seen in codes.seen()] == ["a", "b"]
    assert codes.files_of([{"code": 1}]) == ["f.py"]


def test_code_beyond_the_bound_is_named_and_equals_no_files_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("observe_python.CODES_CHARS_MAX", 100)
    codes = Codes()

    places = [codes.place_of(code(name, 50)) for name in ("a", "b", "b", "a")]

    assert places == [0, 1, 1, 0]
    assert codes.seen()[1] == {
        "function": "b",
        "file": "f.py",
        "first_line": NOWHERE,
        "table": "",
        "code": "",
        "values": "",
    }
