"""Where the flow reaches operators: what is published is held against what they run, and what they run against it."""

from __future__ import annotations

from hashlib import sha256
from uuid import UUID

from leadtime.flow import advisory, coordination, exposure
from leadtime.flow.advisory import Advisory, AdvisoryId, AdvisoryState
from leadtime.flow.exposure import Inventory, InventoryId
from leadtime.flow.priority import Answer
from leadtime.formats.csaf import write_csaf
from leadtime.formats.inventories import InventoryForm
from leadtime.formats.osv import write_osv
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.database import Transaction
from leadtime.foundation.ids import new_id
from leadtime.ledger import PUBLICATIONS, Leaf, LeafId, append
from leadtime.workflows.drafting import Words, facts_of, renewed_facts
from leadtime.workflows.engine import Station, enqueue
from leadtime.workflows.records import Kind, Queue

PUBLISHED = "published"
"""The kind of a leaf whose commitments are the plain SHA-256 digests of the files that everybody gets."""

MATCH_ADVISORY = Kind("match_advisory", Queue.FLOW)
MATCH_INVENTORY = Kind("match_inventory", Queue.FLOW)


def publish(tx: Transaction, found: AdvisoryId, *, early_because: str = "") -> Advisory:
    """Publish a draft, and let it be held against every operator's inventories; raises as `advisory.publish`.

    Runs and credits are those of the case as it is now: nobody who reported since it was drafted is left out.
    """
    held = advisory.read_advisory(tx, found)
    if held.state is AdvisoryState.DRAFT:
        advisory.edit(tx, found, renewed_facts(tx, held))
    return _spread(tx, advisory.publish(tx, found, early_because=early_because))


def revise(tx: Transaction, found: AdvisoryId, words: Words, *, summary: str, early_because: str = "") -> Advisory:
    """Publish a correction, with runs and credits as they are now, and let it be held against every inventory.

    ``summary`` says what changed; what was withdrawn stands again, and a case that was opened again is published again.
    Raises as `advisory.revise`.
    """
    held = advisory.read_advisory(tx, found)
    file = coordination.read_case(tx, held.case)
    facts = facts_of(tx, file, words)
    return _spread(tx, advisory.revise(tx, found, facts, summary=summary, early_because=early_because))


def withdraw(tx: Transaction, found: AdvisoryId, *, reason: str) -> Advisory:
    """Withdraw an advisory, and let what it opened be closed; raises as `advisory.withdraw`."""
    return _spread(tx, advisory.withdraw(tx, found, reason=reason))


def _spread(tx: Transaction, published: Advisory) -> Advisory:
    """Log what everybody reads from now on, and let it be held against every inventory."""
    files = {"osv": write_osv(published.document), "csaf": write_csaf(published.document)}
    digests = {name: sha256(content).digest() for name, content in files.items()}
    append(tx, PUBLICATIONS, Leaf(LeafId(new_id(tx.now)), PUBLISHED, tx.now, digests))
    enqueue(tx, MATCH_ADVISORY, published.id)
    return published


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
