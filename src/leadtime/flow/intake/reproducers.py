"""Read the reproducer of a report: a recipe, the files beside it and the input, all inside one folder."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable

from leadtime.flow.intake import limits
from leadtime.flow.intake.fields import Fields, checked_text
from leadtime.flow.intake.records import NamedFile, Reproducer
from leadtime.foundation.digests import canonical_json
from leadtime.foundation.errors import Malformed
from leadtime.foundation.strict_json import Json

RECIPE_SCHEMA = "leadtime.recipe/1"
RECIPE_NAME = "recipe.json"
"""What the recipe itself is called in its folder; no file may have that name."""

_PART = re.compile(r"[^\x00-\x1f\x7f/\\:\ud800-\udfff]{1,255}\Z")


def parse_reproducer(value: Json, where: str) -> Reproducer | None:
    """Return the reproducer that a report carries, or None; raises `Malformed` for one that would leave its folder."""
    if value is None:
        return None
    fields = Fields.of(value, where)
    files = _files(fields.get("files"), fields.at("files"))
    recipe = _recipe(fields.get("recipe"), fields.at("recipe"))
    reproducer = Reproducer(recipe=recipe, files=files, input=_input(fields.get("input"), fields.at("input")))
    check_folder((*files, reproducer.input), where)
    return reproducer


def check_name(name: str, where: str) -> str:
    """Return a file's name if it is relative and plain, part by part; else raise `Malformed`."""
    parts = name.split("/")
    plain = all(_PART.match(part) and part not in {".", ".."} for part in parts)
    if not plain or len(name) > limits.FILE_NAME_CHARS_MAX or name == RECIPE_NAME:
        raise Malformed(
            "a file name must be plain and stay in the recipe's folder",
            where=where,
            next_step="Rename the file; recipe.json is the recipe's own name.",
        )
    return name


def check_folder(files: Iterable[NamedFile], where: str) -> None:
    """Raise `Malformed` if two files have one name, or if one's name is another's folder."""
    names = [file.name for file in files]
    folders = {"/".join(name.split("/")[:depth]) for name in names for depth in range(1, name.count("/") + 1)}
    if len(set(names)) < len(names) or folders & set(names):
        raise Malformed("two files of the reproducer lie over each other", where=where, next_step="Rename one.")


def _recipe(value: Json, where: str) -> bytes:
    recipe = Fields.of(value, where)
    if recipe.get("schema") != RECIPE_SCHEMA:
        raise Malformed(f"the schema must be {RECIPE_SCHEMA}", where=recipe.at("schema"), next_step="Correct it.")
    content = canonical_json(value)
    if len(content) > limits.RECIPE_BYTES_MAX:
        raise Malformed(
            f"a recipe has at most {limits.RECIPE_BYTES_MAX} bytes", where=where, next_step="Move text into files."
        )
    return content


def _files(value: Json, where: str) -> tuple[NamedFile, ...]:
    if value is None:
        return ()
    fields = Fields.of(value, where)
    if len(fields.members) > limits.FILES_MAX:
        raise Malformed(f"this has more than {limits.FILES_MAX} files", where=where, next_step="Send fewer.")
    return tuple(
        NamedFile(check_name(name, fields.at(name)), _decoded(content, fields.at(name)))
        for name, content in sorted(fields.members.items())
    )


def _input(value: Json, where: str) -> NamedFile:
    fields = Fields.of(value, where)
    name = check_name(fields.text("name", limits.FILE_NAME_CHARS_MAX), fields.at("name"))
    return NamedFile(name, _decoded(fields.get("base64"), fields.at("base64")))


def _decoded(value: Json, where: str) -> bytes:
    if value == "":
        return b""
    text = checked_text(value, where, limits.REPORT_BYTES_MAX)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed(
            "this is not base64", where=where, next_step="Encode the file's bytes (RFC 4648, section 4)."
        ) from None
