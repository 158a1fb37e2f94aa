from __future__ import annotations

import os
from pathlib import Path

import pytest

from leadtime.foundation.errors import Refused
from leadtime.foundation.home import make_home
from leadtime.foundation.settings import read_settings

ROOT = Path(__file__).parents[2]


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_home_is_made_for_this_user_alone(tmp_path: Path) -> None:
    make_home(tmp_path / "a" / "home")
    assert mode(tmp_path / "a" / "home") == 0o700


@pytest.mark.parametrize("inside", [(), ("releases",), ("keys", "notes")])
def test_a_home_that_was_there_is_closed_to_others(tmp_path: Path, inside: tuple[str, ...]) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o755)
    for name in inside:
        (home / name).mkdir()
    make_home(home)
    assert mode(home) == 0o700


def test_a_directory_of_other_things_is_not_closed_but_refused(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    tmp_path.chmod(0o755)
    with pytest.raises(Refused) as refusal:
        make_home(tmp_path)
    assert str(refusal.value) == (
        f"{tmp_path}: others may enter this directory, and it holds things that are not Leadtime's. "
        "Set LEADTIME_HOME to a directory of its own."
    )
    assert mode(tmp_path) == 0o755
    tmp_path.chmod(0o500)
    make_home(tmp_path)
    assert mode(tmp_path) == 0o500


def test_a_directory_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(Refused, match="belongs to another user"):
        make_home(tmp_path)


def test_without_a_setting_the_home_is_in_the_checkout_wherever_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_settings({}).home == ROOT / "var"
    assert read_settings({"LEADTIME_HOME": "here"}).home == tmp_path / "here"
