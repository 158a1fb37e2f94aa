"""An operator's list of what to patch by when, and what becomes of each line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from leadtime.flow.advisory import AdvisoryId, read_published
from leadtime.flow.exposure.details import DETAIL, restore_detail
from leadtime.flow.exposure.expose import write_move
from leadtime.flow.exposure.published import judge_package, packages_of
from leadtime.flow.exposure.records import ExposureId, ExposureMove, ExposureState, PatchBy, Touch
from leadtime.flow.exposure.rules import apply, check_deployed, check_version, combined, in_order
from leadtime.flow.exposure.tables import exposures, inventories
from leadtime.flow.priority import Answer, CveFacts, decide, facts_for, inputs_from
from leadtime.formats.advisories import AdvisoryDocument
from leadtime.foundation.access import Act, Role
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing
from leadtime.foundation.explanation import Fact

LINES_MAX = 10_000


def patch_by_list(tx: Transaction) -> tuple[PatchBy, ...]:
    """Return the viewer's own list, in the order in which to work; done lines stand at its end.

    Row and date are decided now, from the sources as loaded now and the asset's exposure as last given. The directive
    binds agencies; for everybody else its date is informative and says so.
    """
    tx.require(Act.READ_EXPOSURE)
    rows = tx.connection.execute(
        select(exposures)
        .where(exposures.c.organisation == tx.viewer.organisation)
        .order_by(exposures.c.id.desc())
        .limit(LINES_MAX)
    ).all()
    known = _read_background(tx, rows)
    return in_order(_line(tx, row, known) for row in rows)


def mark_deployed(tx: Transaction, exposure: ExposureId, version: str) -> PatchBy:
    """Record that the operator put ``version`` in place; again changes nothing.

    Raises `Refused` if the advisory touches that version too, `Missing` for anybody but the operator.
    """
    row = tx.connection.execute(select(exposures).where(exposures.c.id == exposure).with_for_update()).one_or_none()
    if row is None:
        raise Missing("there is no such exposure that you may see", next_step="Check its id.")
    tx.require(Act.MARK_DEPLOYED, exposure)
    name = check_version(version)
    held = restore_detail(tx.unseal(exposure, DETAIL, row.detail))
    published = read_published(tx, AdvisoryId(row.advisory))
    asked = [each for each in packages_of(published) if each.package == held.package]
    check_deployed(combined(judge_package(each, name).touch for each in asked), name)
    if (row.state, held.deployed) != (ExposureState.DEPLOYED.value, name):
        state = apply(ExposureState(row.state), ExposureMove.DEPLOY)
        write_move(tx, exposure, state, held.put_in_place(name), Touch(row.touch))
    after = tx.connection.execute(select(exposures).where(exposures.c.id == exposure)).one()
    return _line(tx, after, _read_background(tx, [after]))


@dataclass(frozen=True, slots=True)
class _Background:
    """What many lines share, read once: assets, advisories, and what the sources say of each CVE."""

    reached: Mapping[bytes, tuple[Answer, datetime]]
    documents: Mapping[UUID, AdvisoryDocument]
    facts: Mapping[str | None, CveFacts]


def _read_background(tx: Transaction, rows: Sequence[Row[Any]]) -> _Background:
    documents = {each: read_published(tx, AdvisoryId(each)).document for each in {row.advisory for row in rows}}
    facts = {cve: facts_for(tx, cve) for cve in {each.cve for each in documents.values()}}
    return _Background(_reached(tx), documents, facts)


def _reached(tx: Transaction) -> dict[bytes, tuple[Answer, datetime]]:
    """Return whether each of the viewer's assets is exposed, as its newest inventory says, and when that was given."""
    held = select(inventories.c.asset, inventories.c.exposed, inventories.c.kept_at).where(
        inventories.c.organisation == tx.viewer.organisation, inventories.c.superseded_at.is_(None)
    )
    return {row.asset: (Answer(row.exposed), row.kept_at) for row in tx.connection.execute(held)}


def _line(tx: Transaction, row: Row[Any], known: _Background) -> PatchBy:
    detail = restore_detail(tx.unseal(row.id, DETAIL, row.detail))
    document = known.documents[row.advisory]
    exposed, given_at = known.reached.get(row.asset, (Answer.UNKNOWN, None))
    said = Fact("exposed, as given", exposed.value, f"your inventory of {detail.asset}", given_at)
    seen = Fact("enumerated", detail.version, f"your inventory of {detail.asset}", row.enumerated_at)
    inputs = inputs_from(
        known.facts[document.cve],
        exposed=exposed,
        enumerated=row.enumerated_at.astimezone(UTC).date(),
        binding=tx.viewer.role is Role.AGENCY,
    )
    return PatchBy(
        exposure=ExposureId(row.id),
        state=ExposureState(row.state),
        asset=detail.asset,
        exposed=exposed,
        component=detail.package,
        version=detail.version,
        advisory=AdvisoryId(row.advisory),
        number=document.number,
        title=document.title,
        cve=document.cve,
        touch=Touch(row.touch),
        fixed=detail.fixed,
        reason=detail.reason,
        enumerated_at=row.enumerated_at,
        changed_at=row.changed_at,
        deployed_version=detail.deployed,
        decision=decide(replace(inputs, facts=(said, seen, *inputs.facts))),
    )
