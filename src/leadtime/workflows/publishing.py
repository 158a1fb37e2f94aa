"""Where the flow reaches operators: what is published is held against what they run, and what they run against it."""

from __future__ import annotations

from uuid import UUID

from leadtime.flow import advisory, exposure
from leadtime.flow.advisory import Advisory, AdvisoryId
from leadtime.flow.exposure import Inventory, InventoryId
from leadtime.flow.priority import Answer
from leadtime.formats.inventories import InventoryForm
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.database import Transaction
from leadtime.workflows.engine import Station, enqueue
from leadtime.workflows.records import Kind, Queue

MATCH_ADVISORY = Kind("match_advisory", Queue.FLOW)
MATCH_INVENTORY = Kind("match_inventory", Queue.FLOW)


def publish(tx: Transaction, found: AdvisoryId, *, early_because: str = "") -> Advisory:
    """Publish a draft, and let it be held against every operator's inventories; raises as `advisory.publish`."""
    published = advisory.publish(tx, found, early_because=early_because)
    enqueue(tx, MATCH_ADVISORY, found)
    return published


def withdraw(tx: Transaction, found: AdvisoryId, *, reason: str) -> Advisory:
    """Withdraw an advisory, and let what it opened be closed; raises as `advisory.withdraw`."""
    withdrawn = advisory.withdraw(tx, found, reason=reason)
    enqueue(tx, MATCH_ADVISORY, found)
    return withdrawn


def keep_inventory(
    tx: Transaction, *, asset: str, exposed: Answer, raw: bytes, form: InventoryForm | None = None
) -> Inventory:
    """Keep an inventory, and let it be held against everything published; raises as `exposure.keep_inventory`."""
    kept = exposure.keep_inventory(tx, asset=asset, exposed=exposed, raw=raw, form=form)
    enqueue(tx, MATCH_INVENTORY, kept.id)
    return kept


def match_advisory(station: Station, found: UUID) -> None:
    """Hold a published advisory against every operator's inventories; may run again."""
    with station.database.transaction(SYSTEM) as tx:
        exposure.match_advisory(tx, AdvisoryId(found))


def match_inventory(station: Station, inventory: UUID) -> None:
    """Hold one inventory against everything published; may run again."""
    with station.database.transaction(SYSTEM) as tx:
        exposure.match_inventory(tx, InventoryId(inventory))
