"""``leadtime cluster``: which crash reports are one flaw, with no server."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import click

from leadtime.doors.visible import visible_line
from leadtime.flow.merging import CrashText, cluster
from leadtime.foundation.errors import Malformed
from leadtime.foundation.strict_json import Json, JsonBounds, read_json

LINES_MAX = 100_000
LINE_BYTES_MAX = 2 << 20
FILE_BYTES_MAX = 1 << 30
NAME_CHARS_MAX = 1024

LINE = JsonBounds(bytes_max=LINE_BYTES_MAX, depth_max=16, values_max=200_000)

_GZIP = b"\x1f\x8b"


@click.command("cluster", epilog="Example: leadtime cluster crashes.jsonl > groups.jsonl")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE")
@click.option("--json", "as_json", is_flag=True, help="The output is always JSON, one object a line; for symmetry.")
def command(file: Path, *, as_json: bool) -> None:
    """Group crash reports by root cause; no server needed.

    FILE holds one JSON object a line (it may be gzipped): {"id", "component" (optional), "stack_text"}; more members do
    no harm. Prints {"id", "group"} for each, in the same order; a group is named by one of its reports, and the groups
    do not depend on the order of the lines.
    """
    del as_json
    groups = cluster(list(_read(file)))
    if not groups:
        click.echo(visible_line(f"{file}: this holds no report. Write one JSON object a line."), err=True)
    for report, group in groups.items():
        click.echo(json.dumps({"id": report, "group": group}, ensure_ascii=True))


def _read(file: Path) -> Iterator[CrashText]:
    """Yield the reports of a file line by line, never holding more than one line that was not accepted."""
    seen: set[str] = set()
    try:
        with file.open("rb") as plain:
            is_gzip = plain.peek(len(_GZIP)).startswith(_GZIP)
            stream = cast("BinaryIO", gzip.GzipFile(fileobj=plain)) if is_gzip else plain
            for number, line in enumerate(_lines(stream, file), start=1):
                if line.strip():
                    text = _text(line, f"{file}, line {number}")
                    if text.id in seen:
                        raise Malformed(
                            "this id stands twice", where=f"{file}, line {number}", next_step="Give each its own."
                        )
                    seen.add(text.id)
                    yield text
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise Malformed("this gzip file cannot be read", where=str(file), next_step="Fetch it again.") from None


def _lines(stream: BinaryIO, file: Path) -> Iterator[bytes]:
    bytes_left = FILE_BYTES_MAX
    for number in range(1, LINES_MAX + 2):
        line = stream.readline(LINE_BYTES_MAX + 1)
        bytes_left -= len(line)
        if not line:
            return
        if len(line) > LINE_BYTES_MAX:
            raise Malformed(
                f"this line is longer than {LINE_BYTES_MAX} bytes", where=f"{file}, line {number}", next_step="Cut it."
            )
        if number > LINES_MAX or bytes_left < 0:
            raise Malformed(
                f"there are more than {LINES_MAX} lines or {FILE_BYTES_MAX} bytes",
                where=str(file),
                next_step="Split the file, for example by component.",
            )
        yield line


def _text(line: bytes, where: str) -> CrashText:
    try:
        value = read_json(line.strip(), LINE)
    except Malformed as problem:
        raise Malformed(problem.what, where=f"{where}, {problem.where}", next_step=problem.next_step) from None
    if not isinstance(value, dict):
        raise Malformed("an object is expected", where=where, next_step="Write one JSON object a line.")
    return CrashText(
        id=_name(value.get("id"), "id", where),
        component=_name(value.get("component") or "", "component", where),
        text=_member(value.get("stack_text"), "stack_text", where),
    )


def _name(value: Json, member: str, where: str) -> str:
    """Return a name; numbers serve as ids, too."""
    named = str(value) if isinstance(value, int) and not isinstance(value, bool) else _member(value, member, where)
    if len(named) > NAME_CHARS_MAX:
        raise Malformed(f"{member} is longer than {NAME_CHARS_MAX} characters", where=where, next_step="Shorten it.")
    return named


def _member(value: Json, member: str, where: str) -> str:
    if not isinstance(value, str):
        raise Malformed(f"{member} is missing or no text", where=where, next_step="Add it as a text.")
    return value
