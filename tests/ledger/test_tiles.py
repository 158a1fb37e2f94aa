from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.foundation.errors import Malformed, Missing, Unavailable
from leadtime.ledger.disk import FileDisk
from leadtime.ledger.growth import Edge, grow, read_edge
from leadtime.ledger.sequence import write_growth
from leadtime.ledger.tiles import (
    BUNDLE_BYTES_MAX,
    Tile,
    TileTree,
    decode_bundle,
    encode_bundle,
    parse_path,
    read_tile,
    tiles_at,
)
from leadtime.ledger.tree import includes, leaf_hash, prove_inclusion, root_at, root_of
from tests.ledger.places import MemoryDisk

PATHS = {
    "tile/0/000": Tile(0, 0),
    "tile/63/x001/x234/067": Tile(63, 1234067),
    "tile/entries/x001/x234/067.p/7": Tile(None, 1234067, 7),
    "tile/1/999.p/255": Tile(1, 999, 255),
    "tile/1/x001/000.p/1": Tile(1, 1000, 1),
}


@pytest.mark.parametrize(("path", "tile"), PATHS.items())
def test_paths_are_those_of_the_standard(path, tile):
    assert tile.path == path
    assert parse_path(path) == tile


@given(st.one_of(st.none(), st.integers(0, 63)), st.integers(0, 1 << 56), st.integers(1, 256))
def test_every_path_is_read_as_it_is_written(level, index, width):
    assert parse_path(Tile(level, index, width).path) == Tile(level, index, width)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "checkpoint",
        "tile/64/000",
        "tile/00/000",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/999",
        "tile/0/000.p/1/",
        "tile/8/0/000",
        "tile/0/../../secret",
        "tile/0/000\n",
        "/tile/0/000",
        "tile/-1/000",
    ],
)
def test_no_other_spelling_is_a_path(path):
    with pytest.raises(Malformed, match="this is not the path of a tile"):
        parse_path(path)


def test_the_tiles_of_seventy_thousand_leaves_are_those_of_the_standard():
    assert [tile.width for tile in tiles_at(0, 70_000)] == [256] * 273 + [112]
    assert list(tiles_at(1, 70_000)) == [Tile(1, 0), Tile(1, 1, 17)]
    assert list(tiles_at(2, 70_000)) == [Tile(2, 0, 1)]
    assert list(tiles_at(3, 70_000)) == []
    assert list(tiles_at(None, 70_000, first=273)) == [Tile(None, 273, 112)]
    assert list(tiles_at(0, 256)) == [Tile(0, 0)]
    assert list(tiles_at(1, 256)) == [Tile(1, 0, 1)]
    assert list(tiles_at(None, 256, first=1)) == []


@given(st.lists(st.binary(max_size=40), max_size=256))
def test_bundles_are_read_as_they_are_written(entries):
    assert decode_bundle(encode_bundle(entries), len(entries)) == entries


@given(st.binary(max_size=300), st.integers(0, 256))
def test_any_bytes_are_a_bundle_or_malformed(raw, width):
    try:
        entries = decode_bundle(raw, width)
    except Malformed:
        return
    assert encode_bundle(entries) == raw


def test_an_entry_may_have_65535_bytes_and_no_more():
    longest = b"x" * 65_535
    assert decode_bundle(encode_bundle([longest]), 1) == [longest]
    with pytest.raises(Malformed, match="a log entry is larger than 65535 bytes"):
        encode_bundle([longest + b"x"])
    with pytest.raises(Malformed, match="a bundle holds at most 256 entries"):
        encode_bundle([b""] * 257)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "an entry bundle is cut short"),
        (b"\x00", "an entry bundle is cut short"),
        (b"\x00\x02x", "an entry bundle is cut short"),
        (b"\x00\x01xy", "an entry bundle holds more than its entries"),
    ],
)
def test_a_cut_or_swollen_bundle_is_refused(raw, why):
    with pytest.raises(Malformed, match=why):
        decode_bundle(raw, 1)


