"""What no machine can prove: its own lane, where two people each answer a checklist (I5); counted apart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select

from leadtime.flow.intake import ReportId, read_sender
from leadtime.flow.parties import PersonId
from leadtime.flow.validation.read import read_validation
from leadtime.flow.validation.records import Word
from leadtime.flow.validation.states import State
from leadtime.flow.validation.tables import EXAMINED, examinations
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.digests import canonical_json
from leadtime.foundation.errors import Conflict, Malformed, Refused
from leadtime.foundation.lines import check_prose

PEOPLE_WANTED = 2
ANSWER_CHARS_MAX = 2_000


class Unprovable(StrEnum):
    """Kinds of flaw that no reproducer of ours can show."""

    HARDWARE = "hardware"
    PROTOCOL = "protocol"
    CLOUD = "cloud"
    LOGIC = "logic"


@dataclass(frozen=True, slots=True)
class Item:
    """One question of a checklist; ``key`` names its answer."""

    key: str
    question: str


_EVERY = (
    Item("affected", "Which product and versions are affected, and how is that known?"),
    Item("boundary", "Who crosses which trust boundary, and what do they gain?"),
    Item("innocent", "Which innocent explanation was looked for, and why does it not hold?"),
)

CHECKLISTS: Mapping[Unprovable, tuple[Item, ...]] = {
    Unprovable.HARDWARE: (
        *_EVERY,
        Item("device", "Which device, revision and firmware was it seen on, and by whom?"),
        Item("measured", "What was measured, with which instrument, and how often?"),
    ),
    Unprovable.PROTOCOL: (
        *_EVERY,
        Item("text", "Which sentence of which specification, and version, allows or forbids it?"),
        Item("trace", "Which recorded exchange shows it, and between which implementations?"),
    ),
    Unprovable.CLOUD: (
        *_EVERY,
        Item("consent", "Under whose permission and in whose account was it seen?"),
        Item("record", "Which request and response, with times, shows it?"),
    ),
    Unprovable.LOGIC: (
        *_EVERY,
        Item("rule", "Which rule of the product is broken, and where is that rule stated?"),
        Item("steps", "Which steps lead there, and which of them did you take yourself?"),
    ),
}
"""Kind -> what each of two people answers."""


@dataclass(frozen=True, slots=True)
class Examination:
    """What one person answered for one report."""

    report: ReportId
    person: PersonId
    kind: Unprovable
    answers: Mapping[str, str]
    at: datetime


def examine(tx: Transaction, report: ReportId, kind: Unprovable, answers: Mapping[str, str]) -> bool:
    """Record a named coordinator's answers to a kind's checklist; True once two people answered that one.

    Each answers for themselves; again replaces one's own. Raises `Refused` for whoever handed the report in,
    `Malformed` for an item without an answer or one too many, `Conflict` while a machine has not decided, or if it
    reproduced the report.
    """
    tx.require(Act.COORDINATE_CASE)
    if tx.viewer.person is None:
        raise Refused("only a named person examines a report", where="examination", next_step="Sign in.")
    if tx.viewer.person == read_sender(tx, report):
        raise Refused("whoever handed a report in does not examine it", where=str(report), next_step="Ask a colleague.")
    _check_undecided(tx, report)
    words = check_answers(kind, answers)
    tx.lock("validation.examination", str(report))
    mine = (examinations.c.report == report) & (examinations.c.person == tx.viewer.person)
    tx.connection.execute(examinations.delete().where(mine))
    row = {
        "report": report,
        "person": tx.viewer.person,
        "kind": kind.value,
        "at": tx.now,
        "answers": tx.seal(report, EXAMINED, canonical_json(words)),
    }
    tx.connection.execute(examinations.insert().values(row))
    return is_examined(tx, report)


def check_answers(kind: Unprovable, answers: Mapping[str, str]) -> dict[str, str]:
    """Return the answers without the space around them; raises `Malformed` unless they are those of the checklist."""
    wanted = {item.key for item in CHECKLISTS[kind]}
    if set(answers) != wanted:
        raise Malformed(
            f"the checklist for {kind} asks for {', '.join(sorted(wanted))}", where="answers", next_step="Answer each."
        )
    return {key: check_prose(text, where=key, chars_max=ANSWER_CHARS_MAX) for key, text in answers.items()}


def is_examined(tx: Transaction, report: ReportId) -> bool:
    """Tell whether two people answered the checklist of one kind for a report."""
    query = select(examinations.c.kind).where(examinations.c.report == report)
    kinds = tx.connection.scalars(query).all()
    return any(kinds.count(kind) >= PEOPLE_WANTED for kind in kinds)


def list_examinations(tx: Transaction, report: ReportId) -> Sequence[Examination]:
    """Return what people answered for a report, the first first."""
    tx.require(Act.COORDINATE_CASE, report)
    query = (
        select(examinations).where(examinations.c.report == report).order_by(examinations.c.at, examinations.c.person)
    )
    return [
        Examination(
            report=report,
            person=PersonId(row.person),
            kind=Unprovable(row.kind),
            answers=json.loads(tx.unseal(report, EXAMINED, row.answers)),
            at=row.at,
        )
        for row in tx.connection.execute(query)
    ]


def _check_undecided(tx: Transaction, report: ReportId) -> None:
    kept = read_validation(tx, report)
    if kept.outcome is None and kept.state is not State.SET_ASIDE:
        raise Conflict(
            "this report's validation is not decided yet", where=str(report), next_step="Wait for its verdict."
        )
    if kept.outcome is not None and kept.outcome.verdict == Word.REPRODUCED:
        raise Conflict("a machine has reproduced this report", where=str(report), next_step="Read its case.")
