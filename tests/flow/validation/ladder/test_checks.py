"""Compiled files are counted by the sanitizers they call; what else lies in a hostile tree is passed over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from leadtime.flow.validation.ladder import checks
from leadtime.flow.validation.ladder.checks import checks_in

OBJECT = b"\x7fELF......\0__asan_report_load4\0__asan_report_load4\0__ubsan_handle_add_overflow\0"


def test_each_compiled_file_counts_once_for_each_sanitizer(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "x.o").write_bytes(OBJECT)
    (tmp_path / "y.o").write_bytes(b"\x7fELF\0__asan_store8_noabort\0__asan_init\0")
    (tmp_path / "plain.o").write_bytes(b"\x7fELF\0__asan_init\0main\0")
    (tmp_path / "text.txt").write_bytes(OBJECT[1:])
    (tmp_path / "short").write_bytes(b"\x7fE")

    assert checks_in(tmp_path) == {"asan": 2, "ubsan": 1}


def test_nothing_but_files_is_read_and_no_link_is_followed(tmp_path: Path) -> None:
    outside, tree = tmp_path / "outside", tmp_path / "tree"
    outside.mkdir()
    tree.mkdir()
    (outside / "x.o").write_bytes(OBJECT)
    (tree / "file").symlink_to(outside / "x.o")
    (tree / "folder").symlink_to(outside)
    os.mkfifo(tree / "pipe")

    assert checks_in(tree) == {}


@pytest.mark.parametrize(("name", "value"), [("OBJECT_BYTES_MAX", len(OBJECT)), ("OBJECTS_BYTES_MAX", len(OBJECT))])
def test_what_is_larger_than_the_bounds_is_not_read(
    name: str, value: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.o").write_bytes(OBJECT)
    monkeypatch.setattr(checks, name, value)
    assert checks_in(tmp_path) == {"asan": 1, "ubsan": 1}

    monkeypatch.setattr(checks, name, value - 1)
    assert checks_in(tmp_path) == {}


def test_no_more_files_are_looked_at_than_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abc":
        (tmp_path / name).write_bytes(OBJECT)
    monkeypatch.setattr(checks, "FILES_MAX", 2)

    assert checks_in(tmp_path) == {"asan": 2, "ubsan": 2}
