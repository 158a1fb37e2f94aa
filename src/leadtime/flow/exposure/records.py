"""What *exposure* gives an operator: what an inventory holds, what of it is touched, and what to patch by when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from leadtime.flow.advisory import AdvisoryId
from leadtime.flow.priority import Answer, Decision
from leadtime.formats.inventories import InventoryForm

InventoryId = NewType("InventoryId", UUID)
ExposureId = NewType("ExposureId", UUID)


class Touch(StrEnum):
    """Whether a flaw is in what is installed; UNKNOWN is said, never read as no."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class ExposureState(StrEnum):
    """How far one component on one asset is from being safe."""

    OPEN = "open"
    DEPLOYED = "deployed"
    REMOVED = "removed"
    WITHDRAWN = "withdrawn"


class ExposureMove(StrEnum):
    """What changes that."""

    DEPLOY = "deploy a fix"
    REMOVE = "no longer installed"
    SEE = "seen installed"
    WITHDRAW = "the advisory was withdrawn"


@dataclass(frozen=True, slots=True, order=True)
class Installed:
    """One version of one package; ``package`` is its canonical purl without version.

    ``release`` is the distribution's release that it belongs to (``12`` of Debian), None: not said or none.
    """

    package: str
    version: str
    release: str | None = None


@dataclass(frozen=True, slots=True)
class Unmatchable:
    """A component that no advisory can be held against, and why not."""

    where: str
    name: str
    version: str | None
    why: str


@dataclass(frozen=True, slots=True)
class Contents:
    """An inventory, normalised: each distinct package and version once; ``components`` counts all that were listed."""

    components: int
    installed: tuple[Installed, ...]
    unmatchable: tuple[Unmatchable, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """One installed version that a flaw touches (or may touch: ``touch`` is UNKNOWN), and why.

    ``fixed`` is the next version that is said to have the fix, None if none is named.
    """

    installed: Installed
    advisory: str
    aliases: tuple[str, ...]
    summary: str
    touch: Touch
    fixed: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """One asset's newest list of components, in numbers; of ``unmatchable`` ones at most the first thousand."""

    id: InventoryId
    asset: str
    exposed: Answer
    form: InventoryForm
    components: int
    unmatchable: tuple[Unmatchable, ...]
    unmatchable_count: int
    kept_at: datetime


@dataclass(frozen=True, slots=True)
class PatchBy:
    """One line of an operator's list; ``decision`` is made when the list is read, so that it follows KEV and exposure.

    ``touch`` UNKNOWN: it may be touched. ``deployed_version`` is what the operator put in place, None while it is open.
    """

    exposure: ExposureId
    state: ExposureState
    asset: str
    exposed: Answer
    component: str
    version: str
    advisory: AdvisoryId
    number: str
    title: str
    cve: str | None
    touch: Touch
    fixed: str | None
    reason: str
    enumerated_at: datetime
    changed_at: datetime
    deployed_version: str | None
    decision: Decision
