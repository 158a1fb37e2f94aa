from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.table import Table

from leadtime.doors.cli import demo
from leadtime.doors.cli.main import run
from leadtime.foundation.settings import read_settings


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home in which a story was played."""
    monkeypatch.setenv("LEADTIME_HOME", str(tmp_path))
    (tmp_path / "story.json").write_text("{}")
    (tmp_path / "keys").mkdir()
    tmp_path.chmod(0o755)
    table = Table("operator", "by")
    table.add_row("Example Hospital", "2026-08-17")
    demo.keep_table(read_settings({"LEADTIME_HOME": str(tmp_path)}), table)
    return tmp_path


def test_a_story_that_was_played_is_told_again_and_not_played(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--once"]) == 0
    told = capsys.readouterr().out
    for part in ("A story was played in", "Example Hospital", "2026-08-17", "To play it anew set LEADTIME_HOME"):
        assert part in told
    assert home.stat().st_mode & 0o777 == 0o700
    assert (home / "story.txt").stat().st_mode & 0o777 == 0o600


def test_without_once_the_story_that_is_there_is_served(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    served = []

    class Site:
        def wait(self) -> None:
            served.append("waited")

    @contextmanager
    def serving(settings, console):
        served.append(settings.home)
        yield Site()

    monkeypatch.setattr(demo, "serving", serving)
    assert run(["demo"]) == 0
    assert served == [home, "waited"]
    assert "The site is up at http://127.0.0.1:8420; Ctrl-C ends it." in capsys.readouterr().out
