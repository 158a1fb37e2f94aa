"""Put a patch into a release that was just unpacked, or into the archive inside it that holds the files it names.

What comes out is a release like any other: its files are known by digest, and whatever is built from it is judged as
what is built from a published one is. Nothing of the patch is run here, and nothing else has written to the tree.
"""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Literal

from leadtime.flow.validation.ladder.diffs import PATCH_WHERE, FileDiff, Fit, fit, patched
from leadtime.flow.validation.ladder.records import Applied
from leadtime.foundation.digests import digest_of, digest_of_file
from leadtime.foundation.errors import Malformed
from leadtime.packages.inner import InnerManifest, inner_manifests
from leadtime.packages.members import Member, MemberKind, members_of, pieces_of
from leadtime.packages.unpack import UnpackedTree

FILE_BYTES_MAX = 64 << 20
FILE_MODE, PROGRAM_MODE = 0o644, 0o755
_TAR_KINDS: Mapping[MemberKind, bytes] = {
    MemberKind.FILE: tarfile.REGTYPE,
    MemberKind.DIRECTORY: tarfile.DIRTYPE,
    MemberKind.SYMLINK: tarfile.SYMTYPE,
    MemberKind.HARDLINK: tarfile.LNKTYPE,
}

_Mode = Literal["w", "w:gz", "w:bz2", "w:xz"]
_MODES: tuple[tuple[bytes, _Mode], ...] = ((b"\x1f\x8b", "w:gz"), (b"BZh", "w:bz2"), (b"\xfd7zXZ", "w:xz"))
_MAGIC_BYTES = 6


def apply_patch(files: tuple[FileDiff, ...], tree: UnpackedTree) -> tuple[UnpackedTree, Applied]:
    """Return the tree with the patch in it, on disk and by digest.

    Raises `Malformed` if the patch changes nothing that the release holds, a hunk has no place in it, or a file that it
    creates cannot be where it says.
    """
    try:
        return _applied(files, tree)
    except OSError as problem:
        raise Malformed(
            f"the patch writes a file that cannot be there ({problem.strerror})",
            where=PATCH_WHERE,
            next_step="Correct its name.",
        ) from None


def _applied(files: tuple[FileDiff, ...], tree: UnpackedTree) -> tuple[UnpackedTree, Applied]:
    if (found := fit(files, tree.files)) is not None:
        return _into_tree(found, tree), Applied(_paths(found), found.left_out, "")
    for inner in inner_manifests(tree):
        top = _top(inner)
        if inner.unread:
            continue
        if (found := fit(files, {path.removeprefix(top) for path in inner.files})) is not None:
            return _into_archive(found, top, inner, tree), Applied(_paths(found), found.left_out, inner.archive)
    raise Malformed(
        "the patch changes no file that the release holds",
        where=PATCH_WHERE,
        next_step="Write it against the release that the recipe names.",
    )


def apply_where_it_fits(files: tuple[FileDiff, ...], tree: UnpackedTree) -> UnpackedTree:
    """Return a tree that goes with a release, such as its wheel, with the patch in it if it is about its files."""
    found = fit(files, tree.files)
    return tree if found is None else _into_tree(found, tree)


def _paths(found: Fit) -> tuple[str, ...]:
    return tuple(path for path, _ in found.files)


def _into_tree(found: Fit, tree: UnpackedTree) -> UnpackedTree:
    digests = dict(tree.files)
    for path, file in found.files:
        target = tree.root / path
        if file.creates:
            new = _created(file, exists=path in digests or target.is_symlink())
            _make_folder(target.parent, tree.root)
            mode = FILE_MODE
        else:
            new = patched(_content([target.read_bytes()], path), file)
            mode = target.stat().st_mode & 0o777
            target.unlink()
        digests.pop(path, None)
        if file.deletes:
            _check_deleted(file, new)
            continue
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(new)
        target.chmod(mode)
        digests[path] = digest_of(new)
    return UnpackedTree(tree.root, dict(sorted(digests.items())))


