"""A table of names and versions (RFC 4180; comma, semicolon or tab), with ecosystem or purl where there is one."""

from __future__ import annotations

import csv
from collections.abc import Mapping

from leadtime.formats.inventories import InventoryForm, InventoryListing, ListedComponent, counted, inventory_lines
from leadtime.foundation.errors import Malformed

_SEPARATORS = (",", ";", "\t")
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "name": ("name", "package", "package name", "component", "component name", "library", "module"),
    "version": ("version", "installed version", "package version", "component version"),
    "ecosystem": ("ecosystem", "package manager", "manager", "package type", "type"),
    "purl": ("purl", "package url"),
}
"""What is read -> how its column may be called, the first of them that is there counting."""


def read_component_csv(raw: bytes) -> InventoryListing:
    """Return the rows of a CSV whose header names ``name`` and ``version``, or ``purl``; ``ecosystem`` is optional.

    Columns may be called as people call them (``package``, ``type``, ``package manager``), in any case.
    Raises `Malformed` for a missing column, a row of another length, or a row without a name.
    """
    lines = inventory_lines(raw)
    header = next((line for line in lines if line.strip()), "")
    separator = max(_SEPARATORS, key=header.count)
    reader = csv.reader(lines, delimiter=separator, strict=True)
    columns: tuple[str, ...] | None = None
    found: list[ListedComponent] = []
    try:
        for row in reader:
            where = f"line {reader.line_num}"
            if not any(cell.strip() for cell in row):
                continue
            if columns is None:
                columns = _columns(row, where)
            else:
                found.append(_component(_cells(columns, row, where), where))
    except csv.Error:
        raise Malformed(
            "this row is not CSV", where=f"line {reader.line_num}", next_step="Correct its quotes."
        ) from None
    if columns is None:
        raise Malformed("this CSV is empty", where="line 1", next_step="Give a header and a row per component.")
    return InventoryListing(InventoryForm.CSV, tuple(counted(found)))


def _columns(header: list[str], where: str) -> tuple[str, ...]:
    """Return what each column holds, by the name that is read here; other columns keep their own."""
    written = tuple(" ".join(cell.lower().replace("_", " ").replace("-", " ").split()) for cell in header)
    if len(set(written)) != len(written):
        raise Malformed("a column stands twice", where=where, next_step="Keep one.")
    names = {next((each for each in spoken if each in written), None): column for column, spoken in _COLUMNS.items()}
    columns = tuple(names.get(each, f"other: {each}") for each in written)
    if not ("purl" in columns or {"name", "version"} <= set(columns)):
        raise Malformed(
            "the first line does not name the columns name and version, or purl",
            where=where,
            next_step="Begin with a line like name,version,ecosystem.",
        )
    return columns


def _cells(columns: tuple[str, ...], row: list[str], where: str) -> Mapping[str, str]:
    if len(row) != len(columns):
        raise Malformed(
            f"this row has {len(row)} cells and the header {len(columns)}", where=where, next_step="Correct the row."
        )
    return {column: cell.strip() for column, cell in zip(columns, row, strict=True)}


def _component(cells: Mapping[str, str], where: str) -> ListedComponent:
    name, purl = cells.get("name", ""), cells.get("purl", "")
    if not name and not purl:
        raise Malformed("this row names no component", where=where, next_step="Fill in its name.")
    return ListedComponent(where, name, cells.get("version") or None, purl or None, cells.get("ecosystem") or None)
