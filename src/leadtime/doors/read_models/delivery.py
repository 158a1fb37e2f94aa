"""What a maintainer opens by signed link, without an account: one report that reproduces on the first try."""

from __future__ import annotations

import io
import json
import shlex
import zipfile
from dataclasses import dataclass, replace
from datetime import datetime

from leadtime.doors.read_models.accounts import Account, accounts_of
from leadtime.doors.read_models.case import (
    credit_lines,
    delivery_badge,
    evidence_lines,
    is_proven,
    read_parts,
    titles_of,
)
from leadtime.doors.read_models.cases import clock_of
from leadtime.doors.read_models.names import Correspondent, Names
from leadtime.doors.read_models.patches import PatchBoard, board_of
from leadtime.doors.read_models.pictures import Badge, Credit, EmbargoClock, Evidence
from leadtime.flow.coordination import CaseEvent, CaseId, Delivery, DeliveryState, EventKind
from leadtime.flow.intake import Report
from leadtime.flow.parties import PersonId
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing

EPOCH = (1980, 1, 1, 0, 0, 0)
"""Date of every member of the archive, so that equal reproducers are equal bytes."""

RECIPE = "recipe.json"


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """One delivery: ``base`` is its address, ``command`` the one line that reproduces the flaw.

    ``sender`` handed it over, None if they have left; ``ends_at`` is when its link stops working.
    """

    base: str
    number: str
    title: str
    organisation: str
    component: str
    state: Badge
    sender: Correspondent | None
    ends_at: datetime
    embargo: EmbargoClock | None
    accounts: tuple[Account, ...]
    recipe: str
    command: str
    has_reproducer: bool
    evidence: tuple[Evidence, ...]
    credits: tuple[Credit, ...]
    proven: bool
    reason: str
    can_acknowledge: bool
    fixed_version: str
    acknowledged_at: datetime | None
    patches: PatchBoard | None


def page_of(tx: Transaction, delivery: Delivery, base: str, names: Names, sender: Correspondent | None) -> DeliveryPage:
    """Return the page of one delivery; ``tx`` is of the viewer that its link let in."""
    parts = read_parts(tx, delivery.case)
    if not parts.reports:
        raise Missing("this delivery has no report that can be shown", next_step="Ask the coordinator who sent it.")
    case, first = parts.file.case, parts.reports[0]
    proven = is_proven(tx, parts.reports)
    board = board_of(tx, delivery.case, base=base, titles=titles_of(parts, names), names=names)
    return DeliveryPage(
        base=base,
        number=case.number,
        title=case.title,
        organisation=names.of(delivery.organisation).text,
        component=parts.vulnerability.component if parts.vulnerability else "",
        state=delivery_badge(delivery),
        sender=sender,
        ends_at=delivery.link_expires_at,
        embargo=clock_of(case, tx.now),
        accounts=accounts_of(parts.reports, names, tx.viewer.role),
        recipe=_recipe(first),
        command=command_for(case.number, first),
        has_reproducer=first.body.reproducer is not None,
        evidence=evidence_lines(tx, parts.reports, names),
        credits=credit_lines(parts.reports, names),
        proven=proven,
        reason="" if proven else _reason(parts.file.history),
        can_acknowledge=delivery.acknowledged_at is None and delivery.state is DeliveryState.SENT,
        fixed_version=delivery.fixed.version if delivery.fixed else "",
        acknowledged_at=delivery.acknowledged_at,
        patches=board if proven or board is None else replace(board, action=""),
    )


def sent_by(history: tuple[CaseEvent, ...]) -> PersonId | None:
    """Return the person who handed the case over last; the history is oldest first."""
    return next((event.person for event in reversed(history) if event.kind is EventKind.DELIVERED), None)


def command_for(number: str, report: Report) -> str:
    """Return the one command that reproduces a report from its downloaded reproducer; empty if it has none."""
    reproducer = report.body.reproducer
    if reproducer is None:
        return ""
    given = shlex.quote(f"./{reproducer.input.name}")
    return f"unzip {number}.zip -d {number} && cd {number} && leadtime validate --recipe {RECIPE} --input {given}"


def packed_reproducer(tx: Transaction, case: CaseId) -> tuple[str, bytes]:
    """Return the name and bytes of a zip with a case's recipe, files and input; the same bytes for the same reproducer.

    Names in it are plain and relative: *intake* refused all others.
    """
    parts = read_parts(tx, case)
    reproducer = next((each.body.reproducer for each in parts.reports if each.body.reproducer), None)
    if reproducer is None:
        raise Missing("this report has no reproducer", next_step="Read how its finder describes it.")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        members = {RECIPE: reproducer.recipe} | {each.name: each.content for each in reproducer.files}
        for name, content in (members | {reproducer.input.name: reproducer.input.content}).items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content)
    return f"{parts.file.case.number}.zip", packed.getvalue()


def _recipe(report: Report) -> str:
    if report.body.reproducer is None:
        return ""
    return json.dumps(json.loads(report.body.reproducer.recipe), indent=2, ensure_ascii=False)


def _reason(history: tuple[CaseEvent, ...]) -> str:
    """Return why it was sent without proof; the history is oldest first."""
    return next((event.note for event in reversed(history) if event.kind is EventKind.DELIVERED), "")
