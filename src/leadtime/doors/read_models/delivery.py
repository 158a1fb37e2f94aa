"""What a maintainer opens by signed link, without an account: one report that reproduces on the first try."""

from __future__ import annotations

import io
import json
import shlex
import zipfile
from collections.abc import Mapping
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
from leadtime.flow.intake import Report, Reproducer
from leadtime.flow.parties import PersonId
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing

EPOCH = (1980, 1, 1, 0, 0, 0)
"""Date of every member of the archive, so that equal reproducers are equal bytes."""

RECIPE = "recipe.json"
README = "README.txt"
PACKED_BYTES_MAX = 64 << 20
"""Reproducers beyond it are left out of an archive, the later ones first; one alone is always in."""

README_TEXT = """\
Reproducers of {number}, as {url} handed them over.

Each folder is one finder's: recipe.json says how the release is built and run, the other files are its input and
harness. They make the vulnerable release fail: run them in a sandbox only.

One command runs one of them:

    {command}

It needs Leadtime on Linux, the software that {url} runs. Ask who sent you this where to get it: a package of that
name elsewhere may be another's.
It also needs a network, to fetch the release; the release is then built and run without one.
With --bundle FILE it writes an archive that holds the release too and runs offline, without leadtime.

Folders here: {folders} of {all}.
"""


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
        command=command_for(case.number, parts.reports),
        has_reproducer=any(each.body.reproducer for each in parts.reports),
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


def command_for(number: str, reports: tuple[Report, ...]) -> str:
    """Return the one command that reproduces the first report of an archive; empty if none has a reproducer."""
    reproducer = next(iter(_reproducers(reports)), None)
    if reproducer is None:
        return ""
    given = shlex.quote(f"./{reproducer.input.name}")
    place = f"{number}/{_folder(1)}"
    return f"unzip {number}.zip -d {number} && cd {place} && leadtime validate --recipe {RECIPE} --input {given}"


def packed_reproducers(tx: Transaction, case: CaseId, url: str) -> tuple[str, bytes]:
    """Return the name and bytes of a zip with a folder for each reproducer of a case, and what it is in plain words.

    Equal reproducers are equal bytes. Names in it are plain and relative: *intake* refused all others. ``url`` is the
    installation's. Raises `Missing` if no report that the viewer may read has a reproducer.
    """
    parts = read_parts(tx, case)
    held = _reproducers(parts.reports)
    if not held:
        raise Missing("this report has no reproducer", next_step="Read how its finder describes it.")
    number, left_bytes, members = parts.file.case.number, PACKED_BYTES_MAX, dict[str, bytes]()
    shown = 0
    for each in held:
        files = {RECIPE: each.recipe} | {file.name: file.content for file in (*each.files, each.input)}
        left_bytes -= sum(map(len, files.values()))
        if shown and left_bytes < 0:
            break
        shown += 1
        members |= {f"{_folder(shown)}/{name}": content for name, content in files.items()}
    command = command_for(number, parts.reports)
    text = README_TEXT.format(number=number, url=url, command=command, folders=shown, all=len(held))
    return f"{number}.zip", _zip({README: text.encode()} | members)


def _zip(members: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content)
    return packed.getvalue()


def _reproducers(reports: tuple[Report, ...]) -> tuple[Reproducer, ...]:
    return tuple(each.body.reproducer for each in reports if each.body.reproducer is not None)


def _folder(number: int) -> str:
    return f"report-{number}"


def _recipe(report: Report) -> str:
    if report.body.reproducer is None:
        return ""
    return json.dumps(json.loads(report.body.reproducer.recipe), indent=2, ensure_ascii=False)


def _reason(history: tuple[CaseEvent, ...]) -> str:
    """Return why it was sent without proof; the history is oldest first."""
    return next((event.note for event in reversed(history) if event.kind is EventKind.DELIVERED), "")
