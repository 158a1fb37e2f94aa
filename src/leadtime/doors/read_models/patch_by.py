"""One operator's short list: what to patch, where, by when, and why then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from leadtime.doors.read_models.pictures import Badge, Tone
from leadtime.doors.read_models.urgency import badge_of
from leadtime.flow import exposure
from leadtime.flow.exposure import ExposureState, Inventory, PatchBy, Touch, Unmatchable
from leadtime.flow.priority import Decision
from leadtime.foundation.database import Transaction
from leadtime.foundation.explanation import Explanation

UNMATCHED_SHOWN_MAX = 10
"""Components of one inventory that could not be matched, told one by one; the rest are counted."""

DONE: dict[ExposureState, Badge] = {
    ExposureState.DEPLOYED: Badge("deployed", Tone.GOOD),
    ExposureState.REMOVED: Badge("no longer installed", Tone.PLAIN),
    ExposureState.WITHDRAWN: Badge("advisory withdrawn", Tone.PLAIN),
}


@dataclass(frozen=True, slots=True)
class PatchByLine:
    """One component on one asset: ``due`` is None when no date can be told; ``labels`` and ``notes`` say more."""

    exposure: str
    component: str
    asset: str
    advisory_href: str
    title: str
    fixed: str
    row: str
    due: date | None
    due_badge: Badge
    overdue: bool
    labels: tuple[str, ...]
    notes: tuple[str, ...]
    why: Explanation
    done: Badge | None
    deployed_version: str


@dataclass(frozen=True, slots=True)
class InventoryLine:
    """One list of components that the operator gave, and when."""

    asset: str
    exposed: str
    components: int
    unmatchable: int
    unmatched: tuple[str, ...]
    kept_at: datetime

    @property
    def more(self) -> int:
        """Return how many that could not be matched are not told one by one."""
        return self.unmatchable - len(self.unmatched)


@dataclass(frozen=True, slots=True)
class PatchByPage:
    """The operator's page: what is to do, what is done, and what the answer rests on; ``given`` was just uploaded."""

    open: tuple[PatchByLine, ...]
    done: tuple[PatchByLine, ...]
    inventories: tuple[InventoryLine, ...]
    given: InventoryLine | None


def read_patch_by(tx: Transaction, given: UUID | None = None) -> PatchByPage:
    """Return the viewer's list in the order in which to work; ``given`` names the inventory that was just kept."""
    today = tx.now.date()
    lines = [_line(each, today) for each in exposure.patch_by_list(tx)]
    inventories = {each.id: _inventory(each) for each in exposure.list_inventories(tx)}
    return PatchByPage(
        open=tuple(line for line in lines if line.done is None),
        done=tuple(line for line in lines if line.done is not None),
        inventories=tuple(inventories.values()),
        given=inventories.get(exposure.InventoryId(given)) if given else None,
    )


def _inventory(kept: Inventory) -> InventoryLine:
    return InventoryLine(
        asset=kept.asset,
        exposed=kept.exposed.value,
        components=kept.components,
        unmatchable=kept.unmatchable_count,
        unmatched=tuple(_unmatched(each) for each in kept.unmatchable[:UNMATCHED_SHOWN_MAX]),
        kept_at=kept.kept_at,
    )


def _unmatched(found: Unmatchable) -> str:
    return f"{found.where}: {found.name or '(no name)'} {found.version or '(no version)'}: {found.why}"


def _line(found: PatchBy, today: date) -> PatchByLine:
    decision = found.decision
    done = DONE.get(found.state)
    return PatchByLine(
        exposure=str(found.exposure),
        component=f"{found.component}@{found.version}",
        asset=found.asset,
        advisory_href=f"/advisories/{found.advisory}",
        title=found.title,
        fixed=found.fixed or "",
        row=f"BOD 26-04, row {decision.row.number}" if decision.row else "no row yet",
        due=decision.due,
        due_badge=badge_of(decision),
        overdue=done is None and decision.due is not None and decision.due < today,
        labels=_labels(found, decision),
        notes=tuple(f"assumed: {each}" for each in decision.assumed),
        why=decision.why,
        done=done,
        deployed_version=found.deployed_version or "",
    )


def _labels(found: PatchBy, decision: Decision) -> tuple[str, ...]:
    labels = [f"missing: {each}" for each in decision.missing]
    if found.touch is Touch.UNKNOWN:
        labels.append(f"may be affected: {found.reason}")
    if decision.row is not None and decision.row.forensic:
        labels.append("forensic triage before patching")
    if decision.overdue_on_arrival:
        labels.append("overdue on arrival")
    if decision.assumed:
        labels.append("partly assumed")
    if decision.kev_due is not None:
        labels.append(f"KEV itself says {decision.kev_due.isoformat()}")
    if decision.informative:
        labels.append("informative")
    return tuple(labels)
