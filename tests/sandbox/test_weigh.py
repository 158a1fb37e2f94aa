from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from leadtime.sandbox.weigh import Weight, children_of, disk_below, memory_of, processes_below, unlinked_bytes

ME = os.getpid()
NOBODY = 1 << 30


def test_grandchildren_belong_to_the_tree() -> None:
    with subprocess.Popen(["/bin/sh", "-c", "sleep 30 & echo; wait"], stdout=subprocess.PIPE) as shell:
        assert shell.stdout is not None
        shell.stdout.readline()
        (sleep,) = children_of(shell.pid)
        assert processes_below(shell.pid) == (sleep,)
        assert {shell.pid, sleep} <= set(processes_below(ME))
        os.kill(sleep, 9)


def test_a_process_that_is_gone_weighs_nothing() -> None:
    assert processes_below(NOBODY) == ()
    assert memory_of([NOBODY], limit_bytes=0) == 0
    assert unlinked_bytes([NOBODY]) == 0


def test_memory_kept_open_without_a_mapping_counts() -> None:
    before = memory_of([ME], limit_bytes=1 << 60)
    descriptor = os.memfd_create("hidden")
    try:
        os.write(descriptor, bytes(32 << 20))
        assert memory_of([ME], limit_bytes=1 << 60) - before >= 32 << 20
        assert memory_of([ME], limit_bytes=0) >= 32 << 20
    finally:
        os.close(descriptor)


def test_only_files_without_a_name_count_as_unlinked(tmp_path: Path) -> None:
    before = unlinked_bytes([ME])
    with (tmp_path / "file").open("wb") as stream:
        stream.write(bytes(1 << 20))
        stream.flush()
        assert unlinked_bytes([ME]) == before
        (tmp_path / "file").unlink()
        again = os.dup(stream.fileno())
        assert unlinked_bytes([ME]) - before == 1 << 20, "and once, however often it is open"
        os.close(again)


def test_a_tree_weighs_its_files_and_directories_and_no_link_target(tmp_path: Path) -> None:
    (tmp_path / "tree/inner").mkdir(parents=True)
    (tmp_path / "tree/inner/file").write_bytes(bytes(1 << 16))
    (tmp_path / "elsewhere").write_bytes(bytes(1 << 20))
    (tmp_path / "tree/link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "tree/around").symlink_to(tmp_path)
    weight = disk_below([tmp_path / "tree"], files_max=10)
    assert weight.files == 4
    assert 1 << 16 <= weight.held_bytes < 1 << 20


def test_counting_stops_above_the_limit(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / str(number)).touch()
    assert disk_below([tmp_path], files_max=5) == Weight(0, 5)
    assert disk_below([tmp_path], files_max=4).files == 5
    assert disk_below([tmp_path], files_max=2).files == 3


def test_a_tree_that_is_gone_weighs_nothing(tmp_path: Path) -> None:
    assert disk_below([tmp_path / "gone"], files_max=5) == Weight(0, 0)


def test_a_tree_may_be_deep_but_not_too_deep_to_count(tmp_path: Path) -> None:
    deepest = tmp_path.joinpath(*["d"] * 200)
    deepest.mkdir(parents=True)
    assert disk_below([tmp_path], files_max=1000).files == 200
    (deepest / "d").mkdir()
    assert disk_below([tmp_path], files_max=1000).files == 1001


def test_this_interpreter_is_heavier_than_nothing() -> None:
    assert 1 << 20 < memory_of([ME], limit_bytes=0) < 1 << 33, sys.version
