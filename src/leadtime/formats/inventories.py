"""Inventories of any form that is read here: recognise the form, list the components, lose none silently."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from leadtime.formats.limits import COMPONENT_TEXT_CHARS_MAX, COMPONENTS_MAX, INVENTORY, INVENTORY_BYTES_MAX, LINES_MAX
from leadtime.foundation.errors import Malformed
from leadtime.foundation.strict_json import Json, read_json

BOM = b"\xef\xbb\xbf"
BOM_UTF16_LE, BOM_UTF16_BE = b"\xff\xfe", b"\xfe\xff"
HEAD_BYTES = 64 << 10
"""How far recognition looks for a first line."""
_FORMS_READ = "Give one of CycloneDX JSON, pip freeze, package-lock.json, CSV."
_NOT_READ = (
    (b"<", "this is XML or HTML; CycloneDX is read as JSON"),
    (b"SPDXVersion", "this is SPDX, which is not read here"),
)
_JSON_WORDS = (b"null", b"true", b"false")
_ONLY_COLUMNS = (b"purl", b"package url", b"package_url", b"package-url")


class InventoryForm(StrEnum):
    """A form of inventory."""

    CYCLONEDX = "cyclonedx"
    PIP_FREEZE = "pip-freeze"
    PACKAGE_LOCK = "package-lock"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class ListedComponent:
    """One component as its inventory wrote it: nothing is normalised or judged yet.

    Named by ``purl``, or by ``ecosystem`` (OSV's name) and ``name``; where both are missing it cannot be matched.
    """

    where: str
    name: str
    version: str | None
    purl: str | None = None
    ecosystem: str | None = None


@dataclass(frozen=True, slots=True)
class InventoryListing:
    """Every component that an inventory lists, in its order."""

    form: InventoryForm
    components: tuple[ListedComponent, ...]


def recognise_form(raw: bytes) -> InventoryForm:
    """Return the form of an inventory by how it begins; raises `Malformed` if it is none that is read."""
    head = raw[:HEAD_BYTES].removeprefix(BOM).lstrip()
    for beginning, what in _NOT_READ:
        if head.startswith(beginning):
            raise Malformed(what, where="$", next_step=_FORMS_READ)
    if not head.startswith((b"{", b"[")) and head.strip() not in _JSON_WORDS:
        return InventoryForm.CSV if _is_table(head) else InventoryForm.PIP_FREEZE
    if b'"bomFormat"' in raw:
        return InventoryForm.CYCLONEDX
    if b'"lockfileVersion"' in raw:
        return InventoryForm.PACKAGE_LOCK
    what = (
        "this is SPDX, which is not read here"
        if b'"spdxVersion"' in raw
        else "this JSON is neither CycloneDX nor a package-lock.json"
    )
    raise Malformed(what, where="$", next_step=_FORMS_READ)


def _is_table(head: bytes) -> bool:
    """Tell whether a text is a table: its first line has columns, or names one that only a table has.

    A line of pip freeze has no comma or semicolon without an operator, a marker or an address before it.
    """
    first = head.partition(b"\n")[0].strip()
    if first.startswith((b"#", b"-")):
        return False
    is_requirement = any(each in first for each in (b"=", b"<", b">", b"~", b"!", b"@", b"["))
    has_columns = any(each in first for each in (b",", b";", b"\t"))
    return first.strip(b"\"'").lower() in _ONLY_COLUMNS or (has_columns and not is_requirement)


def as_utf8(raw: bytes) -> bytes:
    """Return a text that begins as UTF-16 does (Windows writes ``pip freeze >`` so) as UTF-8; other bytes as they are.

    Raises `Malformed` if it begins so and is not.
    """
    if not raw.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return raw
    try:
        return raw.decode("utf-16").encode("utf-8")
    except UnicodeError:
        raise Malformed("this begins as UTF-16 and is not", where="$", next_step="Save it as UTF-8.") from None


def check_size(raw: bytes) -> None:
    """Return if an inventory is small enough to be read, else raise `Malformed`."""
    if len(raw) > INVENTORY_BYTES_MAX:
        raise Malformed(
            f"an inventory has at most {INVENTORY_BYTES_MAX} bytes", where="$", next_step="Split it by asset."
        )


def inventory_json(raw: bytes) -> Json:
    """Return the one JSON document that an inventory is, within bounds; raises `Malformed`."""
    check_size(raw)
    return read_json(raw.removeprefix(BOM), INVENTORY)


def inventory_lines(raw: bytes) -> list[str]:
    """Return the lines of a text inventory, UTF-8; raises `Malformed`."""
    check_size(raw)
    if raw.count(b"\n") > LINES_MAX:
        raise Malformed(f"an inventory has at most {LINES_MAX} lines", where="$", next_step="Split it by asset.")
    try:
        text = raw.removeprefix(BOM).decode("utf-8").removesuffix("\n")
    except UnicodeDecodeError as error:
        raise Malformed("this is not UTF-8", where=f"byte {error.start}", next_step="Save it as UTF-8.") from None
    return [line.removesuffix("\r") for line in text.split("\n")]


def counted(components: list[ListedComponent]) -> list[ListedComponent]:
    """Return ``components`` if they are not too many, each with texts that are not too long; raises `Malformed`."""
    if len(components) > COMPONENTS_MAX:
        raise Malformed(
            f"an inventory has at most {COMPONENTS_MAX} components", where="$", next_step="Split it by asset."
        )
    for each in components:
        if any(
            len(text or "") > COMPONENT_TEXT_CHARS_MAX for text in (each.name, each.version, each.purl, each.ecosystem)
        ):
            raise Malformed(
                f"a component's name, version, purl and ecosystem have at most {COMPONENT_TEXT_CHARS_MAX} characters",
                where=each.where,
                next_step="Correct it.",
            )
    return components
