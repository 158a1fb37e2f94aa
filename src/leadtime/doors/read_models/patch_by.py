"""One operator's short list: what to patch, where, by when, and why then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from leadtime.doors.read_models.pictures import Badge, Tone
from leadtime.doors.read_models.urgency import badge_of
from leadtime.flow import exposure
from leadtime.flow.exposure import ExposureState, PatchBy, Touch
from leadtime.flow.priority import Decision
from leadtime.foundation.database import Transaction
from leadtime.foundation.explanation import Explanation

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
    kept_at: datetime


@dataclass(frozen=True, slots=True)
class PatchByPage:
    """The operator's page: what is to do, what is done, and what the answer rests on."""

    open: tuple[PatchByLine, ...]
    done: tuple[PatchByLine, ...]
    inventories: tuple[InventoryLine, ...]


def read_patch_by(tx: Transaction) -> PatchByPage:
    """Return the viewer's list in the order in which to work."""
    today = tx.now.date()
    lines = [_line(each, today) for each in exposure.patch_by_list(tx)]
    return PatchByPage(
        open=tuple(line for line in lines if line.done is None),
        done=tuple(line for line in lines if line.done is not None),
        inventories=tuple(
            InventoryLine(each.asset, each.exposed.value, each.components, each.unmatchable_count, each.kept_at)
            for each in exposure.list_inventories(tx)
        ),
    )


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
