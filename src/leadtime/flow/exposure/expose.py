"""Find what published advisories touch in operators' inventories, and keep each finding until it is dealt with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Row, Uuid, any_, literal, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_not

from leadtime.flow.advisory import AdvisoryId, list_published, read_published
from leadtime.flow.exposure.details import DETAIL, Detail, restore_detail, store_detail
from leadtime.flow.exposure.keep import read_inventory_of
from leadtime.flow.exposure.matching import Judgement
from leadtime.flow.exposure.published import AdvisoryPackage, judge_package, next_fix, packages_of
from leadtime.flow.exposure.records import ExposureId, ExposureMove, ExposureState, InventoryId, Touch
from leadtime.flow.exposure.rules import apply, move_after_looking, speaks
from leadtime.flow.exposure.shelves import package_index, version_index, versions_of
from leadtime.flow.exposure.tables import exposures, inventories, inventory_packages
from leadtime.foundation.access import Relation
from leadtime.foundation.database import Transaction
from leadtime.foundation.ids import new_id

ADVISORIES_AT_ONCE = 500
PAGES_MAX = 2_000
"""Pages of published advisories that one inventory is held against."""


@dataclass(frozen=True, slots=True)
class Place:
    """One asset of one operator, as its newest inventory has it."""

    inventory: InventoryId
    organisation: UUID
    blind: bytes
    asset: str
    kept_at: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """One version of a package that is installed on an asset: whether a flaw is in it, and what to say of it."""

    touch: Touch
    detail: Detail


def match_advisory(tx: Transaction, advisory: AdvisoryId) -> int:
    """Hold every operator's newest inventories against one published advisory; return how many exposures are open.

    For Leadtime's own workers. May run again at any time: it follows the advisory's newest revision, closes what a
    withdrawal or a better range took back, and opens nothing twice.
    """
    published = read_published(tx, advisory)
    if published.document.withdrawn_at is not None:
        withdraw_exposures(tx, advisory)
        return 0
    for asked in packages_of(published):
        index = package_index(tx, asked.package)
        for place in _held_places(tx, _holding(tx, index) | _exposed_to(tx, advisory, index)):
            _look(tx, place, advisory, asked)
    is_open = (exposures.c.advisory == advisory) & (exposures.c.state == ExposureState.OPEN.value)
    return len(tx.connection.scalars(select(exposures.c.id).where(is_open)).all())


def match_inventory(tx: Transaction, inventory: InventoryId) -> int:
    """Hold one inventory against everything that is published; return how many advisories were looked at.

    For Leadtime's own workers, after an operator kept a new inventory; may run again. A superseded inventory is left
    alone: its successor speaks for the asset.
    """
    places = _held_places(tx, {inventory})
    if not places:
        return 0
    (place,) = places
    held = set(
        tx.connection.scalars(select(inventory_packages.c.package).where(inventory_packages.c.inventory == inventory))
    )
    known = select(exposures.c.package).where(
        exposures.c.organisation == place.organisation, exposures.c.asset == place.blind
    )
    held |= set(tx.connection.scalars(known))
    looked, after = 0, None
    for _ in range(PAGES_MAX):
        page = list_published(tx, after=after, limit=ADVISORIES_AT_ONCE)
        for published in page:
            looked += 1
            for asked in packages_of(published):
                if package_index(tx, asked.package) in held:
                    _look(tx, place, published.id, asked)
        if len(page) < ADVISORIES_AT_ONCE:
            break
        after = page[-1].id
    return looked


def withdraw_exposures(tx: Transaction, advisory: AdvisoryId) -> None:
    """Close every exposure to an advisory that was withdrawn."""
    mine = exposures.c.advisory == advisory
    tx.connection.execute(
        update(exposures)
        .where(mine, exposures.c.state != ExposureState.WITHDRAWN.value)
        .values(state=ExposureState.WITHDRAWN.value, changed_at=tx.now)
    )


def _look(tx: Transaction, place: Place, advisory: AdvisoryId, asked: AdvisoryPackage) -> None:
    """Bring the exposures of one package on one asset up to date with every version that is installed there now."""
    versions = {each.version: None for each in versions_of(tx, place.inventory, asked.package)}
    judged = {version: judge_package(asked, version) for version in versions}
    fixes = tuple(version for version, each in judged.items() if each.touch is Touch.NO)
    known = _known(tx, place, advisory, asked.package)
    for version, row in known.items():
        _follow(tx, place, row, _found(place, asked, judged, version), fixes)
    first_seen = min((row.enumerated_at for row in known.values()), default=place.kept_at)
    for version, each in judged.items():
        if version not in known and each.touch is not Touch.NO:
            _open(tx, place, advisory, Seen(each.touch, _detail(place, asked, each, version)), first_seen)


def _known(tx: Transaction, place: Place, advisory: AdvisoryId, package: str) -> dict[str, Row[Any]]:
    """Return the exposures that are known of one package on one asset to one advisory, by version."""
    rows = tx.connection.execute(
        select(exposures)
        .where(
            exposures.c.organisation == place.organisation,
            exposures.c.asset == place.blind,
            exposures.c.package == package_index(tx, package),
            exposures.c.advisory == advisory,
        )
        .order_by(exposures.c.id)
        .with_for_update()
    ).all()
    return {restore_detail(tx.unseal(row.id, DETAIL, row.detail)).version: row for row in rows}


def _found(place: Place, asked: AdvisoryPackage, judged: Mapping[str, Judgement], version: str) -> Seen | None:
    here = judged.get(version)
    return None if here is None else Seen(here.touch, _detail(place, asked, here, version))


def _detail(place: Place, asked: AdvisoryPackage, judged: Judgement, version: str) -> Detail:
    return Detail(place.asset, asked.package, version, next_fix(asked, version), judged.reason, deployed=None)


def _open(tx: Transaction, place: Place, advisory: AdvisoryId, seen: Seen, first_seen: datetime) -> None:
    """Open the exposure of a version; its clock runs since the flaw was first seen on the asset in any version."""
    exposure = ExposureId(new_id(tx.now))
    tx.relate(exposure, place.organisation, Relation.OWN)
    row = {
        "id": exposure,
        "organisation": place.organisation,
        "asset": place.blind,
        "package": package_index(tx, seen.detail.package),
        "version": version_index(tx, seen.detail.package, seen.detail.version),
        "advisory": advisory,
        "state": ExposureState.OPEN.value,
        "touch": seen.touch.value,
        "enumerated_at": first_seen,
        "changed_at": tx.now,
        "detail": tx.seal(exposure, DETAIL, store_detail(seen.detail)),
    }
    tx.connection.execute(insert_or_not(exposures).values(row).on_conflict_do_nothing())


def _follow(tx: Transaction, place: Place, known: Row[Any], found: Seen | None, fixes: tuple[str, ...]) -> None:
    """Make the move that looking makes; what changes nothing is not written, so that dates stay true."""
    state, touch = ExposureState(known.state), Touch(known.touch)
    held = restore_detail(tx.unseal(known.id, DETAIL, known.detail))
    move = move_after_looking(state, here=None if found is None else found.touch, fix_is_here=bool(fixes))
    if move is None or not speaks(state, looked_at=place.kept_at, changed_at=known.changed_at):
        return
    after = apply(state, move)
    shown = held
    if found is not None and move is ExposureMove.SEE:
        shown, touch = found.detail, found.touch
    elif move is ExposureMove.DEPLOY and held.deployed not in fixes:
        shown = held.put_in_place(fixes[0])
    if (after, shown) != (state, held):
        write_move(tx, ExposureId(known.id), after, shown, touch)


def write_move(tx: Transaction, exposure: ExposureId, state: ExposureState, detail: Detail, touch: Touch) -> None:
    """Write what a move made of an exposure."""
    sealed = tx.seal(exposure, DETAIL, store_detail(detail))
    tx.connection.execute(
        update(exposures)
        .where(exposures.c.id == exposure)
        .values(state=state.value, touch=touch.value, changed_at=tx.now, detail=sealed)
    )


def _holding(tx: Transaction, index: bytes) -> set[InventoryId]:
    """Return the newest inventories that hold a package."""
    current = inventories.c.superseded_at.is_(None)
    found = select(inventory_packages.c.inventory).join_from(inventory_packages, inventories)
    return {
        InventoryId(each) for each in tx.connection.scalars(found.where(inventory_packages.c.package == index, current))
    }


def _exposed_to(tx: Transaction, advisory: AdvisoryId, index: bytes) -> set[InventoryId]:
    """Return the newest inventories of assets that are known to be exposed, whatever they hold by now."""
    same_asset = (inventories.c.organisation == exposures.c.organisation) & (inventories.c.asset == exposures.c.asset)
    found = (
        select(inventories.c.id)
        .join_from(exposures, inventories, same_asset)
        .where(
            exposures.c.advisory == advisory,
            exposures.c.package == index,
            inventories.c.superseded_at.is_(None),
        )
    )
    return {InventoryId(each) for each in tx.connection.scalars(found)}


def _held_places(tx: Transaction, looked_at: Iterable[InventoryId]) -> tuple[Place, ...]:
    """Return the places of those inventories that still speak for their assets, and hold them so until the end.

    A newer inventory of an asset waits for this transaction, or this one has waited for it and leaves the old alone.
    """
    current = (
        select(inventories)
        .where(inventories.c.id == any_(literal(list(looked_at), ARRAY(Uuid))), inventories.c.superseded_at.is_(None))
        .with_for_update(read=True)
    )
    return tuple(
        Place(row.id, row.organisation, row.asset, read_inventory_of(tx, row.id).asset, row.kept_at)
        for row in tx.connection.execute(current).all()
    )
