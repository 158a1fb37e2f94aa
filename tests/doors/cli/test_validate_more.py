"""What ``leadtime validate`` is asked for besides its verdict, and what it then does, with nothing really run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from leadtime.doors.cli import validate
from leadtime.flow.validation import AffectedRange, Minimised, NewestRelease, ReleaseWord, Survey, Tried, Verdict
from leadtime.flow.validation.records import Crash, FixedSide, FixedWord, Frame, Harness, Origin, Rate, Word
from leadtime.foundation.digests import digest_of
from leadtime.packages.folder import ReleaseFolder

VERDICT = Verdict(
    word=Word.REPRODUCED,
    reason="it fails",
    rate=None,
    crash=None,
    fixed=FixedSide(FixedWord.NOT_CHECKED, "", 0, 0),
    harness=Harness.FINDER,
    environment=digest_of(b"e"),
    releases=(),
    evidence=(),
)
TRIED = Tried("2", ReleaseWord.CLEAN, "nothing was seen")


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run the command on a small recipe; return its output, and what was asked of the stages."""
    asked: list[object] = []

    def survey(_reproducer, _verdict, fetcher, _workshop, *, tried_max, progress):
        asked.append(("survey", type(fetcher), tried_max))
        ranged = AffectedRange("ECOSYSTEM", (), ("2",), (TRIED,), ()) if tried_max else None
        return Survey(NewestRelease(TRIED, ""), ranged, "")

    def minimise(reproducer, verdict, *_, **__):
        return Minimised(b"!", len(reproducer.input.content), replace(verdict, reason="it fails, smaller"))

    def pack(into, reproducer, _task, verdict):
        asked.append(("bundle", into.name, reproducer.input.content, verdict.reason))

    for name, fake in (("survey", survey), ("minimise", minimise), ("pack_bundle", pack)):
        monkeypatch.setattr(validate, name, fake)
    monkeypatch.setattr(validate, "prove", lambda *_, **__: VERDICT)
    monkeypatch.setattr(validate, "task_for", lambda *_: None)
    monkeypatch.setenv("LEADTIME_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "http://127.0.0.1:1")
    recipe = {"schema": "leadtime.recipe/1", "subject": {"vulnerable": "pkg:pypi/x@1"}, "run": "x", "oracle": "hang"}
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    (tmp_path / "input").write_bytes(b"!overflow")
    (tmp_path / "held.json").write_text("[]")

    def run(*options: str) -> tuple[str, list[object]]:
        given = ["--recipe", str(tmp_path / "recipe.json"), "--input", str(tmp_path / "input"), *options]
        done = CliRunner().invoke(validate.command, given, standalone_mode=False, catch_exceptions=False)
        assert done.return_value == 0
        return done.stdout, asked

    return run


def a_crash(above: int, below: int) -> Crash:
    other = tuple(Frame(f"other{n}", "", None, Origin.SANITIZER) for n in range(above))
    own = tuple(Frame(f"own{n}", "lib/a.c", n, Origin.SUBJECT) for n in range(below))
    return Crash("SEGV", "READ 1", other + own, digest_of(b"s"))


def test_how_often_it_shows_and_where_is_said_in_words(told, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = replace(VERDICT, rate=Rate(5, 5, 0.57, 1.0), crash=a_crash(2, 13))
    monkeypatch.setattr(validate, "prove", lambda *_, **__: shown)
    assert told()[0].splitlines() == [
        "reproduced: it fails",
        "  in 5 of 5 runs; of many more, 57 to 100 % would show it (95 % confidence)",
        "  SEGV READ 1",
        "    (2 frames of other code above)",
        *(f"    own{n} lib/a.c:{n}" for n in range(12)),
        "    … and 1 more",
    ]
    monkeypatch.setattr(validate, "prove", lambda *_, **__: replace(shown, crash=a_crash(0, 12)))
    assert told()[0].splitlines()[3:] == [f"    own{n} lib/a.c:{n}" for n in range(12)]
    monkeypatch.setattr(validate, "prove", lambda *_, **__: replace(shown, crash=a_crash(2, 0)))
    assert told()[0].splitlines()[3:] == ["    other0", "    other1"]
    unproven = validate._lines(replace(VERDICT, word=Word.HARNESS_FAULT, crash=a_crash(1, 1)))
    assert unproven[1:] == ["  SEGV READ 1", "    other0", "    own0 lib/a.c:0"]


@pytest.mark.parametrize(
    ("word", "lines"),
    [
        (Word.NOT_REPRODUCED, ["not reproduced: nothing was seen", "  in 0 of 5 runs"]),
        (Word.HARNESS_FAULT, ["harness fault: nothing was seen"]),
    ],
)
def test_runs_that_showed_nothing_are_counted_where_that_says_something(word: Word, lines: list[str]) -> None:
    assert validate._lines(replace(VERDICT, word=word, reason="nothing was seen", rate=Rate(0, 5, 0.0, 0.43))) == lines


def test_nothing_more_is_run_unless_it_is_asked_for(told) -> None:
    output, asked = told("--json")

    assert asked == []
    assert not {"newest", "range", "minimised"} & set(json.loads(output))


@pytest.mark.parametrize(
    ("options", "tried_max"), [(["--newest"], 0), (["--range"], 12), (["--range", "--releases-max", "3"], 3)]
)
def test_releases_are_run_as_many_as_are_asked_for(told, options: list[str], tried_max: int) -> None:
    output, asked = told(*options, "--json")

    document = json.loads(output)
    assert [each[2] for each in asked] == [tried_max]
    assert document["newest"] == {"release": "2", "verdict": "clean", "reason": "nothing was seen", "evidence": []}
    assert ("range" in document) is (tried_max > 0)
    assert "newest release 2: clean: nothing was seen" in told(*options)[0]


def test_a_smaller_input_is_written_told_and_packed(told, tmp_path: Path) -> None:
    output, asked = told("--minimise", str(tmp_path / "small"), "--bundle", str(tmp_path / "b.tar"), "--json")

    assert (tmp_path / "small").read_bytes() == b"!"
    document = json.loads(output)
    assert document["reason"] == "it fails, smaller"
    assert document["minimised"] == {
        "bytes": 1,
        "bytes_before": 9,
        "digest": digest_of(b"!"),
        "verdict": "reproduced",
    }
    assert asked == [("bundle", "b.tar", b"!", "it fails, smaller")]
    assert "smaller input: 1 of 9 bytes" in told("--minimise", str(tmp_path / "small"))[0]


def test_releases_may_come_from_a_folder(told, tmp_path: Path) -> None:
    _, asked = told("--newest", "--releases", str(tmp_path))

    assert asked == [("survey", ReleaseFolder, 0)]
