from __future__ import annotations

import json
from typing import Any

import pytest

from leadtime.foundation.errors import Unavailable
from leadtime.sandbox import Ending, Outcome
from leadtime.sandbox.capture import Capture
from leadtime.sandbox.conclude import Answer, conclude, read_answer
from leadtime.sandbox.supervision import Observed


def observed(
    *, ended_for: Ending | None = None, exit_code: int | None = 0, answer: bytes = b"", stderr: bytes = b"err"
) -> Observed:
    out, err = Capture(), Capture()
    out.feed(b"out")
    err.feed(stderr)
    return Observed(ended_for, exit_code, out, err, answer, duration_s=1.5)


def outcome(
    ending: Ending, *, exit_code: int | None = None, signal: int | None = None, sightings: bytes = b""
) -> Outcome:
    return Outcome(ending, exit_code, signal, b"out", b"err", 3, 3, 1.5, sightings)


def spoken(**changes: Any) -> bytes:
    return json.dumps({"exit_code": 0, "timed_out": False, "sightings": {"seen": 1}} | changes).encode()


SEEN = b'{"seen": 1}'


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (0, outcome(Ending.EXITED, exit_code=0)),
        (128, outcome(Ending.EXITED, exit_code=128)),
        (129, outcome(Ending.SIGNALLED, signal=1)),
        (192, outcome(Ending.SIGNALLED, signal=64)),
        (193, outcome(Ending.EXITED, exit_code=193)),
    ],
)
def test_an_exit_code_is_read_as_the_shell_means_it(code: int, expected: Outcome) -> None:
    assert conclude(observed(exit_code=code), watched=False) == expected


@pytest.mark.parametrize("reason", [Ending.TIMED_OUT, Ending.OUT_OF_MEMORY, Ending.OUTPUT_FLOOD, Ending.DISK_FULL])
@pytest.mark.parametrize("code", [None, 0, 137])
def test_who_passed_a_limit_has_neither_code_nor_signal(reason: Ending, code: int | None) -> None:
    assert conclude(observed(ended_for=reason, exit_code=code), watched=False) == outcome(reason)


def test_a_box_that_never_stood_is_no_outcome() -> None:
    with pytest.raises(Unavailable) as refused:
        conclude(observed(exit_code=None, stderr=b"bwrap: no namespaces\n"), watched=False)
    assert str(refused.value) == ("sandbox: the box could not be set up: bwrap: no namespaces. Run leadtime doctor.")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (spoken(), outcome(Ending.EXITED, exit_code=0, sightings=SEEN)),
        (spoken(exit_code=139), outcome(Ending.SIGNALLED, signal=11, sightings=SEEN)),
        (spoken(timed_out=True), outcome(Ending.TIMED_OUT, sightings=SEEN)),
        (spoken(timed_out=True, exit_code=None), outcome(Ending.TIMED_OUT, sightings=SEEN)),
        (spoken(exit_code=None), outcome(Ending.OBSERVER_LOST, sightings=SEEN)),
        (b'{"failed": "why"}', outcome(Ending.OBSERVER_LOST, sightings=b'{"failed": "why"}')),
        (b"", outcome(Ending.OBSERVER_LOST)),
    ],
)
def test_a_watched_program_ended_as_the_observer_says(answer: bytes, expected: Outcome) -> None:
    assert conclude(observed(answer=answer, exit_code=0), watched=True) == expected


def test_a_limit_passed_outweighs_the_observers_word() -> None:
    expected = outcome(Ending.OUT_OF_MEMORY, sightings=SEEN)
    assert conclude(observed(ended_for=Ending.OUT_OF_MEMORY, answer=spoken()), watched=True) == expected


@pytest.mark.parametrize(
    "line", [b"", b"null", b"[]", b"{", b"\xff", b'{"sightings": 1}', b'{"exit_code": 0}', b"[" * 100_000]
)
def test_an_answer_of_another_shape_is_none(line: bytes) -> None:
    assert read_answer(line) is None


def test_a_code_that_is_no_number_is_missing() -> None:
    assert read_answer(spoken(exit_code="0")) == Answer(None, timed_out=False, sightings=SEEN)
    assert read_answer(spoken(exit_code=True)) == Answer(None, timed_out=False, sightings=SEEN)
    assert read_answer(spoken(timed_out="yes")) == Answer(0, timed_out=False, sightings=SEEN)
