"""An inventory's packages in sealed pieces: one advisory opens one piece of an inventory, not all of it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import insert, select

from leadtime.flow.exposure.records import Installed, InventoryId
from leadtime.flow.exposure.tables import inventory_packages, inventory_shelves
from leadtime.foundation.database import Transaction
from leadtime.foundation.digests import canonical_json

ROWS_AT_ONCE = 5_000


def package_index(tx: Transaction, package: str) -> bytes:
    """Return the blind index of a package (canonical purl without version)."""
    return tx.keys.blind("package", package)


def version_index(tx: Transaction, package: str, version: str) -> bytes:
    """Return the blind index of one version of a package."""
    return tx.keys.blind("version", f"{package}@{version}")


def fill_shelves(tx: Transaction, inventory: InventoryId, installed: Iterable[Installed]) -> None:
    """Write an inventory's packages: an index row each, and their versions sealed shelf by shelf."""
    organisation = tx.viewer.organisation
    shelves: dict[int, list[tuple[str, str, str | None]]] = defaultdict(list)
    indexes: dict[str, bytes] = {}
    for each in installed:
        if each.package not in indexes:
            indexes[each.package] = package_index(tx, each.package)
        shelves[indexes[each.package][0]].append((each.package, each.version, each.release))
    rows = [{"inventory": inventory, "package": each, "organisation": organisation} for each in indexes.values()]
    for start in range(0, len(rows), ROWS_AT_ONCE):
        tx.connection.execute(insert(inventory_packages), rows[start : start + ROWS_AT_ONCE])
    for shelf, contents in shelves.items():
        sealed = tx.seal(inventory, f"shelf {shelf}", canonical_json(contents))
        tx.connection.execute(
            insert(inventory_shelves).values(
                inventory=inventory, shelf=shelf, organisation=organisation, contents=sealed
            )
        )


def versions_of(tx: Transaction, inventory: InventoryId, package: str) -> tuple[Installed, ...]:
    """Return the installed versions of one package in one inventory."""
    shelf = package_index(tx, package)[0]
    sealed = tx.connection.scalar(
        select(inventory_shelves.c.contents).where(
            inventory_shelves.c.inventory == inventory, inventory_shelves.c.shelf == shelf
        )
    )
    if sealed is None:
        return ()
    contents = json.loads(tx.unseal(inventory, f"shelf {shelf}", sealed))
    return tuple(Installed(name, version, release) for name, version, release in contents if name == package)
