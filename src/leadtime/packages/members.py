"""The members of a hostile archive, one by one, within bounds: which archives are read, and what each member is.

Reads tar (plain, gzip, bzip2, xz) and zip (stored, deflated), told apart by their first bytes and not by their name.
Nothing is written here; `unpack` writes, `inner` only digests.
"""

from __future__ import annotations

import bz2
import calendar
import gzip
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import IO, BinaryIO, cast

from leadtime.foundation.errors import Malformed
from leadtime.packages import limits
from leadtime.packages.streams import BoundedZip, ForwardStream, XzStream

BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    NotImplementedError,
    RecursionError,
)
"""What the standard library's readers raise on bytes that are not the archive they pretend to be."""

_MAGIC_BYTES = 262
_STEP = "Use a release whose archive is well made."
_SECONDS_MAX = 2**32 - 1
_ENCRYPTED = 0x1


class MemberKind(Enum):
    """What a member becomes."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symbolic link"
    HARDLINK = "hard link"


@dataclass(frozen=True, slots=True)
class Member:
    """One member as the archive names it; nothing about it is trusted yet.

    ``target`` is a link's target, else empty; ``modified_at`` is in seconds since 1970.
    """

    name: str
    kind: MemberKind
    bytes_declared: int
    executable: bool
    modified_at: int
    target: str = ""


def is_archive(first_bytes: bytes) -> bool:
    """Tell whether a file that starts like this (262 bytes are enough) is an archive that can be read here."""
    return first_bytes.startswith((b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")) or (
        first_bytes[257:262] == b"ustar"
    )


def members_of(archive: BinaryIO, *, where: str) -> Iterator[tuple[Member, IO[bytes] | None]]:
    """Yield each member with its content (regular files only), to be read before the next one is asked for.

    Raises `Malformed` for what is no such archive, for too many members and for device nodes, pipes and sockets.
    """
    first_bytes = archive.read(_MAGIC_BYTES)
    archive.seek(0)
    if not is_archive(first_bytes):
        raise Malformed("this is not a tar or zip archive", where=where, next_step=_STEP)
    reader = _zip_members if first_bytes.startswith(b"PK") else _tar_members
    with _well_formed(where):
        for count, found in enumerate(reader(archive, first_bytes, where)):
            if count >= limits.ENTRIES_MAX:
                raise Malformed(f"the archive has more than {limits.ENTRIES_MAX} members", where=where, next_step=_STEP)
            yield found


def pieces_of(content: IO[bytes], *, where: str) -> Iterator[bytes]:
    """Yield a member's content piece by piece; raises `Malformed` where the archive is broken."""
    while True:
        with _well_formed(where):
            piece = content.read(limits.COPY_BYTES)
        if not piece:
            return
        yield piece


def shown(name: str) -> str:
    """Return a hostile name in printable ASCII, at most 100 characters, for a sentence."""
    return ascii(name[:100])


@contextmanager
def _well_formed(where: str) -> Iterator[None]:
    try:
        yield
    except BROKEN as problem:
        raise Malformed(f"the archive is broken ({type(problem).__name__})", where=where, next_step=_STEP) from None


def _tar_members(archive: BinaryIO, first_bytes: bytes, where: str) -> Iterator[tuple[Member, IO[bytes] | None]]:
    stream = ForwardStream(_decompressed(archive, first_bytes), where=where)
    with ExitStack() as opened:
        with stream.headers():
            source = cast("IO[bytes]", stream)
            tar = opened.enter_context(tarfile.open(fileobj=source, mode="r:", encoding="utf-8"))
        for entry in _entries(tar, stream):
            member = _from_tar(entry, where)
            yield member, tar.extractfile(entry) if member.kind is MemberKind.FILE else None


def _entries(tar: tarfile.TarFile, stream: ForwardStream) -> Iterator[tarfile.TarInfo]:
    while True:
        with stream.headers():
            entry = tar.next()
        if entry is None:
            return
        tar.members.clear()  # type: ignore[attr-defined]  # else every member passed stays in memory
        yield entry


def _decompressed(archive: BinaryIO, first_bytes: bytes) -> IO[bytes]:
    if first_bytes.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=archive, mode="rb"))
    if first_bytes.startswith(b"BZh"):
        return cast("IO[bytes]", bz2.BZ2File(archive, "rb"))
    if first_bytes.startswith(b"\xfd7zXZ\x00"):
        return cast("IO[bytes]", XzStream(archive))
    return archive


def _from_tar(entry: tarfile.TarInfo, where: str) -> Member:
    kinds = {
        tarfile.DIRTYPE: MemberKind.DIRECTORY,
        tarfile.SYMTYPE: MemberKind.SYMLINK,
        tarfile.LNKTYPE: MemberKind.HARDLINK,
    }
    kind = MemberKind.FILE if entry.isreg() else kinds.get(entry.type)
    if entry.size < 0:
        raise Malformed("a member of the archive points backwards", where=where, next_step=_STEP)
    if kind is None or entry.issparse():
        raise _special(entry.name, where)
    modified_at = min(max(int(entry.mtime), 0), _SECONDS_MAX)
    return Member(entry.name, kind, entry.size, bool(entry.mode & 0o111), modified_at, entry.linkname)


def _zip_members(archive: BinaryIO, _first_bytes: bytes, where: str) -> Iterator[tuple[Member, IO[bytes] | None]]:
    with zipfile.ZipFile(cast("IO[bytes]", BoundedZip(archive, where=where))) as opened:
        for entry in opened.infolist():
            member = _from_zip(entry, where)
            if member.kind is MemberKind.DIRECTORY:
                yield member, None
                continue
            with opened.open(entry) as content:
                yield member, content


def _from_zip(entry: zipfile.ZipInfo, where: str) -> Member:
    mode = entry.external_attr >> 16
    kind = MemberKind.DIRECTORY if entry.is_dir() else MemberKind.FILE
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise _special(entry.filename, where)
    if entry.flag_bits & _ENCRYPTED:
        raise Malformed(f"the member {shown(entry.filename)} is encrypted", where=where, next_step=_STEP)
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise Malformed(
            f"the member {shown(entry.filename)} is neither stored nor deflated", where=where, next_step=_STEP
        )
    modified_at = calendar.timegm((*entry.date_time, 0, 0, 0))
    return Member(entry.filename, kind, entry.file_size, bool(mode & 0o111), min(max(modified_at, 0), _SECONDS_MAX))


def _special(name: str, where: str) -> Malformed:
    return Malformed(
        f"the member {shown(name)} is neither a file, a directory nor a link that is kept",
        where=where,
        next_step=_STEP,
    )
