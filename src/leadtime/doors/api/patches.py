"""Patches that are proposed for a case, and how far each one climbs."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from leadtime.doors import limits
from leadtime.doors.api.asking import Asking, AskingOnce, Limit
from leadtime.doors.api.shapes import Input, Page, page_of
from leadtime.doors.api.shapes_flow import Shape
from leadtime.flow import coordination
from leadtime.flow.coordination import CaseId, PatchFile, PatchId
from leadtime.flow.validation import KeptJudgement, Rung, Standing, Word
from leadtime.foundation.database import Transaction
from leadtime.workflows.judging import hand_in_patch

router = APIRouter(tags=["patches"])


class PatchWanted(Input):
    """A unified diff of text files (``git diff`` or ``diff -u``), at most 256 KiB."""

    diff: Annotated[str, Field(min_length=1)]


class PatchShape(Shape):
    """A patch; the same bytes are one. ``person`` is null where it came by a delivery's link."""

    id: UUID
    case: UUID
    digest: str
    size_bytes: int
    organisation: UUID
    person: UUID | None
    handed_in_at: datetime


class StepShape(Shape):
    """One rung of the ladder: whether it holds, and why."""

    rung: Rung
    standing: Standing
    reason: str


class JudgementShape(Shape):
    """How far a patch climbs against one report; ``verdict``: what showed without it. No steps where no flaw showed."""

    report: UUID
    judged_at: datetime
    verdict: Word
    reason: str
    environment: str
    reached: Rung | None
    steps: tuple[StepShape, ...]

    @classmethod
    def of(cls, kept: KeptJudgement) -> JudgementShape:
        """Return the shape of a judgement."""
        ladder = kept.found.ladder
        return cls(
            report=kept.report,
            judged_at=kept.judged_at,
            verdict=kept.found.word,
            reason=kept.found.reason,
            environment=kept.found.environment,
            reached=ladder.reached if ladder else None,
            steps=tuple(StepShape.model_validate(step) for step in ladder.steps) if ladder else (),
        )


class PatchFileShape(Shape):
    """A patch with its text (base64, since a diff need not be UTF-8) and every judgement that is there by now."""

    patch: PatchShape
    diff_base64: str
    judgements: tuple[JudgementShape, ...]

    @classmethod
    def of(cls, file: PatchFile) -> PatchFileShape:
        """Return the shape of a patch."""
        return cls(
            patch=PatchShape.model_validate(file.patch),
            diff_base64=base64.b64encode(file.content).decode(),
            judgements=tuple(JudgementShape.of(each) for each in file.judgements),
        )


@router.get("/cases/{case}/patches", summary="List a case's patches")
def list_patches(
    case: UUID, ask: Asking, cursor: UUID | None = None, limit: Limit = limits.PAGE_ROWS_DEFAULT
) -> Page[PatchShape]:
    """Return what was proposed, newest first."""
    with ask.transaction() as tx:
        found = coordination.list_patches(tx, CaseId(case))
    return page_of([PatchShape.model_validate(each) for each in found], cursor, limit, by=lambda each: each.id)


@router.post("/cases/{case}/patches", status_code=201, summary="Hand in a patch", response_model=PatchShape)
def post_patch(case: UUID, wanted: PatchWanted, ask: AskingOnce) -> Response:
    """Hand in a diff that is to fix the case's flaw; it is judged by itself, which takes minutes."""

    def act(tx: Transaction) -> PatchShape:
        return PatchShape.model_validate(hand_in_patch(tx, CaseId(case), wanted.diff.encode()).patch)

    return ask.do(act, PatchShape, status=201)


@router.get("/patches/{patch}", summary="Read a patch and how far it climbs")
def read_patch(patch: UUID, ask: Asking) -> PatchFileShape:
    """Return a patch, its text, and its ladder against each report that it was judged against."""
    with ask.transaction() as tx:
        return PatchFileShape.of(coordination.read_patch(tx, PatchId(patch)))
