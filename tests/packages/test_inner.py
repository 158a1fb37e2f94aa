from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from leadtime.foundation.digests import digest_of
from leadtime.packages import limits
from leadtime.packages.inner import InnerManifest, inner_manifests
from leadtime.packages.unpack import UnpackedTree, unpack
from tests.packages.hostile_archives import entry, files, tar, zipped


def packed(place: Path, contents: dict[str, bytes]) -> bytes:
    return files(place / "inner", contents).read_bytes()


def release(place: Path, contents: dict[str, bytes]) -> UnpackedTree:
    archive = files(place / "outer", {f"p/{name}": content for name, content in contents.items()})
    return unpack(archive, place / "tree")


def test_files_of_inner_archives_are_known_by_digest_and_nothing_is_written(tmp_path: Path) -> None:
    inner = packed(tmp_path, {"sqlite/sqlite3.c": b"int main;", "sqlite/README": b"read"})
    tree = release(tmp_path, {"deps/sqlite.tar.gz": inner, "binding.gyp": b"{}", "short": b""})
    before = sorted(tree.root.rglob("*"))

    assert inner_manifests(tree) == (
        InnerManifest(
            "deps/sqlite.tar.gz",
            {"sqlite/sqlite3.c": digest_of(b"int main;"), "sqlite/README": digest_of(b"read")},
            "",
        ),
    )
    assert sorted(tree.root.rglob("*")) == before


def test_archives_are_told_by_content_and_come_in_order(tmp_path: Path) -> None:
    zip_bytes = zipped(tmp_path / "z", {"in.zip.c": b"z"}).read_bytes()
    plain = files(tmp_path / "t", {"in.tar.c": b"t"}, "w:").read_bytes()
    tree = release(tmp_path, {"b.bin": zip_bytes, "a": plain, "not.tar.gz": b"no archive at all"})

    assert [(each.archive, list(each.files)) for each in inner_manifests(tree)] == [
        ("a", ["in.tar.c"]),
        ("b.bin", ["in.zip.c"]),
    ]


def test_only_one_level_is_read(tmp_path: Path) -> None:
    innermost = packed(tmp_path, {"deepest": b"1"})
    inner = packed(tmp_path, {"innermost.tgz": innermost})
    tree = release(tmp_path, {"inner.tgz": inner})

    assert [dict(each.files) for each in inner_manifests(tree)] == [{"innermost.tgz": digest_of(innermost)}]


def test_a_broken_or_hostile_inner_archive_is_reported_and_not_raised(tmp_path: Path) -> None:
    hostile = tar(tmp_path / "h", [(entry("fine"), b"1"), (entry("../out"), b"2"), (entry("after"), b"3")])
    tree = release(tmp_path, {"cut.tgz": packed(tmp_path, {"a": b"1"})[:20], "hostile.tgz": hostile.read_bytes()})

    step = "Use a release whose archive is well made."
    assert inner_manifests(tree) == (
        InnerManifest("cut.tgz", {}, f"cut.tgz: the archive is broken (EOFError). {step}"),
        InnerManifest(
            "hostile.tgz",
            {"fine": digest_of(b"1")},
            f"hostile.tgz: the member '../out' climbs out of its directory. {step}",
        ),
    )


def test_links_and_directories_are_no_content(tmp_path: Path) -> None:
    members = [(entry("d", tarfile.DIRTYPE), b""), (entry("d/l", tarfile.SYMTYPE, linkname="/etc"), b"")]
    tree = release(tmp_path, {"a.tgz": tar(tmp_path / "i", [*members, (entry("d/f"), b"f")]).read_bytes()})

    assert inner_manifests(tree) == (InnerManifest("a.tgz", {"d/f": digest_of(b"f")}, ""),)


def test_the_bytes_of_all_inner_archives_are_bounded_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "INNER_BYTES_MAX", 100)
    inner = packed(tmp_path, {"sixty": b"6" * 60})
    first, second = inner_manifests(release(tmp_path, {"a": inner, "b": inner}))

    assert first == InnerManifest("a", {"sixty": digest_of(b"6" * 60)}, "")
    assert second == InnerManifest(
        "b",
        {},
        "b: the archives in this release hold more than 100 bytes. What comes after it is not known by digest.",
    )


def test_exactly_the_bound_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "INNER_BYTES_MAX", 120)
    inner = packed(tmp_path, {"sixty": b"6" * 60})

    assert [each.unread for each in inner_manifests(release(tmp_path, {"a": inner, "b": inner}))] == ["", ""]


def test_the_number_of_inner_archives_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "INNER_ARCHIVES_MAX", 2)
    inner = packed(tmp_path, {"x": b""})
    tree = release(tmp_path, {"a": inner, "b": inner, "c": inner})

    assert [each.archive for each in inner_manifests(tree)] == ["a", "b"]


def test_a_very_old_tar_inside_a_gzip_is_read(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.USTAR_FORMAT) as opened:
        opened.addfile(entry("old", size=1), io.BytesIO(b"o"))
    tree = release(tmp_path, {"old.tgz": buffer.getvalue()})

    assert [list(each.files) for each in inner_manifests(tree)] == [["old"]]
