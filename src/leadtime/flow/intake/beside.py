"""Pack a reproducer: every path in it becomes the bytes that lie there, wherever its files lie.

It may name its parts by paths instead of carrying them::

    "reproducer": {"recipe": "recipe.json", "files": ["harness.py"], "input": "crash.bin"}

Without ``files``, those that the recipe names are packed. Paths are relative to the report (the recipe's files: to the
recipe).
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import PurePosixPath

from leadtime.flow.intake import limits
from leadtime.flow.intake.fields import Fields
from leadtime.foundation.strict_json import Json, read_json

Read = Callable[[str, str, str, int], bytes]
"""Returns the bytes of a file: folder (relative to the report), name, place for errors, most bytes; or `Malformed`."""

HERE = "."


def pack_reproducer(reproducer: Fields, read: Read) -> Json:
    """Return the reproducer with every path replaced by what ``read`` gives; raises `Malformed` as it does."""
    packed = dict(reproducer.members)
    recipe = reproducer.get("recipe")
    folder = HERE
    if isinstance(recipe, str):
        content = read(HERE, recipe, reproducer.at("recipe"), limits.REPORT_BYTES_MAX)
        packed["recipe"] = read_json(content, limits.REPORT_BOUNDS)
        folder = str(PurePosixPath(recipe).parent)
        if reproducer.get("files") is None:
            packed["files"] = list(named_by(Fields.of(packed["recipe"], reproducer.at("recipe"))))
    if isinstance(packed.get("files"), list):
        names = Fields(packed, reproducer.where).texts("files", limits.FILE_NAME_CHARS_MAX, limits.FILES_MAX)
        packed["files"] = _pack_files(names, folder, reproducer.at("files"), read)
    given = reproducer.get("input")
    if isinstance(given, str):
        content = read(HERE, given, reproducer.at("input"), limits.REPORT_BYTES_MAX)
        packed["input"] = {"name": PurePosixPath(given).name, "base64": _base64(content)}
    return packed


def named_by(recipe: Fields) -> tuple[str, ...]:
    """Return the names of the files that a recipe needs beside it, its control among them."""
    names = recipe.texts("files", limits.FILE_NAME_CHARS_MAX, limits.FILES_MAX)
    control = recipe.optional_text("control", limits.FILE_NAME_CHARS_MAX)
    return names if control is None or control in names else (*names, control)


def _pack_files(names: tuple[str, ...], folder: str, where: str, read: Read) -> dict[str, Json]:
    packed: dict[str, Json] = {}
    left_bytes = limits.REPORT_BYTES_MAX
    for name in names:
        content = read(folder, name, where, left_bytes)
        left_bytes -= len(content)
        packed[name] = _base64(content)
    return packed


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
