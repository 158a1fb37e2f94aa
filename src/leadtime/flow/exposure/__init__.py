"""What touches an operator, what to patch by when, and whether it was deployed.

Takes: inventories of assets, published advisories (and OSV databases, without a server), marks by the operator.
Gives: `PatchBy` lines with row, date and reason, `Match` for the command line, `Inventory` in numbers.
Decides: touched, not touched or *unknown* for each distinct package and version; which move follows what is seen.
Refuses: a component dropped in silence, an unknown read as no, a fix marked as deployed that is itself affected.
Standard: OSV schema 1.7 (evaluation of ranges), purl, CISA BOD 26-04 through *priority*.
"""

from leadtime.flow.exposure.contents import contents_of
from leadtime.flow.exposure.databases import Unreadable, read_database
from leadtime.flow.exposure.expose import match_advisory, match_inventory
from leadtime.flow.exposure.keep import keep_inventory, list_inventories
from leadtime.flow.exposure.matching import FlawIndex, index_flaws, match
from leadtime.flow.exposure.patch_by import mark_deployed, patch_by_list
from leadtime.flow.exposure.records import (
    Contents,
    ExposureId,
    ExposureMove,
    ExposureState,
    Installed,
    Inventory,
    InventoryId,
    Match,
    PatchBy,
    Touch,
    Unmatchable,
)
from leadtime.flow.exposure.rules import MOVES

__all__ = [
    "MOVES",
    "Contents",
    "ExposureId",
    "ExposureMove",
    "ExposureState",
    "FlawIndex",
    "Installed",
    "Inventory",
    "InventoryId",
    "Match",
    "PatchBy",
    "Touch",
    "Unmatchable",
    "Unreadable",
    "contents_of",
    "index_flaws",
    "keep_inventory",
    "list_inventories",
    "mark_deployed",
    "match",
    "match_advisory",
    "match_inventory",
    "patch_by_list",
    "read_database",
]
