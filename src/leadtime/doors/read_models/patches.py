"""Patches of a case as pictures: a ladder for each report that one was judged against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from leadtime.doors.read_models.names import Names
from leadtime.flow import coordination
from leadtime.flow.coordination import CaseId, CaseState, PatchFile
from leadtime.flow.intake import ReportId
from leadtime.flow.validation import KeptJudgement, Standing
from leadtime.foundation.access import Act, may
from leadtime.foundation.database import Transaction

PATCHES_SHOWN_MAX = 5
"""Newest first; the API lists them all."""

DIGEST_CHARS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class RungLine:
    """One rung: its name, whether it holds, and why."""

    name: str
    standing: Standing
    reason: str


@dataclass(frozen=True, slots=True)
class LadderPicture:
    """How far a patch climbs against one report; without rungs ``reason`` says why there is no ladder."""

    report: str
    judged_at: datetime
    reached: str
    is_climbed: bool
    head: str
    reason: str
    rungs: tuple[RungLine, ...]


@dataclass(frozen=True, slots=True)
class PatchLine:
    """One patch, with its ladders, the lowest first: a patch is worth no more than that."""

    href: str
    digest: str
    by: str
    example: bool
    handed_in_at: datetime
    ladders: tuple[LadderPicture, ...]


@dataclass(frozen=True, slots=True)
class PatchBoard:
    """A case's patches for those who may see them; ``action`` takes another one, empty: not from this viewer now."""

    action: str
    lines: tuple[PatchLine, ...]
    more: int


def board_of(
    tx: Transaction, case: CaseId, *, base: str, titles: Mapping[ReportId, str], names: Names
) -> PatchBoard | None:
    """Return a case's newest patches, None for those who may not see them.

    ``base`` is the address below which this viewer hands patches in and reads them.
    """
    relation = tx.relation_to(case)
    if not may(tx.viewer.role, Act.READ_PATCH, relation):
        return None
    held = coordination.list_patches(tx, case)
    shown = [coordination.read_patch(tx, each.id) for each in held[:PATCHES_SHOWN_MAX]]
    is_open = coordination.read_case(tx, case).case.state is not CaseState.CLOSED
    takes = is_open and may(tx.viewer.role, Act.HAND_IN_PATCH, relation)
    address = f"{base}/patches"
    lines = tuple(_line(each, address, titles, names) for each in shown)
    return PatchBoard(address if takes else "", lines, more=len(held) - len(shown))


def _line(file: PatchFile, address: str, titles: Mapping[ReportId, str], names: Names) -> PatchLine:
    patch, by = file.patch, names.of(file.patch.organisation)
    ladders = [_picture(each, titles) for each in file.judgements]
    return PatchLine(
        href=f"{address}/{patch.id}.diff",
        digest=patch.digest.removeprefix("sha256:")[:DIGEST_CHARS_SHOWN],
        by=by.text,
        example=by.example,
        handed_in_at=patch.handed_in_at,
        ladders=tuple(sorted(ladders, key=_height)),
    )


def _height(picture: LadderPicture) -> tuple[int, str]:
    return sum(rung.standing is Standing.PASSED for rung in picture.rungs), picture.report


def _picture(kept: KeptJudgement, titles: Mapping[ReportId, str]) -> LadderPicture:
    ladder = kept.found.ladder
    reached = ladder.reached if ladder is not None else None
    return LadderPicture(
        report=titles.get(kept.report, str(kept.report)),
        judged_at=kept.judged_at,
        reached=reached.words if reached is not None else "",
        is_climbed=ladder is not None and ladder.is_climbed,
        head=ladder.head if ladder is not None else "",
        reason=kept.found.reason,
        rungs=tuple(RungLine(step.rung.words, step.standing, step.reason) for step in ladder.steps) if ladder else (),
    )
