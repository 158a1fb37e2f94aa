"""What an act of two people gives: all unpatched cases, or one in an emergency; taken and read in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import bindparam, text

from leadtime.doors.read_models.attention import DONE
from leadtime.flow import coordination, parties
from leadtime.flow.coordination import CaseFile, CaseId
from leadtime.flow.parties import ActKind, ActState, PairedAct, PairedActId
from leadtime.foundation.access import Act, may, relation_to_own
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing, Unavailable

EXPORT_CASES_MAX = 10_000
TAKEN_ON_PAGES = frozenset({ActKind.BULK_EXPORT, ActKind.BREAK_GLASS})
"""The others are taken by naming them in the request that they are for."""

ABOUT_PEOPLE = frozenset({ActKind.SIGN_IN, ActKind.REMOVE})

_NAMES = text("select id, name from people where id in :ids").bindparams(bindparam("ids", expanding=True))


@dataclass(frozen=True, slots=True)
class ActRow:
    """One act in the list, with what the viewer can do about it; ``about`` is a person's name where it is one's."""

    act: PairedAct
    asked_by: str
    confirmed_by: str
    about: str
    can_confirm: bool
    can_withdraw: bool
    can_take: bool


def export_unpatched(tx: Transaction, act: PairedActId) -> tuple[CaseFile, ...]:
    """Take a confirmed act and return every case that is not published or closed; `Unavailable` beyond the bound."""
    parties.take_act(tx, act, ActKind.BULK_EXPORT)
    found: list[CaseFile] = []
    after: CaseId | None = None
    while len(found) <= EXPORT_CASES_MAX:
        page = coordination.list_cases(tx, after=after)
        found += [coordination.read_case(tx, case.id) for case in page.cases if case.state not in DONE]
        after = page.after
        if after is None:
            return tuple(found)
    raise Unavailable(f"more than {EXPORT_CASES_MAX} cases are open", next_step="Restore from a backup instead.")


def read_in_emergency(tx: Transaction, act: PairedActId) -> CaseFile:
    """Take a confirmed act and return the case that it names, whoever takes part in it."""
    taken = parties.take_act(tx, act, ActKind.BREAK_GLASS)
    if taken.about is None:
        raise Missing("this act names no case", where=str(act), next_step="Ask for another one.")
    with tx.as_system() as eyes:
        return coordination.read_case(eyes, CaseId(taken.about))


def read_acts(tx: Transaction) -> tuple[ActRow, ...]:
    """Return the acts that the viewer sees, the newest first."""
    acts = parties.list_acts(tx)
    named = {person for act in acts for person in (act.asked_by, act.confirmed_by) if person}
    names = _names(tx, named | {act.about for act in acts if act.about and act.kind in ABOUT_PEOPLE})
    confirms = may(tx.viewer.role, Act.CONFIRM_ACT, relation_to_own(tx.viewer))
    return tuple(_row(act, names, tx.viewer.person, confirms=confirms) for act in acts)


def _row(act: PairedAct, names: Mapping[UUID, str], viewer: UUID | None, *, confirms: bool) -> ActRow:
    mine = act.asked_by == viewer
    return ActRow(
        act=act,
        asked_by=names.get(act.asked_by, "somebody"),
        confirmed_by=names.get(act.confirmed_by, "somebody") if act.confirmed_by else "",
        about=names.get(act.about, str(act.about)) if act.about else "",
        can_confirm=confirms and not mine and act.state is ActState.ASKED,
        can_withdraw=(confirms or mine) and act.state in {ActState.ASKED, ActState.CONFIRMED},
        can_take=mine and act.state is ActState.CONFIRMED and act.kind in TAKEN_ON_PAGES,
    )


def _names(tx: Transaction, people: set[UUID]) -> Mapping[UUID, str]:
    """Return the names of people, the removed too; who took part in an act is told to whoever sees it."""
    if not people:
        return {}
    with tx.as_system() as eyes:
        return {row.id: row.name for row in eyes.connection.execute(_NAMES, {"ids": list(people)})}
