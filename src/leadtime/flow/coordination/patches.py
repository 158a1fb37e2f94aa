"""Patches that somebody proposes for a case: handed in, kept sealed, and read with how far each one climbs."""

from __future__ import annotations

import json

from sqlalchemy import RowMapping, delete, func, insert, select, update

from leadtime.flow import validation
from leadtime.flow.coordination.history import hold_case, remember
from leadtime.flow.coordination.records import CaseId, CaseState, EventKind, HandedIn, Patch, PatchFile, PatchId
from leadtime.flow.coordination.rules import check_patch
from leadtime.flow.coordination.tables import case_reports, patch_column, patches
from leadtime.flow.intake import ReportId
from leadtime.flow.parties import OrganisationId, PersonId
from leadtime.flow.validation import JudgedPatch
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.digests import Digest, canonical_json, digest_of
from leadtime.foundation.errors import Missing
from leadtime.foundation.ids import new_id

LISTED_MAX = 500
"""Patches of one case, as far as they are read."""

MARK = "patches.mark"
"""Name of the blind index of a patch's digest."""


def hand_in_patch(tx: Transaction, case: CaseId, content: bytes) -> HandedIn:
    """Keep a unified diff that is to fix the case's flaw, sealed under the case's key; the same bytes are one patch.

    For a maintainer who takes part, with an account or by a delivery's link, and for coordinators. Raises `Malformed`
    and `Refused` for what is no diff of text files, is too long, or is one too many, and `Conflict` if the case is
    closed.
    """
    tx.require(Act.HAND_IN_PATCH, case)
    held = hold_case(tx, case)
    digest = digest_of(content)
    mark = tx.keys.blind(MARK, digest)
    same = select(patches).where(patches.c.case_id == case, patches.c.mark == mark)
    known = tx.connection.execute(same).mappings().one_or_none()
    if known is not None:
        return HandedIn(_patch_from(tx, known), fresh=False)
    check_patch(CaseState(held["state"]), len(content), handed_in=_count_of(tx, case))
    validation.read_patch(content)
    patch = PatchId(new_id(tx.now))
    row = {
        "id": patch,
        "case_id": case,
        "mark": mark,
        "organisation": tx.viewer.organisation,
        "person": tx.viewer.person,
        "handed_in_at": tx.now,
        **_sealed(tx, case, patch, content),
    }
    tx.connection.execute(insert(patches).values(row))
    remember(tx, case, EventKind.PATCH_HANDED_IN, digest)
    return HandedIn(_patch_from(tx, _row_of(tx, patch)), fresh=True)


def list_patches(tx: Transaction, case: CaseId) -> tuple[Patch, ...]:
    """Return a case's patches, the newest first, at most `LISTED_MAX`; raises as the access rule does."""
    tx.require(Act.READ_PATCH, case)
    query = select(patches).where(patches.c.case_id == case).order_by(patches.c.turn.desc()).limit(LISTED_MAX)
    return tuple(_patch_from(tx, row) for row in tx.connection.execute(query).mappings())


def read_patch(tx: Transaction, patch: PatchId) -> PatchFile:
    """Return a patch with its text and how far it climbs against each of its case's reports; raises `Missing`."""
    row = _row_of(tx, patch)
    tx.require(Act.READ_PATCH, row["case_id"])
    found = _patch_from(tx, row)
    content = tx.unseal(row["case_id"], patch_column(patch, "content"), row["content"])
    reports = set(tx.connection.scalars(select(case_reports.c.report).where(case_reports.c.case_id == found.case)))
    # Not every maintainer who takes part may open every report, by whose key a judgement is sealed.
    with tx.as_system() as own:
        kept = validation.read_judgements(own, found.digest)
    return PatchFile(found, content, tuple(each for each in kept if each.report in reports))


def note_judgement(tx: Transaction, patch: PatchId, report: ReportId, found: JudgedPatch) -> None:
    """Let the case's history say how far a patch climbs against one of its reports."""
    tx.require(Act.COORDINATE_CASE)
    row = _row_of(tx, patch)
    hold_case(tx, CaseId(row["case_id"]))
    reached = found.ladder.reached if found.ladder is not None else None
    told = reached.replace("_", " ") if reached is not None else "nothing" if found.ladder is not None else found.word
    digest = _patch_from(tx, row).digest
    remember(tx, CaseId(row["case_id"]), EventKind.PATCH_JUDGED, f"{digest} reaches: {told}, with report {report}")


def take_patches(tx: Transaction, survivor: CaseId, absorbed: CaseId) -> None:
    """Let an absorbed case's patches be the survivor's, for a caller who holds both; the same bytes stay one."""
    known = set(tx.connection.scalars(select(patches.c.mark).where(patches.c.case_id == survivor)))
    query = select(patches).where(patches.c.case_id == absorbed).order_by(patches.c.turn).with_for_update()
    for row in tx.connection.execute(query).mappings().all():
        mine = patches.c.id == row["id"]
        if row["mark"] in known:
            tx.connection.execute(delete(patches).where(mine))
            continue
        content = tx.unseal(absorbed, patch_column(row["id"], "content"), row["content"])
        moved = {"case_id": survivor, **_sealed(tx, survivor, PatchId(row["id"]), content)}
        tx.connection.execute(update(patches).where(mine).values(moved))


def _sealed(tx: Transaction, case: CaseId, patch: PatchId, content: bytes) -> dict[str, bytes]:
    facts = canonical_json({"digest": digest_of(content), "size_bytes": len(content)})
    return {
        "facts": tx.seal(case, patch_column(patch, "facts"), facts),
        "content": tx.seal(case, patch_column(patch, "content"), content),
    }


def _count_of(tx: Transaction, case: CaseId) -> int:
    """Return how many patches the viewer's organisation has handed in to a case."""
    mine = patches.c.organisation == tx.viewer.organisation
    query = select(func.count()).select_from(patches).where(patches.c.case_id == case, mine)
    return tx.connection.execute(query).scalar_one()


def _row_of(tx: Transaction, patch: PatchId) -> RowMapping:
    row = tx.connection.execute(select(patches).where(patches.c.id == patch)).mappings().one_or_none()
    if row is None:
        raise Missing("there is no such patch that you may see", where=str(patch), next_step="Check the id.")
    return row


def _patch_from(tx: Transaction, row: RowMapping) -> Patch:
    facts = json.loads(tx.unseal(row["case_id"], patch_column(row["id"], "facts"), row["facts"]))
    return Patch(
        id=PatchId(row["id"]),
        case=CaseId(row["case_id"]),
        digest=Digest(facts["digest"]),
        size_bytes=facts["size_bytes"],
        organisation=OrganisationId(row["organisation"]),
        person=None if row["person"] is None else PersonId(row["person"]),
        handed_in_at=row["handed_in_at"],
    )
