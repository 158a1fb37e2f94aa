"""What a validation leaves on disk: sealed, bounded in size and age, and nothing of one that was killed."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from leadtime.flow.validation.bench import BENCHES, _held, open_bench, sweep_benches
from leadtime.flow.validation.evidence import Evidence, read_evidence
from leadtime.flow.validation.recipe import parse_recipe
from leadtime.flow.validation.trial import builds, sides
from leadtime.flow.validation.trial.builds import SealedBuilds
from leadtime.foundation.clock import FixedClock
from leadtime.foundation.digests import digest_of
from leadtime.foundation.errors import Malformed, Missing, Unavailable
from tests.flow.validation.brittle import Trial

KEY, OTHER = b"k" * 32, b"o" * 32
NOW = 1_800_000_000.0
SECRET = b"CANARY-71c2"


@pytest.fixture
def shelf(tmp_path: Path) -> SealedBuilds:
    return SealedBuilds(tmp_path / "builds", clock=FixedClock(datetime.fromtimestamp(NOW, UTC)))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    place = tmp_path / "tree"
    (place / "src" / "deep").mkdir(parents=True)
    (place / "src" / "deep" / "file").write_bytes(SECRET * 1000)
    (place / "src" / "program").write_bytes(b"\x7fELF")
    (place / "src" / "program").chmod(0o755)
    (place / "src" / "link").symlink_to("/etc/passwd")
    return place


def empty(tmp_path: Path, name: str = "again") -> Path:
    place = tmp_path / name
    place.mkdir()
    return place


def test_a_kept_tree_comes_back_as_it_was_and_lies_sealed(shelf: SealedBuilds, tree: Path, tmp_path: Path) -> None:
    shelf.keep("one", KEY, tree)
    again = empty(tmp_path)

    assert shelf.take("one", KEY, again)
    assert (again / "src" / "deep" / "file").read_bytes() == SECRET * 1000
    assert stat.S_IMODE((again / "src" / "program").stat().st_mode) == 0o755
    assert (again / "src" / "link").readlink() == Path("/etc/passwd")
    assert [path.name for path in shelf.shelf.iterdir()] == ["one"]
    assert SECRET not in (shelf.shelf / "one").read_bytes()
    assert stat.S_IMODE(shelf.shelf.stat().st_mode) == 0o700


def test_a_tree_of_many_frames_is_whole_or_not_there(
    shelf: SealedBuilds, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builds, "FRAME_BYTES", 1024)
    shelf.keep("one", KEY, tree)
    kept = (shelf.shelf / "one").read_bytes()
    frame = 1024 + builds.SEALED_MORE_BYTES + builds.LENGTH_BYTES
    damaged = {
        "cut": kept[: 3 * frame],
        "moved": kept[frame : 2 * frame] + kept[:frame] + kept[2 * frame :],
        "changed": kept[:-1] + bytes([kept[-1] ^ 1]),
        "empty": b"",
        "endless": b"\xff" * 64,
    }

    assert shelf.take("one", KEY, empty(tmp_path))
    for name, content in damaged.items():
        (shelf.shelf / name).write_bytes(content)
        assert not shelf.take(name, KEY, empty(tmp_path, name)), name


def test_a_tree_opens_under_no_other_key_and_one_that_is_not_there_is_none(
    shelf: SealedBuilds, tree: Path, tmp_path: Path
) -> None:
    shelf.keep("one", KEY, tree)

    assert not shelf.take("one", OTHER, empty(tmp_path))
    assert not shelf.take("two", KEY, empty(tmp_path, "more"))


def test_a_tree_above_the_bound_or_that_is_not_there_is_not_kept(
    shelf: SealedBuilds, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.keep("gone", KEY, tmp_path / "nothing")
    monkeypatch.setattr(builds, "FRAME_BYTES", 1024)
    monkeypatch.setattr(builds, "FRAMES_MAX", 2)
    shelf.keep("large", KEY, tree)

    assert list(shelf.shelf.iterdir()) == []


def aged(shelf: SealedBuilds, name: str, seconds: float, size: int = 10) -> None:
    shelf.shelf.mkdir(exist_ok=True)
    (shelf.shelf / name).write_bytes(b"x" * size)
    os.utime(shelf.shelf / name, (NOW - seconds, NOW - seconds))


def names(shelf: SealedBuilds) -> list[str]:
    return sorted(path.name for path in shelf.shelf.iterdir())


def test_the_least_recently_used_give_way_to_size(shelf: SealedBuilds) -> None:
    for number in range(5):
        aged(shelf, f"{number}", seconds=number)

    replace(shelf, bytes_max=30).evict()

    assert names(shelf) == ["0", "1", "2"]


def test_using_a_tree_keeps_it(shelf: SealedBuilds, tree: Path, tmp_path: Path) -> None:
    shelf.keep("used", KEY, tree)
    os.utime(shelf.shelf / "used", (NOW - 100, NOW - 100))
    aged(shelf, "other", seconds=50)

    shelf.take("used", KEY, empty(tmp_path))
    replace(shelf, bytes_max=(shelf.shelf / "used").stat().st_size).evict()

    assert names(shelf) == ["used"]


def test_what_is_too_old_goes(shelf: SealedBuilds) -> None:
    aged(shelf, "old", seconds=101)
    aged(shelf, "young", seconds=100)

    replace(shelf, age_seconds_max=100).evict()

    assert names(shelf) == ["young"]


def test_what_is_being_written_is_left_alone_until_nobody_can_be_writing_it(shelf: SealedBuilds) -> None:
    aged(shelf, f"{builds.UNFINISHED}a", seconds=builds.PACK_SECONDS_MAX - 1)
    aged(shelf, f"{builds.UNFINISHED}b", seconds=builds.PACK_SECONDS_MAX)

    replace(shelf, bytes_max=0).evict()

    assert names(shelf) == [f"{builds.UNFINISHED}a"]


def test_a_bench_is_private_and_gone_afterwards(tmp_path: Path) -> None:
    with open_bench(tmp_path) as bench:
        (bench / "input").write_bytes(SECRET)
        assert stat.S_IMODE(bench.stat().st_mode) == stat.S_IMODE(bench.parent.stat().st_mode) == 0o700
    assert list((tmp_path / BENCHES).iterdir()) == []


def test_what_a_killed_validation_left_is_removed_and_one_that_goes_on_is_not(tmp_path: Path) -> None:
    left, mine, fresh = (tmp_path / BENCHES / name for name in ("left", "mine", "fresh"))
    for place in (left, mine, fresh):
        place.mkdir(parents=True)
    for place in (left, mine):
        (place / "input").write_bytes(SECRET)
    with _held(mine):
        sweep_benches(tmp_path)
        assert (left.exists(), mine.exists(), fresh.exists()) == (False, True, True)
    sweep_benches(tmp_path / "nowhere")


def test_evidence_opens_to_who_knows_its_digest(tmp_path: Path) -> None:
    kept = Evidence(tmp_path / "evidence")

    digest = kept.keep(SECRET)

    (path,) = (path for path in kept.place.rglob("*") if path.is_file())
    assert digest == digest_of(SECRET)
    assert read_evidence(kept.place, digest) == SECRET
    assert SECRET not in path.read_bytes()
    assert path.name[:8] not in digest
    assert stat.S_IMODE(kept.place.stat().st_mode) == 0o700


def test_evidence_that_is_not_there_or_was_changed_is_told(tmp_path: Path) -> None:
    kept = Evidence(tmp_path / "evidence")
    digest = kept.keep(SECRET)
    (path,) = (path for path in kept.place.rglob("*") if path.is_file())
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(Malformed, match="sealed content does not open"):
        read_evidence(kept.place, digest)
    with pytest.raises(Missing, match="there is no such evidence here"):
        read_evidence(kept.place, digest_of(b"other"))


def test_evidence_is_in_clear_where_somebody_asked_for_a_folder(tmp_path: Path) -> None:
    digest = Evidence(tmp_path, in_clear=True).keep(SECRET)

    assert (tmp_path / digest[7:9] / digest[9:]).read_bytes() == SECRET


@pytest.mark.parametrize(("machine_mib", "memory_mib"), [(4000, 1024), (1366, 1024), (1364, 1023), (100, 75), (1, 1)])
def test_no_recipe_gets_more_memory_than_its_machine_can_give(machine_mib: int, memory_mib: int) -> None:
    recipe = parse_recipe(Trial().reproducer().recipe)

    assert sides.within_machine(recipe, machine_mib).limits == replace(recipe.limits, memory_mib=memory_mib)


def test_nothing_is_begun_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sides, "FREE_BYTES_MIN", 1 << 62)

    with pytest.raises(Unavailable, match="GiB of disk are free"):
        sides._refuse_full(tmp_path / "cache")