@given(st.lists(st.integers(0, 300), max_size=6))
def test_growing_in_any_pieces_gives_the_tree_and_the_files_of_growing_at_once(pieces):
    entries = [str(number).encode() for number in range(sum(pieces))]
    disk, edge, at = MemoryDisk(), Edge(), 0
    for piece in pieces:
        edge = write_growth(disk, edge, entries[at : at + piece])
        at += piece
        assert edge.root == root_of(entries[:at])
        assert read_edge(disk, at) == edge
    whole = grow(Edge(), entries)
    assert whole.edge == edge
    for path, content in {**whole.bundles, **whole.tiles}.items():
        assert disk.files[path] == content
    tree = TileTree(disk, at)
    for size in {0, 1, at // 2, at} & set(range(at + 1)):
        assert root_at(tree, size) == root_of(entries[:size])
    for index in {0, at // 2, at - 1} & set(range(at)):
        proof = prove_inclusion(tree, index, at)
        assert includes(proof, leaf=leaf_hash(entries[index]), index=index, size=at, root=edge.root)


def test_a_tree_of_three_levels_of_tiles():
    entries = [number.to_bytes(4, "big") for number in range(65_536 + 257)]
    disk = MemoryDisk()
    edge = write_growth(disk, Edge(), entries)
    assert {"tile/2/000.p/1", "tile/1/000", "tile/1/001.p/1", "tile/0/x000/000"} & set(disk.files) == {
        "tile/2/000.p/1",
        "tile/1/000",
        "tile/1/001.p/1",
    }
    tree = TileTree(disk, edge.size)
    assert root_at(tree, edge.size) == edge.root == root_of(entries)
    for index in (0, 65_535, 65_536, edge.size - 1):
        proof = prove_inclusion(tree, index, edge.size)
        assert includes(proof, leaf=leaf_hash(entries[index]), index=index, size=edge.size, root=edge.root)


def test_a_tile_of_the_wrong_length_is_refused():
    disk = MemoryDisk()
    disk.files["tile/0/000.p/2"] = bytes(65)
    with pytest.raises(Malformed, match="a tile has not the length of its width"):
        read_tile(disk, Tile(0, 0, 2))
    disk.files["tile/0/000"] = bytes(8_160)
    with pytest.raises(Malformed, match="a tile has not the length of its width"):
        read_tile(disk, Tile(0, 0))


def test_what_is_missing_is_named_as_it_was_asked_for():
    with pytest.raises(Missing) as missing:
        read_tile(MemoryDisk(), Tile(0, 0, 2))
    assert missing.value.where == "tile/0/000.p/2"


def test_a_tree_keeps_a_bounded_number_of_tiles(monkeypatch):
    monkeypatch.setattr("leadtime.ledger.tiles.TILES_KEPT_MAX", 2)
    disk = MemoryDisk()
    edge = write_growth(disk, Edge(), [number.to_bytes(4, "big") for number in range(5 * 256)])
    tree = TileTree(disk, edge.size)
    for index in range(0, edge.size, 256):
        prove_inclusion(tree, index, edge.size)
        assert len(tree._kept) <= 2


class TestFileDisk:
    def test_files_are_there_whole_with_the_folders_mode(self, tmp_path):
        disk = FileDisk(tmp_path / "log", mode=0o600)
        disk.put_all({f"tile/0/{number:03}.p/{number + 1}": bytes([number]) for number in range(9)})
        disk.replace("checkpoint", b"one")
        disk.replace("checkpoint", b"two")
        assert disk.read("checkpoint") == b"two"
        assert disk.read("tile/0/008.p/9") == b"\x08"
        assert (tmp_path / "log/checkpoint").stat().st_mode & 0o777 == 0o600
        assert list((tmp_path / "log/.new").iterdir()) == []

    def test_what_is_not_there_or_no_file_is_missing(self, tmp_path):
        disk = FileDisk(tmp_path)
        (tmp_path / "tile").mkdir()
        for path in ("checkpoint", "tile", "checkpoint/x"):
            with pytest.raises(Missing):
                disk.read(path)

    def test_a_file_too_large_is_not_read_whole(self, tmp_path):
        with (tmp_path / "checkpoint").open("wb") as stream:
            stream.truncate(BUNDLE_BYTES_MAX + 1)
        with pytest.raises(Unavailable, match="a file is larger than"):
            FileDisk(tmp_path).read("checkpoint")

    def test_a_disk_that_takes_no_write_says_so(self, tmp_path):
        (tmp_path / "log").write_bytes(b"")
        for act in (lambda disk: disk.put_all({"a/b": b""}), lambda disk: disk.replace("a", b"")):
            with pytest.raises(Unavailable, match="the disk did not take a write"):
                act(FileDisk(tmp_path / "log"))

    def test_folders_are_dropped_and_again_without_harm(self, tmp_path):
        disk = FileDisk(tmp_path)
        disk.put_all({"tile/0/000.p/1": b"x", "tile/0/000.p/2": b"y", "tile/0/000": b"z"})
        disk.drop(["tile/0/000.p", "tile/0/000.p", "tile/1/000.p"])
        assert sorted(os.listdir(tmp_path / "tile/0")) == ["000"]  # noqa: PTH208

    def test_one_writer_at_a_time(self, tmp_path):
        disk, other = FileDisk(tmp_path / "log"), FileDisk(tmp_path / "log")
        with disk.alone() as first, other.alone() as second:
            assert (first, second) == (True, False)
        with other.alone() as later:
            assert later

    def test_many_files_are_synced_as_one_and_few_one_by_one(self, tmp_path, monkeypatch):
        synced = []
        monkeypatch.setattr("leadtime.ledger.disk._sync_filesystem", synced.append)
        disk = FileDisk(tmp_path)
        disk.put_all({str(number): b"" for number in range(8)})
        assert synced == []
        disk.put_all({str(number): b"" for number in range(9)})
        assert synced == [tmp_path]

    def test_what_was_begun_is_synced_with_the_rest(self, tmp_path, monkeypatch):
        one_by_one, together = [], []
        monkeypatch.setattr("leadtime.ledger.disk._sync", one_by_one.extend)
        monkeypatch.setattr("leadtime.ledger.disk._sync_filesystem", together.append)
        disk = FileDisk(tmp_path)
        disk.begin({"tile/entries/000.p/1": b"x" * 70_000})
        assert (one_by_one, together) == ([], [])
        disk.put_all({"tile/0/000.p/1": b"y"})
        assert disk.read("tile/entries/000.p/1") == b"x" * 70_000
        assert {tmp_path / "tile/entries/000.p/1", tmp_path / "tile/0/000.p/1"} <= set(one_by_one)
        assert {tmp_path, tmp_path / "tile/entries/000.p", tmp_path / "tile/0/000.p"} <= set(one_by_one)
        disk.begin({str(number): b"" for number in range(8)})
        disk.put_all({"8": b""})
        assert together == [tmp_path]
