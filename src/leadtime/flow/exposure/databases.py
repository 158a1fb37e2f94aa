"""Read a file or folder of OSV records within bounds: one record, NDJSON, gzip of either, zip, or a directory."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from leadtime.formats.limits import DOCUMENT_BYTES_MAX
from leadtime.formats.osv import OsvRecord, read_osv
from leadtime.foundation.errors import Malformed

RECORDS_MAX = 2_000_000
DATABASE_BYTES_MAX = 8 << 30
"""All records of one database, unpacked."""
_LINE_SUFFIXES = (".jsonl", ".ndjson")
_SUFFIXES = (".json", ".jsonl", ".ndjson", ".gz", ".zip")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that could not be read: where it stands, and the sentence that says why."""

    where: str
    why: str


def read_database(path: Path) -> Iterator[OsvRecord | Unreadable]:
    """Yield every record of a database, or why it cannot be read; other files of a folder are passed over.

    Raises `Malformed` for what is no database at all, or one beyond the bounds.
    """
    spent = 0
    for records, (where, raw) in enumerate(_documents(path), start=1):
        spent += len(raw)
        if records > RECORDS_MAX or spent > DATABASE_BYTES_MAX:
            raise Malformed(
                f"a database has at most {RECORDS_MAX} records and {DATABASE_BYTES_MAX} bytes",
                where=str(path),
                next_step="Split it.",
            )
        try:
            yield read_osv(raw)
        except Malformed as problem:
            yield Unreadable(where, str(problem))


def _documents(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                if file.suffix in _SUFFIXES and file.is_file():
                    yield from _documents_in(file)
        else:
            yield from _documents_in(path)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError) as problem:
        what = getattr(problem, "strerror", None) or "it is damaged"
        raise Malformed(
            f"the advisories cannot be read ({what})", where=str(path), next_step="Check the file."
        ) from None


def _documents_in(file: Path) -> Iterator[tuple[str, bytes]]:
    if file.suffix == ".zip":
        yield from _zipped(file)
        return
    with _opened(file) as stream:
        if not file.name.removesuffix(".gz").endswith(_LINE_SUFFIXES):
            whole = stream.read(DOCUMENT_BYTES_MAX + 1)
            if not _is_lines(whole):
                yield str(file), whole
                return
            stream.seek(0)
        yield from _lines(file, stream)


@contextmanager
def _opened(file: Path) -> Iterator[IO[bytes]]:
    with file.open("rb") as stream:
        if file.suffix != ".gz":
            yield stream
            return
        with gzip.GzipFile(fileobj=stream) as unpacked:
            yield cast("IO[bytes]", unpacked)


def _lines(file: Path, stream: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield lines; one that is too long is cut and will not be read as JSON."""
    lines = iter(lambda: stream.readline(DOCUMENT_BYTES_MAX + 1), b"")
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield f"{file}, line {number}", line


def _is_lines(raw: bytes) -> bool:
    """Tell whether a file holds one whole object a line, more than once."""
    first, _, rest = raw.lstrip().partition(b"\n")
    return first.startswith(b"{") and first.rstrip().endswith(b"}") and rest.lstrip().startswith(b"{")


def _zipped(file: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            if member.is_dir() or not member.filename.endswith(".json"):
                continue
            with archive.open(member) as stream:
                yield f"{file}, {member.filename}", stream.read(DOCUMENT_BYTES_MAX + 1)
