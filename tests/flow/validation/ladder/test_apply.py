"""A patch goes into an unpacked release, or into the archive inside it that holds its files, and digests follow."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from leadtime.flow.validation.ladder import apply as applying
from leadtime.flow.validation.ladder.apply import apply_patch, apply_where_it_fits
from leadtime.flow.validation.ladder.diffs import read_patch
from leadtime.flow.validation.ladder.records import Applied
from leadtime.foundation.digests import digest_of, digest_of_file
from leadtime.foundation.errors import Malformed
from leadtime.packages.inner import inner_manifests
from leadtime.packages.unpack import UnpackedTree, unpack

CHANGE = b"--- a/lib/x.c\n+++ b/lib/x.c\n@@ -1 +1 @@\n-old\n+new\n"
CREATE = b"--- /dev/null\n+++ b/%s\n@@ -0,0 +1 @@\n+fresh\n"
DELETE = b"--- a/lib/y.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-gone\n"
FILES = {"p-1/lib/x.c": b"old\n", "p-1/lib/y.c": b"gone\n", "p-1/configure": b"#!/bin/sh\n"}


def tar_of(files: dict[str, bytes], mode: str = "w:gz") -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o755 if name.endswith("configure") else 0o644
            entry.mtime = 1_000_000_000
            archive.addfile(entry, io.BytesIO(content))
        link = tarfile.TarInfo(f"{next(iter(files)).partition('/')[0]}/link")
        link.type, link.linkname = tarfile.SYMTYPE, "lib"
        archive.addfile(link)
    return raw.getvalue()


def tree_of(place: Path, files: dict[str, bytes]) -> UnpackedTree:
    (place / "release.tar.gz").write_bytes(tar_of(files))
    return unpack(place / "release.tar.gz", place / "src")


def test_files_are_changed_created_and_deleted_on_disk_and_by_digest(tmp_path: Path) -> None:
    before = tree_of(tmp_path, FILES)

    tree, applied = apply_patch(read_patch(CHANGE + CREATE % b"lib/deep/new.c" + DELETE), before)

    assert applied == Applied(("lib/x.c", "lib/y.c", "lib/deep/new.c"), (), "")
    assert tree.files == {
        "configure": before.files["configure"],
        "lib/deep/new.c": digest_of(b"fresh\n"),
        "lib/x.c": digest_of(b"new\n"),
    }
    assert {path: digest_of_file(tree.root / path) for path in tree.files} == tree.files
    assert not (tree.root / "lib/y.c").exists()


def test_what_a_release_does_not_carry_is_left_out_and_named(tmp_path: Path) -> None:
    missing = CHANGE.replace(b"lib/x.c", b"tests/x.c")

    _, applied = apply_patch(read_patch(CHANGE + missing), tree_of(tmp_path, FILES))

    assert applied == Applied(("lib/x.c",), ("b/tests/x.c",), "")


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_patch_of_what_lies_in_an_archive_goes_into_that_archive(mode: str, tmp_path: Path) -> None:
    inner = tar_of({f"q-2/{name.partition('/')[2]}": content for name, content in FILES.items()}, mode)
    before = tree_of(tmp_path, {"p-1/README": b"old\n", "p-1/deps/q.tar": inner})

    tree, applied = apply_patch(read_patch(CHANGE + CREATE % b"lib/new.c" + DELETE), before)

    assert applied == Applied(("lib/x.c", "lib/y.c", "lib/new.c"), (), "deps/q.tar")
    (manifest,) = inner_manifests(tree)
    assert manifest.files == {
        "q-2/configure": digest_of(b"#!/bin/sh\n"),
        "q-2/lib/new.c": digest_of(b"fresh\n"),
        "q-2/lib/x.c": digest_of(b"new\n"),
    }
    assert tree.files == {"README": digest_of(b"old\n"), "deps/q.tar": digest_of_file(tree.root / "deps/q.tar")}
    assert (tree.root / "deps/q.tar").read_bytes()[:2] == inner[:2]
    with tarfile.open(tree.root / "deps/q.tar") as archive:
        configure, link = archive.getmember("q-2/configure"), archive.getmember("q-2/link")
    assert (configure.mode, configure.mtime, link.linkname) == (0o755, 1_000_000_000, "lib")
    assert [path.name for path in (tree.root / "deps").iterdir()] == ["q.tar"]


def test_what_goes_with_a_release_is_patched_where_it_holds_the_files(tmp_path: Path) -> None:
    wheel, other = tree_of(tmp_path, {"p-1/x.c": b"old\n"}), UnpackedTree(tmp_path / "none", {})

    assert apply_where_it_fits(read_patch(CHANGE), wheel).files == {"x.c": digest_of(b"new\n")}
    assert apply_where_it_fits(read_patch(CHANGE), other) is other


REFUSALS = [
    (CHANGE.replace(b"lib/x.c", b"lib/z.c"), "the patch changes no file that the release holds"),
    (CHANGE.replace(b"-old", b"-odd"), "hunk 1 of b/lib/x.c has no place in the release"),
    (CHANGE + CREATE % b"lib/y.c", "the patch creates b/lib/y.c, which is there"),
    (
        DELETE.replace(b"-1 +0,0", b"-0,0 +0,0").replace(b"-gone\n", b""),
        "the patch deletes a/lib/y.c, but not all of it",
    ),
]
REFUSALS_OUTSIDE = [
    (CHANGE + CREATE % b"link", "the patch creates b/link, which is there"),
    (CHANGE + CREATE % b"link/new.c", "the patch creates a file below what is no folder"),
    (CHANGE + CREATE % b"configure/new.c", "the patch creates a file below what is no folder"),
    (CHANGE + CREATE % b"lib", "the patch writes a file that cannot be there (File exists)"),
    (CHANGE + CREATE % b"q/new.c" + CREATE % b"q", "the patch writes a file that cannot be there (File exists)"),
    (CHANGE + CREATE % (b"n" * 300), "the patch writes a file that cannot be there (File name too long)"),
]


@pytest.mark.parametrize(
    ("patch", "sentence", "inside"),
    [(*case, False) for case in (*REFUSALS, *REFUSALS_OUTSIDE)] + [(*case, True) for case in REFUSALS],
)
def test_a_patch_that_does_not_apply_says_why(patch: bytes, sentence: str, tmp_path: Path, *, inside: bool) -> None:
    tree = tree_of(tmp_path, {"p-1/q.tar": tar_of(FILES)} if inside else FILES)

    with pytest.raises(Malformed) as caught:
        apply_patch(read_patch(patch), tree)

    assert (caught.value.where, caught.value.what) == ("patch", sentence)


def test_a_zip_inside_a_release_and_a_file_too_large_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr("q/lib/x.c", "old\n")
    with pytest.raises(Malformed, match="not put into a zip"):
        apply_patch(read_patch(CHANGE), tree_of(tmp_path, {"p-1/q.zip": raw.getvalue()}))

    monkeypatch.setattr(applying, "FILE_BYTES_MAX", 3)
    (tmp_path / "second").mkdir()
    with pytest.raises(Malformed, match=r"lib/x.c has more than 3 bytes"):
        apply_patch(read_patch(CHANGE), tree_of(tmp_path / "second", FILES))


def test_an_archive_that_cannot_be_read_is_no_place_for_a_patch(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, {"p-1/q.tar": tar_of(FILES)[:-20]})

    with pytest.raises(Malformed, match="changes no file that the release holds"):
        apply_patch(read_patch(CHANGE), tree)