def _make_folder(folder: Path, root: Path) -> None:
    """Make a folder in the tree; raises `Malformed` where a file or a link of the release stands in its way."""
    for place in (*reversed([one for one in folder.parents if one.is_relative_to(root)]), folder):
        if place.is_symlink() or (place.exists() and not place.is_dir()):
            raise Malformed(
                "the patch creates a file below what is no folder", where=PATCH_WHERE, next_step="Correct it."
            )
        place.mkdir(exist_ok=True)


def _created(file: FileDiff, *, exists: bool) -> bytes:
    if exists:
        raise Malformed(f"the patch creates {file.name}, which is there", where=PATCH_WHERE, next_step="Correct it.")
    return patched(b"", file)


def _check_deleted(file: FileDiff, left: bytes) -> None:
    if left:
        raise Malformed(f"the patch deletes {file.name}, but not all of it", where=PATCH_WHERE, next_step="Correct it.")


def _content(pieces: Iterable[bytes], path: str) -> bytes:
    content = b""
    for piece in pieces:
        content += piece
        if len(content) > FILE_BYTES_MAX:
            raise Malformed(f"{path} has more than {FILE_BYTES_MAX} bytes", where=PATCH_WHERE, next_step="Patch less.")
    return content


def _top(inner: InnerManifest) -> str:
    """Return the one folder that an archive's files lie in, with its slash; empty if there is none."""
    tops = {path.partition("/")[0] for path in inner.files}
    return f"{tops.pop()}/" if len(tops) == 1 and all("/" in path for path in inner.files) else ""


def _into_archive(found: Fit, top: str, inner: InnerManifest, tree: UnpackedTree) -> UnpackedTree:
    """Write the archive anew, in its own compression, with the patch in it."""
    archive = tree.root / inner.archive
    fresh = archive.with_name(f".{archive.name}.patched")
    pending = {top + path: file for path, file in found.files}
    with archive.open("rb") as source, tarfile.open(fresh, _mode_of(archive)) as target:
        for member, content in members_of(source, where=inner.archive):
            file = pending.pop(member.name.removeprefix("./"), None)
            _copy(member, content, file, target, where=inner.archive)
        for name, file in pending.items():
            member = Member(name, MemberKind.FILE, 0, executable=False, modified_at=0)
            _add(target, member, _created(file, exists=False))
    fresh.chmod(archive.stat().st_mode & 0o777)
    fresh.replace(archive)
    return UnpackedTree(tree.root, {**tree.files, inner.archive: digest_of_file(archive)})


def _mode_of(archive: Path) -> _Mode:
    """Return how to open a new tar that is compressed as the old one; raises `Malformed` where that is no tar."""
    with archive.open("rb") as stream:
        first = stream.read(_MAGIC_BYTES)
    if first.startswith(b"PK"):
        raise Malformed(
            "a patch is not put into a zip inside the release", where=PATCH_WHERE, next_step="Patch by hand."
        )
    return next((mode for start, mode in _MODES if first.startswith(start)), "w")


def _copy(
    member: Member, content: IO[bytes] | None, file: FileDiff | None, target: tarfile.TarFile, *, where: str
) -> None:
    if file is not None and file.creates:
        raise Malformed(f"the patch creates {file.name}, which is there", where=PATCH_WHERE, next_step="Correct it.")
    if file is None or content is None:
        _add(target, member, content)
        return
    new = patched(_content(pieces_of(content, where=where), member.name), file)
    if file.deletes:
        _check_deleted(file, new)
    else:
        _add(target, member, new)


def _add(target: tarfile.TarFile, member: Member, content: IO[bytes] | bytes | None) -> None:
    entry = tarfile.TarInfo(member.name)
    entry.type = _TAR_KINDS[member.kind]
    entry.linkname = member.target
    entry.mode = PROGRAM_MODE if member.executable or member.kind is MemberKind.DIRECTORY else FILE_MODE
    entry.mtime = member.modified_at
    if isinstance(content, bytes):
        entry.size = len(content)
        target.addfile(entry, io.BytesIO(content))
    else:
        entry.size = member.bytes_declared if content is not None else 0
        target.addfile(entry, content)
