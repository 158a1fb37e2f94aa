from __future__ import annotations

import os
from pathlib import Path

import pytest

from leadtime.foundation.errors import Unavailable
from leadtime.sandbox import people
from leadtime.sandbox.people import Person, can_traverse_to, give, unprivileged_person

NOBODY = Person(uid=65534, gid=65534, switched=True)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")


def test_an_ordinary_user_stays_who_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people.os, "geteuid", lambda: 1234)
    monkeypatch.setattr(people.os, "getegid", lambda: 4321)
    assert unprivileged_person("no such user") == Person(uid=1234, gid=4321, switched=False)


@pytest.mark.parametrize(("user", "reason"), [("root", "never run as root"), ("no-such-user", "does not exist")])
def test_root_needs_somebody_else(monkeypatch: pytest.MonkeyPatch, user: str, reason: str) -> None:
    monkeypatch.setattr(people.os, "geteuid", lambda: 0)
    with pytest.raises(Unavailable, match=reason):
        unprivileged_person(user)


def test_root_becomes_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people.os, "geteuid", lambda: 0)
    assert unprivileged_person("nobody") == NOBODY


@pytest.mark.parametrize(("mode", "reached"), [(0o700, False), (0o710, False), (0o701, True), (0o755, True)])
def test_a_stranger_needs_the_others_bit(tmp_path: Path, mode: int, reached: bool) -> None:  # noqa: FBT001
    stranger = Person(uid=os.geteuid() + 77777, gid=os.getegid() + 77777, switched=True)
    places = [parent for parent in tmp_path.parents if not parent.stat().st_mode & 0o001]
    (tmp_path / "a").mkdir(mode=mode)
    (tmp_path / "a").chmod(mode)
    assert can_traverse_to(stranger, tmp_path / "a/file") is (reached and not places)


@pytest.mark.parametrize(("mode", "reached"), [(0o100, True), (0o077, False)])
def test_the_owner_needs_the_owners_bit(tmp_path: Path, mode: int, reached: bool) -> None:  # noqa: FBT001
    owner = Person(uid=os.geteuid(), gid=os.getegid(), switched=False)
    (tmp_path / "a").mkdir()
    (tmp_path / "a").chmod(mode)
    assert can_traverse_to(owner, tmp_path / "a/file") is reached
    (tmp_path / "a").chmod(0o700)


@as_root
def test_a_whole_tree_is_given_and_what_its_links_point_to_is_not(tmp_path: Path) -> None:
    (tmp_path / "tree/inner").mkdir(parents=True)
    (tmp_path / "tree/inner/file").touch()
    (tmp_path / "kept").touch()
    (tmp_path / "tree/link").symlink_to(tmp_path / "kept")
    (tmp_path / "tree/around").symlink_to(tmp_path)
    give(tmp_path / "tree", NOBODY)
    given = [tmp_path / "tree", *(tmp_path / "tree").rglob("*")]
    assert {path.lstat().st_uid for path in given} == {NOBODY.uid}
    assert [(tmp_path / "kept").stat().st_uid, tmp_path.stat().st_uid] == [0, 0]


@as_root
def test_a_single_file_is_given(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    give(tmp_path / "file", NOBODY)
    assert (tmp_path / "file").stat().st_gid == NOBODY.gid
