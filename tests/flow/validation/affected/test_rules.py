"""Which release is tried next, and what may be said of those that were not: over random histories, too."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.flow.validation.affected.records import Bound, Event, ReleaseWord
from leadtime.flow.validation.affected.rules import (
    affected_releases,
    events_of,
    next_to_try,
    undecided_releases,
    word_for,
)
from leadtime.flow.validation.records import Crash, FixedSide, FixedWord, Frame, Judged, Origin, Showing
from leadtime.foundation.digests import Digest

MARKS = {
    "x": ReleaseWord.FAILS,
    ".": ReleaseWord.CLEAN,
    "?": ReleaseWord.UNKNOWN,
    "~": ReleaseWord.FAILS_OTHERWISE,
}
"""A history is written with one mark a release, the oldest first; ``-`` was not tried."""


def seen_in(marks: str) -> dict[int, ReleaseWord]:
    return {number: MARKS[mark] for number, mark in enumerate(marks) if mark in MARKS}


def named(count: int) -> list[str]:
    return [f"v{number}" for number in range(count)]


def said(marks: str) -> str:
    """Return what is taken of each release."""
    return "".join("x" if affected else "." for affected in affected_releases(len(marks), seen_in(marks)))


def events_in(marks: str) -> list[str]:
    return [f"{event.bound.value} {event.release}" for event in events_of(named(len(marks)), seen_in(marks))]


def tried_in(history: str, budget: int, first: Sequence[int] = ()) -> dict[int, ReleaseWord]:
    """Return what is known after ``budget`` tries of a history, those of ``first`` being known before."""
    seen = {number: MARKS[history[number]] for number in first}
    for _ in range(budget):
        number = next_to_try(len(history), seen)
        if number is None:
            break
        assert number not in seen
        seen[number] = MARKS[history[number]]
    return seen


HISTORIES = st.text(alphabet="xx..?~", min_size=1, max_size=40)


@given(HISTORIES)
def test_with_budget_for_all_every_release_is_tried_and_the_decided_ones_are_told_as_they_are(history: str) -> None:
    seen = tried_in(history, len(history))

    assert sorted(seen) == list(range(len(history)))
    assert next_to_try(len(history), seen) is None
    told = affected_releases(len(history), seen)
    assert all(told[number] is (mark == "x") for number, mark in enumerate(history) if mark in "x.")


@given(st.text(alphabet="x.", min_size=1, max_size=40))
def test_where_every_release_says_something_a_full_search_is_the_truth(history: str) -> None:
    assert said(history) == history
    assert undecided_releases(len(history), seen_in(history)) == ()


@given(HISTORIES, st.integers(0, 12), st.data())
def test_never_is_more_claimed_than_was_seen(history: str, budget: int, data: st.DataObject) -> None:
    known = data.draw(st.sets(st.integers(0, len(history) - 1), max_size=2))
    seen = tried_in(history, budget, sorted(known))
    releases = named(len(history))
    told = affected_releases(len(history), seen)
    undecided = set(undecided_releases(len(history), seen))
    decided = [number for number in sorted(seen) if seen[number] in (ReleaseWord.FAILS, ReleaseWord.CLEAN)]

    assert len(seen) <= budget + len(known)
    assert all(told[number] is (seen[number] is ReleaseWord.FAILS) for number in decided)
    for event in events_of(releases, seen):
        if event == Event(Bound.INTRODUCED, "0"):
            continue
        place = releases.index(event.release)
        before = max(number for number in decided if number < place)
        after = min(number for number in decided if number >= place)
        words = (seen[before], seen[after])
        if event.bound is Bound.FIXED:
            assert (place, words) == (after, (ReleaseWord.FAILS, ReleaseWord.CLEAN))
        else:
            assert (place, words) == (before + 1, (ReleaseWord.CLEAN, ReleaseWord.FAILS))
    for number in set(range(len(history))) - undecided - set(decided):
        near = [max(n for n in decided if n < number), min(n for n in decided if n > number)]
        assert len({seen[each] for each in near}) == 1
    assert undecided.isdisjoint(decided)


@given(st.integers(2, 500), st.data())
def test_one_change_is_found_in_about_as_many_tries_as_halving_takes(count: int, data: st.DataObject) -> None:
    change = data.draw(st.integers(1, count - 1))
    history = "x" * change + "." * (count - change)

    seen = tried_in(history, 2 + (count - 1).bit_length())

    assert said(history) == "".join("x" if told else "." for told in affected_releases(count, seen))


@pytest.mark.parametrize(
    ("marks", "number"),
    [
        ("-", 0),
        ("x", None),
        ("-----", 4),
        ("----.", 0),
        ("x---.", 2),
        ("x--.", 1),
        ("x-x.", 1),
        ("x?--.", 2),
        ("x-?-.", 1),
        ("x?..", None),
        # Two changes: the newest first, unless fewer tries in the other said nothing.
        ("x-.-x", 3),
        ("x-.-?x", 1),
        ("x-?.-?x", 4),
        # Every change is pinned down: the widest stretch, the newest of those that are as wide.
        ("x---x..", 2),
        ("x-x--x.", 3),
        ("x--x--x", 4),
        # A stretch that has one neighbour, or none.
        ("?---x--x", 1),
        ("?--?", 1),
        ("x---?", 2),
    ],
)
def test_what_is_tried_next(marks: str, number: int | None) -> None:
    assert next_to_try(len(marks), seen_in(marks)) == number


def test_of_nothing_nothing_is_tried() -> None:
    assert next_to_try(0, {}) is None


@pytest.mark.parametrize(
    ("marks", "told", "undecided"),
    [
        ("----", "....", (0, 1, 2, 3)),
        ("x--x", "xxxx", ()),
        (".--.", "....", ()),
        ("x?-.", "xxx.", (1, 2)),
        (".~-x", ".xxx", (1, 2)),
        ("?-x.", "xxx.", (0, 1)),
        ("?-.x", "...x", (0, 1)),
        ("x.-?", "x...", (2, 3)),
        (".x-?", ".xxx", (2, 3)),
    ],
)
def test_what_is_taken_of_releases_that_were_not_decided(marks: str, told: str, undecided: tuple[int, ...]) -> None:
    assert said(marks) == told
    assert undecided_releases(len(marks), seen_in(marks)) == undecided


@pytest.mark.parametrize(
    ("marks", "events"),
    [
        ("....", []),
        ("????", []),
        ("xxxx", ["introduced 0"]),
        ("?xx.", ["introduced 0", "fixed v3"]),
        (".x..", ["introduced v1", "fixed v2"]),
        (".?x-.", ["introduced v1", "fixed v4"]),
        ("x.x.x", ["introduced 0", "fixed v1", "introduced v2", "fixed v3", "introduced v4"]),
    ],
)
def test_events_begin_and_end_what_is_affected(marks: str, events: list[str]) -> None:
    assert events_in(marks) == events


def crash_in(function: str, file: str, signature: str = "sha256:one") -> Crash:
    frames = (Frame("caller", "a.c", 1, Origin.LIBC), Frame(function, file, 7, Origin.SUBJECT))
    return Crash("SEGV", "READ", frames, Digest(signature))


def judged(crash: Crash | None, reason: str = "seen") -> Judged:
    return Judged(Showing.HIT if crash else Showing.QUIET, reason, crash)


@pytest.mark.parametrize(
    ("fixed", "word"),
    [
        (FixedWord.STILL_FAILS, ReleaseWord.FAILS),
        (FixedWord.CLEAN, ReleaseWord.CLEAN),
        (FixedWord.NOT_CHECKED, ReleaseWord.UNKNOWN),
        (FixedWord.FAILS_OTHERWISE, ReleaseWord.FAILS_OTHERWISE),
    ],
)
def test_a_release_is_told_as_a_fixed_one_is(fixed: FixedWord, word: ReleaseWord) -> None:
    told = word_for(FixedSide(fixed, "because", 5, 0), crash_in("f", "a.c"), [judged(None)])

    assert told == (word, "because")


@pytest.mark.parametrize(
    ("function", "file", "word", "reason"),
    [
        ("read(int)", "src/lib/a.c", ReleaseWord.FAILS, "there"),
        ("read (char)", "a.c", ReleaseWord.FAILS, "there"),
        ("write", "lib/a.c", ReleaseWord.FAILS_OTHERWISE, "because"),
        ("read", "lib/b.c", ReleaseWord.FAILS_OTHERWISE, "because"),
    ],
)
def test_the_same_function_of_the_same_file_is_the_flaw_whatever_calls_it(
    function: str, file: str, word: ReleaseWord, reason: str
) -> None:
    side = FixedSide(FixedWord.FAILS_OTHERWISE, "because", 5, 5)
    runs = [judged(None), judged(crash_in(function, file, "sha256:other"), "there")]

    assert word_for(side, crash_in("read", "lib/a.c"), runs) == (word, reason)
    assert word_for(FixedSide(FixedWord.NOT_CHECKED, "no", 5, 0), crash_in("read", "lib/a.c"), runs) == (
        ReleaseWord.UNKNOWN,
        "no",
    )
