"""Keep an operator's inventory of one asset; a newer one takes the place of the last."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, insert, select, update

from leadtime.flow.exposure.contents import contents_of
from leadtime.flow.exposure.records import Contents, Inventory, InventoryId, Unmatchable
from leadtime.flow.exposure.rules import check_asset
from leadtime.flow.exposure.shelves import fill_shelves
from leadtime.flow.exposure.tables import inventories
from leadtime.flow.priority import Answer
from leadtime.formats.inventories import InventoryForm
from leadtime.formats.inventory_reading import read_inventory
from leadtime.foundation.access import Act, Relation
from leadtime.foundation.database import Transaction
from leadtime.foundation.digests import canonical_json
from leadtime.foundation.errors import Refused
from leadtime.foundation.ids import new_id

UNMATCHABLE_KEPT_MAX = 1_000
"""Components that are listed one by one as unmatchable; the number of all is in ``unmatchable_count``."""


def keep_inventory(
    tx: Transaction, *, asset: str, exposed: Answer, raw: bytes, form: InventoryForm | None = None
) -> Inventory:
    """Keep what an asset runs and return it in numbers; the asset's earlier inventory is superseded.

    ``exposed``: can the asset be reached from the internet; without ``form`` it is recognised. Raises `Malformed`
    naming the place in the inventory; nothing is kept then.
    """
    tx.require(Act.KEEP_INVENTORY)
    organisation = tx.viewer.organisation
    if organisation is None:
        raise Refused("an inventory belongs to an organisation", next_step="Sign in as one of its people.")
    name = check_asset(asset)
    listing = read_inventory(raw, form)
    contents = contents_of(listing)
    inventory = InventoryId(new_id(tx.now))
    blind = tx.keys.blind("asset", name)
    tx.lock("asset", f"{organisation}:{name}")
    held = (inventories.c.organisation == organisation) & (inventories.c.asset == blind)
    tx.connection.execute(
        update(inventories).where(held, inventories.c.superseded_at.is_(None)).values(superseded_at=tx.now)
    )
    tx.relate(inventory, organisation, Relation.OWN)
    tx.connection.execute(
        insert(inventories).values(
            id=inventory,
            organisation=organisation,
            asset=blind,
            exposed=exposed.value,
            form=listing.form.value,
            components=contents.components,
            kept_at=tx.now,
            superseded_at=None,
            about=tx.seal(inventory, "about", _about(name, contents)),
        )
    )
    fill_shelves(tx, inventory, contents.installed)
    return read_inventory_of(tx, inventory)


def list_inventories(tx: Transaction) -> tuple[Inventory, ...]:
    """Return the viewer's current inventories, oldest first."""
    tx.require(Act.READ_EXPOSURE)
    held = tx.connection.execute(
        select(inventories)
        .where(inventories.c.organisation == tx.viewer.organisation, inventories.c.superseded_at.is_(None))
        .order_by(inventories.c.id)
    )
    return tuple(inventory_from(tx, row) for row in held)


def read_inventory_of(tx: Transaction, inventory: InventoryId) -> Inventory:
    """Return one inventory to its operator (or to Leadtime's own workers)."""
    return inventory_from(tx, tx.connection.execute(select(inventories).where(inventories.c.id == inventory)).one())


def inventory_from(tx: Transaction, held: Row[Any]) -> Inventory:
    """Return the inventory that a row holds."""
    about = json.loads(tx.unseal(held.id, "about", held.about))
    return Inventory(
        id=InventoryId(held.id),
        asset=about["asset"],
        exposed=Answer(held.exposed),
        form=InventoryForm(held.form),
        components=held.components,
        unmatchable=tuple(Unmatchable(**each) for each in about["unmatchable"]),
        unmatchable_count=about["unmatchable_count"],
        kept_at=held.kept_at,
    )


def _about(asset: str, contents: Contents) -> bytes:
    return canonical_json(
        {
            "asset": asset,
            "unmatchable": [asdict(each) for each in contents.unmatchable[:UNMATCHABLE_KEPT_MAX]],
            "unmatchable_count": len(contents.unmatchable),
        }
    )
