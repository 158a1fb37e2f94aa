from __future__ import annotations

import os
import stat
from pathlib import Path

from leadtime.sandbox import discard


def test_a_tree_is_removed_and_its_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").touch()
    tree = tmp_path / "tree"
    (tree / "a/b/c").mkdir(parents=True)
    (tree / "a/b/link").symlink_to(tmp_path / "kept")
    (tree / "a/file").touch()
    (tree / ".0").touch()
    os.mkfifo(tree / "a/pipe")
    discard(tree)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "kept"]


def test_a_link_is_removed_alone(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    discard(tmp_path / "link")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_what_is_not_there_needs_no_removal(tmp_path: Path) -> None:
    discard(tmp_path / "nothing")
    assert list(tmp_path.iterdir()) == []


def test_modes_do_not_protect_a_tree(tmp_path: Path) -> None:
    (tmp_path / "tree/closed/inner").mkdir(parents=True)
    (tmp_path / "tree/closed/inner").chmod(0)
    (tmp_path / "tree/closed").chmod(0)
    discard(tmp_path / "tree")
    assert list(tmp_path.iterdir()) == []


def test_depth_does_not_protect_a_tree(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    directory = os.open(tree, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d" * 20, dir_fd=directory)
        deeper = os.open("d" * 20, os.O_RDONLY, dir_fd=directory)
        os.close(directory)
        directory = deeper
    os.close(directory)
    discard(tree)
    assert not tree.exists()


def test_a_files_parent_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    (tmp_path / "tree").mkdir()
    discard(tmp_path / "tree")
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o750
