"""An input is made smaller as long as it shows the same flaw, within its tries, and what is found is proven."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.flow.validation import minimised_as_json
from leadtime.flow.validation.prove import Workshop
from leadtime.flow.validation.records import (
    Crash,
    FixedSide,
    FixedWord,
    Harness,
    Scene,
    SeenRun,
    SeenSide,
    Verdict,
    Word,
)
from leadtime.flow.validation.smaller import look as looking
from leadtime.flow.validation.smaller import minimise as minimising
from leadtime.flow.validation.smaller.look import look_for_smaller
from leadtime.flow.validation.smaller.minimise import Minimised, minimise
from leadtime.flow.validation.smaller.rules import OutOfTries, reduced
from leadtime.flow.validation.task import CarriedFile, Task
from leadtime.flow.validation.trial.probing import Hit
from leadtime.flow.validation.trial.run import Seen, carry_out
from leadtime.foundation.digests import digest_of
from tests.flow.validation.brittle import Shelf, Trial, task_of


def within(tries: int, shows: Callable[[bytes], bool]) -> Callable[[bytes], bool]:
    left = [tries]

    def counted(content: bytes) -> bool:
        if not left[0]:
            raise OutOfTries
        left[0] -= 1
        return shows(content)

    return counted


@given(st.binary(max_size=60), st.binary(min_size=1, max_size=4))
def test_what_one_piece_needs_is_what_is_left(around: bytes, needed: bytes) -> None:
    content = around + needed + around

    assert reduced(content, lambda candidate: needed in candidate) == needed


@given(st.binary(max_size=40), st.sets(st.integers(0, 255), max_size=4), st.integers(0, 60))
def test_what_is_left_shows_it_is_no_larger_and_keeps_its_order(content: bytes, needed: set[int], tries: int) -> None:
    def shows(candidate: bytes) -> bool:
        return {each for each in needed if each in content} <= set(candidate)

    found = reduced(content, within(tries, shows))

    assert shows(found)
    assert len(found) <= len(content)
    rest = iter(content)
    assert all(each in rest for each in found)


@given(st.binary(max_size=30), st.integers(1, 5))
def test_with_all_tries_no_single_byte_can_be_left_out(content: bytes, divisor: int) -> None:
    def shows(candidate: bytes) -> bool:
        return sum(candidate) % divisor == sum(content) % divisor

    found = reduced(content, shows)

    assert not any(shows(found[:at] + found[at + 1 :]) for at in range(len(found)))


def test_whole_lines_go_first() -> None:
    asked: list[bytes] = []

    def shows(candidate: bytes) -> bool:
        asked.append(candidate)
        return b"bad" in candidate

    assert reduced(b"one\ntwo\nbad\n", shows) == b"bad"
    assert asked[0] == b"bad\n"


def test_without_tries_it_stays_as_it_is() -> None:
    assert reduced(b"abc", within(0, lambda _: True)) == b"abc"
    assert reduced(b"a\nb\nc\nd\n", within(1, lambda _: True)) == b"c\nd\n"
    assert reduced(b"", lambda _: True) == b""


@pytest.mark.sandbox
def test_a_real_flaw_needs_one_byte_of_its_input(tmp_path: Path) -> None:
    task = task_of(Trial(given="!ov\nand\n"), tmp_path, smaller=True)

    seen = carry_out(task, lambda *_: None, runs=1)

    assert seen.smaller == CarriedFile("input.txt", base64.b64encode(b"!").decode())


class _Prober:
    """Shows the flaw where an input holds ``!``, and another one where it holds ``?`` as well."""

    def __init__(self, *_: object) -> None:
        """Take what the real one takes."""

    def repeats(self, content: bytes) -> Hit | None:
        if b"!" not in content:
            return None
        return Hit(SeenRun(None, None, claims_report=False), crash(b"?" if b"?" in content else b"!"))


def crash(about: bytes) -> Crash:
    return Crash("SEGV", "READ", (), digest_of(about))


def looked(given: bytes, monkeypatch: pytest.MonkeyPatch, seconds: Iterator[float]) -> tuple[bytes, list[int]]:
    """Return what is found of an input, and how many bytes each try had."""
    monkeypatch.setattr(looking, "Prober", _Prober)
    told: list[int] = []
    task = SimpleNamespace(input=CarriedFile("a", base64.b64encode(given).decode()))
    recipe = SimpleNamespace(oracle=None)
    sides = SimpleNamespace(task=task, recipe=recipe, progress=lambda text, *_: told.append(text.count("bytes")))
    found = look_for_smaller(sides, None, crash(b"!"), seconds=lambda: next(seconds))  # type: ignore[arg-type]
    return found.content(), told


def test_only_the_same_signature_counts_and_nothing_is_tried_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    found, told = looked(b"a?!b", monkeypatch, repeat(0.0))

    assert found == b"!"
    assert len(told) < 12


def test_tries_seconds_and_size_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert looked(b"!" + b"x" * 9, monkeypatch, chain([0.0], repeat(looking.SECONDS_MAX)))[0] == b"!"
    assert looked(b"!" + b"x" * 9, monkeypatch, chain([0.0], repeat(looking.SECONDS_MAX + 1)))[0] == b"!" + b"x" * 9
    monkeypatch.setattr(looking, "TRIES_MAX", 2)
    assert len(looked(b"!" + b"x" * 9, monkeypatch, repeat(0.0))[1]) == 2
    monkeypatch.setattr(looking, "INPUT_BYTES_MAX", 9)
    assert looked(b"!" + b"x" * 9, monkeypatch, repeat(0.0)) == (b"!" + b"x" * 9, [])
    assert len(looked(b"!" + b"x" * 8, monkeypatch, repeat(0.0))[1]) == 2


def verdict(about: bytes | None) -> Verdict:
    return Verdict(
        word=Word.REPRODUCED if about else Word.NOT_REPRODUCED,
        reason="",
        rate=None,
        crash=crash(about) if about else None,
        fixed=FixedSide(FixedWord.NOT_CHECKED, "", 0, 0),
        harness=Harness.FINDER,
        environment=digest_of(b"e"),
        releases=(),
        evidence=(),
    )


@pytest.mark.parametrize(
    ("proposed", "proven", "taken"),
    [
        (b"!", b"!", b"!"),
        (b"!", b"?", b"!overflow"),
        (b"!", None, b"!overflow"),
        (b"!overflow", b"!", b"!overflow"),
        (None, b"!", b"!overflow"),
    ],
)
def test_what_is_proposed_is_taken_only_where_a_verdict_of_its_own_says_the_same(
    proposed: bytes | None, proven: bytes | None, taken: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Task] = []
    scene = Scene({}, {}, frozenset(), ())

    def see(task: Task, *_: object) -> Seen:
        asked.append(task)
        smaller = None if proposed is None else CarriedFile("input.txt", base64.b64encode(proposed).decode())
        return Seen(SeenSide("", "", "", scene), None, digest_of(b"e"), (), None, smaller)

    monkeypatch.setattr(minimising, "see_apart", see)
    monkeypatch.setattr(minimising, "prove", lambda *_, **__: verdict(proven))
    shop = Workshop(tmp_path / "cache", tmp_path / "evidence", None, "nobody")

    found = minimise(Trial(fixed="1.1").reproducer(), verdict(b"!"), Shelf(tmp_path), shop)  # type: ignore[arg-type]

    assert (found.content, found.bytes_before, found.verdict) == (taken, 9, verdict(b"!"))
    assert [(task.smaller, task.fixed) for task in asked] == [(True, None)]
    told = {"bytes": len(taken), "bytes_before": 9, "digest": digest_of(taken), "verdict": "reproduced"}
    assert minimised_as_json(found) == told


def test_without_a_flaw_nothing_is_looked_for(tmp_path: Path) -> None:
    shop = Workshop(tmp_path / "cache", tmp_path / "evidence", None, "nobody")

    found = minimise(Trial().reproducer(), verdict(None), Shelf(tmp_path), shop)  # type: ignore[arg-type]

    assert found == Minimised(b"!overflow", 9, verdict(None))
