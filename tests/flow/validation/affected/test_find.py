"""The search over published releases, with a stand-in for running one; and all of it once for real."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from leadtime.flow.validation import RELEASES_TRIED, Workshop, prove, survey, survey_as_json
from leadtime.flow.validation.affected.find import find_range, known_sides, look_at_newest
from leadtime.flow.validation.affected.records import (
    AffectedRange,
    Bound,
    Event,
    NewestRelease,
    ReleaseWord,
    Survey,
    Tried,
)
from leadtime.flow.validation.affected.trying import Trying, of_release
from leadtime.flow.validation.records import Crash, FixedSide, FixedWord, Harness, Verdict, Word
from leadtime.foundation.digests import Digest
from leadtime.foundation.errors import Missing, Unavailable
from leadtime.packages.fetch import Release
from leadtime.packages.published import Published
from leadtime.packages.purls import Purl, parse_purl
from tests.flow.validation.brittle import Shelf, Trial

PYPI = parse_purl("pkg:pypi/brittle", where="")
NPM = parse_purl("pkg:npm/brittle", where="")
FAILS, CLEAN = ReleaseWord.FAILS, ReleaseWord.CLEAN


def releases(*versions: str) -> tuple[Published, ...]:
    return tuple(Published(version) for version in versions)


def failing_below(fixed: int, ran: list[str]) -> Callable[[Published], Tried]:
    def run(published: Published) -> Tried:
        ran.append(published.version)
        word = FAILS if int(published.version.partition(".")[0]) < fixed else CLEAN
        return Tried(published.version, word, "seen")

    return run


def search(known: Sequence[Tried], *versions: str, fixed: int = 5, tried_max: int = 50) -> AffectedRange:
    return find_range(PYPI, releases(*versions), known, failing_below(fixed, []), tried_max=tried_max)


def test_a_change_is_found_and_every_try_is_told_in_order() -> None:
    known = [Tried("3", FAILS, "known")]

    found = search(known, "1", "2", "3", "4", "5", "6", tried_max=50)

    assert found == AffectedRange(
        type="ECOSYSTEM",
        events=(Event(Bound.INTRODUCED, "0"), Event(Bound.FIXED, "5")),
        releases=("1", "2", "3", "4", "5", "6"),
        tried=tuple(
            Tried(each, FAILS if int(each) < 5 else CLEAN, "known" if each == "3" else "seen") for each in "123456"
        ),
        undecided=(),
    )


@pytest.mark.parametrize(("tried_max", "count"), [(1, 1), (2, 2), (3, 3), (6, 6), (7, 6)])
def test_no_more_releases_are_run_than_allowed_and_the_known_ones_count(tried_max: int, count: int) -> None:
    found = search([Tried("3", FAILS, "")], "1", "2", "3", "4", "5", "6", tried_max=tried_max)

    assert len(found.tried) == count


def test_what_was_not_tried_between_different_ones_is_named() -> None:
    found = search([Tried("3", FAILS, ""), Tried("6", CLEAN, "")], "3", "4", "5", "6", tried_max=2)

    assert (found.events, found.undecided) == ((Event(Bound.INTRODUCED, "0"), Event(Bound.FIXED, "6")), ("4", "5"))


def test_npm_ranges_say_that_they_are_semantic_versions() -> None:
    found = find_range(NPM, releases("1.0.0"), [Tried("1.0.0", FAILS, "")], failing_below(5, []), tried_max=2)

    assert found.type == "SEMVER"


def test_pre_releases_are_left_out_but_for_one_that_was_run() -> None:
    published = [Published("1"), Published("2rc1", is_prerelease=True), Published("2rc2", is_prerelease=True)]

    found = find_range(PYPI, published, [Tried("2.0rc2", FAILS, "")], failing_below(5, []), tried_max=9)

    assert found.releases == ("1", "2rc2")
    assert [each.release for each in found.tried] == ["1", "2.0rc2"]


@pytest.mark.parametrize(
    ("version", "line"), [("1.5", ("1", "1.5", "2")), ("0.5", ("0.5", "1", "2")), ("3", ("1", "2", "3"))]
)
def test_a_release_that_is_no_longer_listed_keeps_its_place(version: str, line: tuple[str, ...]) -> None:
    found = search([Tried(version, FAILS, "")], "1", "2", tried_max=1)

    assert found.releases == line


def test_the_newest_release_is_the_last_that_is_meant_for_everybody() -> None:
    ran: list[str] = []
    published = [
        *releases("1", "2"),
        Published("3", is_yanked=True),
        Published("4", has_source=False, is_prerelease=True),
    ]

    newest = look_at_newest(PYPI, published, [Tried("1", FAILS, "")], failing_below(5, ran))

    assert (newest, ran) == (NewestRelease(Tried("2", FAILS, "seen"), ""), ["2"])


def test_a_newest_release_that_was_run_is_not_run_again() -> None:
    ran: list[str] = []
    known = [Tried("1", FAILS, ""), Tried("2.0", CLEAN, "known")]

    assert look_at_newest(PYPI, releases("1", "2"), known, failing_below(5, ran)) == NewestRelease(known[1], "")
    assert ran == []


def test_without_a_release_for_everybody_there_is_no_newest() -> None:
    published = [Published("1", is_prerelease=True)]

    assert look_at_newest(PYPI, published, [], failing_below(5, [])) == NewestRelease(
        None, "no release is published that is no pre-release"
    )


def verdict(fixed: FixedWord, *, crash: Crash | None = None) -> Verdict:
    return Verdict(
        word=Word.REPRODUCED,
        reason="it fails",
        rate=None,
        crash=crash,
        fixed=FixedSide(fixed, "it is fixed", 5, 0),
        harness=Harness.FINDER,
        environment=Digest("sha256:environment"),
        releases=(("pkg:pypi/brittle@1.0", "sha256:a"), ("pkg:pypi/brittle@1.1", "sha256:b")),
        evidence=(Digest("sha256:c"),),
    )


@pytest.mark.parametrize(
    ("fixed", "word"),
    [
        (FixedWord.CLEAN, CLEAN),
        (FixedWord.STILL_FAILS, FAILS),
        (FixedWord.FAILS_OTHERWISE, ReleaseWord.FAILS_OTHERWISE),
        (FixedWord.NOT_CHECKED, None),
    ],
)
def test_a_verdict_has_shown_its_own_releases(fixed: FixedWord, word: ReleaseWord | None) -> None:
    evidence = (Digest("sha256:c"),)

    known = known_sides(verdict(fixed))

    assert known[0] == Tried("1.0", FAILS, "it fails", evidence)
    assert known[1:] == (() if word is None else (Tried("1.1", word, "it is fixed", evidence),))


def test_the_same_reproducer_is_run_on_another_release_without_a_control() -> None:
    given = Trial(fixed="1.1", control="harmless").reproducer()

    other = of_release(given, PYPI.with_version("1.2"))

    before, after = json.loads(given.recipe), json.loads(other.recipe)
    del before["control"]
    assert after == {**before, "subject": {"vulnerable": "pkg:pypi/brittle@1.2"}}
    assert (other.files, other.input) == (given.files, given.input)


def trying(place: Path, crash: Crash, stopping: threading.Event) -> Trying:
    shop = Workshop(place / "cache", place / "evidence", None, "nobody")
    return Trying(Trial().reproducer(), crash, Shelf(place), shop, lambda *_: None, stopping)  # type: ignore[arg-type]


NO_CRASH = Crash("SEGV", "", (), Digest("sha256:x"))


def test_what_cannot_be_had_is_not_known_and_says_why(tmp_path: Path) -> None:
    on = trying(tmp_path, NO_CRASH, threading.Event()).on

    assert on(Published("1.0", has_source=False)) == Tried("1.0", ReleaseWord.UNKNOWN, "it has no source archive")
    assert on(Published("7.0")) == Tried(
        "7.0", ReleaseWord.UNKNOWN, str(Missing("the package index has no such release", where="pkg:pypi/brittle@7.0"))
    )


def test_asked_to_stop_nothing_is_said_of_a_release(tmp_path: Path) -> None:
    stopping = threading.Event()
    stopping.set()

    with pytest.raises(Unavailable):
        trying(tmp_path, NO_CRASH, stopping).on(Published("1.1"))


class _Closed(Shelf):
    def published(self, purl: Purl) -> tuple[Published, ...]:
        raise Unavailable("the package index did not answer", where=str(purl))


class _Broken(Shelf):
    def published(self, purl: Purl) -> tuple[Published, ...]:
        return (Published("0.9"), Published("1.0"), Published("1.1"))

    def release(self, purl: Purl, *, wheel: bool = False) -> Release | None:
        raise Unavailable("the package index gave no archive", where=str(purl))


class _Unlisted(Shelf):
    def published(self, purl: Purl) -> tuple[Published, ...]:
        raise Missing("no index lists this package", where=str(purl))


def looked_over(shelf: Shelf, place: Path, tried_max: int) -> Survey:
    shop = Workshop(place / "cache", place / "evidence", None, "nobody")
    return survey(Trial().reproducer(), verdict(FixedWord.CLEAN, crash=NO_CRASH), shelf, shop, tried_max=tried_max)  # type: ignore[arg-type]


def test_where_releases_are_not_listed_it_is_said_and_the_verdict_stands(tmp_path: Path) -> None:
    found = looked_over(_Unlisted(tmp_path), tmp_path, 9)

    why = str(Missing("no index lists this package", where="pkg:pypi/brittle@1.0"))
    assert found == Survey(NewestRelease(None, why), None, why)
    assert survey_as_json(found) == {
        "newest": {"release": None, "verdict": "not_checked", "reason": why, "evidence": []},
        "range": {"events": [], "tried": [], "reason": why},
    }
    assert looked_over(_Unlisted(tmp_path), tmp_path, 0) == Survey(NewestRelease(None, why), None, "")


def test_an_index_that_is_down_says_nothing_of_any_release(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="did not answer"):
        looked_over(_Closed(tmp_path), tmp_path, 9)
    with pytest.raises(Unavailable, match="gave no archive"):
        looked_over(_Broken(tmp_path), tmp_path, 9)


@pytest.mark.parametrize(("tried_max", "reason"), [(9, "the flaw did not show in the vulnerable release"), (0, "")])
def test_without_a_flaw_no_release_is_run(tmp_path: Path, tried_max: int, reason: str) -> None:
    shop = Workshop(tmp_path / "cache", tmp_path / "evidence", None, "nobody")
    given = Trial().reproducer()

    found = survey(given, verdict(FixedWord.NOT_CHECKED), _Closed(tmp_path), shop, tried_max=tried_max)  # type: ignore[arg-type]

    assert found == Survey(NewestRelease(None, "the flaw did not show in the vulnerable release"), None, reason)


@pytest.mark.sandbox
def test_a_flaw_that_came_back_is_found_over_real_releases(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shop = Workshop(tmp_path / "cache", tmp_path / "evidence", None, "nobody")
    given = Trial(fixed="1.1").reproducer()

    found = survey(given, prove(given, shelf, shop), shelf, shop, tried_max=RELEASES_TRIED)  # type: ignore[arg-type]

    told = survey_as_json(found)
    assert told["newest"]["release"] == "1.3"  # type: ignore[index]
    assert told["newest"]["verdict"] == "clean"  # type: ignore[index]
    ranged = told["range"]
    assert isinstance(ranged, dict)
    assert ranged["type"] == "ECOSYSTEM"
    assert ranged["events"] == [{"introduced": "0"}, {"fixed": "1.1"}, {"introduced": "1.2"}, {"fixed": "1.3"}]
    words = [(each["release"], each["word"]) for each in ranged["tried"]]
    assert words == [("1.0", "fails"), ("1.1", "clean"), ("1.2", "fails"), ("1.3", "clean")]
    assert all(each["evidence"] for each in ranged["tried"])
    assert ranged["undecided"] == []
