"""Read report files on the finder's machine and pack the files they name into them.

A report file may name its reproducer's parts by paths instead of carrying them::

    "reproducer": {"recipe": "recipe.json", "files": ["harness.py"], "input": "crash.bin"}

Without ``files``, those that the recipe names are packed. Paths are relative to the report file's folder (the recipe's
files: to the recipe's) and may not leave it, links included: a report that another tool wrote must not carry off what
lies elsewhere on the machine.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

from leadtime.flow.intake import limits
from leadtime.flow.intake.fields import Fields
from leadtime.flow.intake.rules import parse_report
from leadtime.foundation.digests import canonical_json
from leadtime.foundation.errors import LeadtimeError, Malformed
from leadtime.foundation.strict_json import Json, read_json

LINE_SUFFIXES = frozenset({".ndjson", ".jsonl"})


def pack_reports(path: Path) -> Iterator[bytes]:
    """Give each report of a file, packed and checked, as canonical JSON: one of ``.json``, one a line of ``.ndjson``.

    Raises `Malformed` with file and place for the first that is wrong; nothing outside the file's folder is read.
    """
    path = path.resolve()
    if not path.is_file():
        raise Malformed("there is no such file", where=str(path), next_step="Check its name.")
    if path.suffix in LINE_SUFFIXES:
        for number, line in _lines(path):
            yield _packed(line, path.parent, where=f"{path}, line {number}")
    elif path.suffix == ".json":
        yield _packed(_read(path.parent, path.name, str(path)), path.parent, where=str(path))
    else:
        raise Malformed(
            "reports are read from .json, .ndjson and .jsonl files", where=str(path), next_step="Convert or rename it."
        )


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as stream:
        for number in range(1, limits.BATCH_LINES_MAX + 2):
            line = stream.readline(limits.REPORT_BYTES_MAX + 2)
            if not line:
                return
            if number > limits.BATCH_LINES_MAX:
                raise Malformed(
                    f"a file holds at most {limits.BATCH_LINES_MAX} lines", where=str(path), next_step="Split it."
                )
            if line.strip():
                yield number, line


def _packed(raw: bytes, folder: Path, *, where: str) -> bytes:
    try:
        fields = Fields.of(read_json(raw, limits.REPORT_BOUNDS), "$")
        packed = dict(fields.members)
        if fields.get("reproducer") is not None:
            packed["reproducer"] = _pack_reproducer(Fields.of(fields.get("reproducer"), "$.reproducer"), folder)
        return parse_report(canonical_json(packed)).content
    except LeadtimeError as error:
        raise type(error)(error.what, where=f"{where}: {error.where}", next_step=error.next_step) from None


def _pack_reproducer(reproducer: Fields, folder: Path) -> Json:
    """Return the reproducer with every path replaced by what lies there."""
    packed = dict(reproducer.members)
    recipe = reproducer.get("recipe")
    if isinstance(recipe, str):
        packed["recipe"] = read_json(_read(folder, recipe, reproducer.at("recipe")), limits.REPORT_BOUNDS)
        folder_of_files = (folder / recipe).parent
        if reproducer.get("files") is None:
            packed["files"] = list(_named_by(Fields.of(packed["recipe"], reproducer.at("recipe"))))
    else:
        folder_of_files = folder
    if isinstance(packed.get("files"), list):
        names = Fields(packed, reproducer.where).texts("files", limits.FILE_NAME_CHARS_MAX, limits.FILES_MAX)
        packed["files"] = _pack_files(names, folder_of_files, reproducer.at("files"))
    given = reproducer.get("input")
    if isinstance(given, str):
        packed["input"] = {"name": Path(given).name, "base64": _base64(_read(folder, given, reproducer.at("input")))}
    return packed


def _named_by(recipe: Fields) -> tuple[str, ...]:
    names = recipe.texts("files", limits.FILE_NAME_CHARS_MAX, limits.FILES_MAX)
    control = recipe.optional_text("control", limits.FILE_NAME_CHARS_MAX)
    return names if control is None or control in names else (*names, control)


def _pack_files(names: tuple[str, ...], folder: Path, where: str) -> dict[str, Json]:
    packed: dict[str, Json] = {}
    left_bytes = limits.REPORT_BYTES_MAX
    for name in names:
        content = _read(folder, name, where, left_bytes)
        left_bytes -= len(content)
        packed[name] = _base64(content)
    return packed


def _read(folder: Path, name: str, where: str, bytes_max: int = limits.REPORT_BYTES_MAX) -> bytes:
    """Return the bytes of a plain file inside ``folder``, links followed before that is judged."""
    inside = folder.resolve()
    try:
        place = (folder / name).resolve()
        if not place.is_relative_to(inside) or not place.is_file():
            raise Malformed(
                "this names no file in the report's folder", where=where, next_step="Put the file there, not a link."
            )
        with place.open("rb") as stream:
            content = stream.read(bytes_max + 1)
    except (OSError, ValueError):
        raise Malformed("this file cannot be read", where=where, next_step="Check its name and permissions.") from None
    if len(content) > bytes_max:
        raise Malformed(f"this is larger than {limits.REPORT_BYTES_MAX} bytes", where=where, next_step="Send less.")
    return content


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
