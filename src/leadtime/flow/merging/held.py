"""The set that is asked for (*do you hold this?*), who asked, and how much may be asked in a day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from leadtime.flow.intake import ReportId
from leadtime.flow.merging.tables import HELD_MARKS, held_asks, held_marks
from leadtime.flow.parties import OrganisationId
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Refused
from leadtime.foundation.ids import new_id
from leadtime.private_match import ELEMENT_BYTES, HELD_MAX

HELD = UUID("6d1f0c5e-0000-5000-8000-68656c640001")
"""The set of everything held, as an entity: its key seals the fingerprints, and reads of it are reads of it."""

FINGERPRINTS_A_DAY_MAX = 2_048
"""What one organisation may ask for in a day (UTC), the filling included."""

OWN_REPORTS_MAX = 500
"""Newest reports of its own whose fingerprints an asker gets, to recognise them."""

MARKS_A_FINDER_MAX = HELD_MAX // 4
"""Of those that are held, so that one finder's reports leave room for everybody else's."""

ASKS_MAX = 200
"""Askings of one list."""


@dataclass(frozen=True, slots=True)
class HeldAsk:
    """One asking: who, when, and for how many fingerprints; for which, nobody knows."""

    id: UUID
    organisation: OrganisationId
    person: UUID
    at: datetime
    fingerprints: int


@dataclass(frozen=True, slots=True)
class HeldBudget:
    """What an organisation has asked for today, of how much, and when it may ask again from nothing."""

    spent: int
    of: int
    renewed_at: datetime


def note_held(tx: Transaction, report: ReportId, finder: OrganisationId, marks: Collection[bytes]) -> None:
    """Hold a merged report's fingerprints (`fingerprints.fingerprints_of_all`) from now on, and no earlier ones."""
    tx.require(Act.COORDINATE_CASE)
    sealed = tx.seal(HELD, HELD_MARKS, b"".join(sorted(marks)))
    row = {"report": report, "organisation": finder, "noted_at": tx.now, "marks": sealed}
    again = {"noted_at": tx.now, "marks": sealed}
    tx.connection.execute(upsert(held_marks).values(row).on_conflict_do_update(index_elements=["report"], set_=again))


def read_held(tx: Transaction) -> frozenset[bytes]:
    """Return the fingerprints that are held, for `private_match.Holder`; only Leadtime's own processes read them.

    Where they are more than can be matched, the newest; of each finder `MARKS_A_FINDER_MAX`.
    """
    tx.require(Act.COORDINATE_CASE)
    newest = select(held_marks.c.organisation, held_marks.c.marks)
    rows = tx.connection.execute(newest.order_by(held_marks.c.noted_at.desc(), held_marks.c.report)).all()
    held: set[bytes] = set()
    taken: Counter[UUID] = Counter()
    for row, joined in zip(rows, tx.unseal_all(HELD, HELD_MARKS, (row.marks for row in rows)), strict=True):
        marks = _each(joined)
        taken[row.organisation] += len(marks)
        if taken[row.organisation] <= MARKS_A_FINDER_MAX and len(held) + len(marks) <= HELD_MAX:
            held.update(marks)
    return frozenset(held)


def count_ask(tx: Transaction, fingerprints: int) -> HeldBudget:
    """Count an asking against the day's budget of the viewer's organisation; commit it before anything is answered.

    Raises `Refused`, saying until when, where the budget does not hold so many. The asking is a read of what is held
    (I3), of its own name.
    """
    tx.require(Act.ASK_HELD)
    organisation, person = tx.viewer.organisation, tx.viewer.person
    if organisation is None or person is None:
        raise Refused("only a named person asks what is held", where="held", next_step="Sign in.")
    tx.lock("merging.held", str(organisation))
    now = tx.now.astimezone(UTC)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    mine = (held_asks.c.organisation == organisation) & (held_asks.c.at >= today)
    spent = tx.connection.scalar(select(func.coalesce(func.sum(held_asks.c.fingerprints), 0)).where(mine)) or 0
    budget = HeldBudget(int(spent) + fingerprints, FINGERPRINTS_A_DAY_MAX, today + timedelta(days=1))
    if budget.spent > budget.of:
        raise Refused(
            f"your organisation may ask for {budget.of} fingerprints a day, and {budget.of - int(spent)} are left",
            where="held",
            next_step=f"Ask for fewer, or come back at {budget.renewed_at:%Y-%m-%d %H:%M} UTC.",
        )
    ask = new_id(now)
    row = {"id": ask, "organisation": organisation, "person": person, "at": now, "fingerprints": fingerprints}
    tx.connection.execute(held_asks.insert().values(row))
    tx.unsealed.update({ask, HELD})
    return budget


def list_asks(tx: Transaction) -> tuple[HeldAsk, ...]:
    """Return the newest askings of the viewer's organisation (a coordinator: of all), at most `ASKS_MAX`."""
    tx.require(Act.ASK_HELD)
    rows = tx.connection.execute(select(held_asks).order_by(held_asks.c.id.desc()).limit(ASKS_MAX))
    return tuple(
        HeldAsk(row.id, OrganisationId(row.organisation), row.person, row.at, row.fingerprints) for row in rows
    )


def own_marks(tx: Transaction) -> Mapping[ReportId, tuple[bytes, ...]]:
    """Return the fingerprints of the viewer's own merged reports, the newest: what it wrote, and nobody else's."""
    tx.require(Act.ASK_HELD)
    query = select(held_marks.c.report, held_marks.c.marks).where(held_marks.c.organisation == tx.viewer.organisation)
    with tx.as_system() as eyes:
        rows = eyes.connection.execute(query.order_by(held_marks.c.report.desc()).limit(OWN_REPORTS_MAX)).all()
        opened = list(eyes.unseal_all(HELD, HELD_MARKS, (row.marks for row in rows)))
    return {ReportId(row.report): _each(joined) for row, joined in zip(rows, opened, strict=True)}


def _each(joined: bytes) -> tuple[bytes, ...]:
    return tuple(joined[begin : begin + ELEMENT_BYTES] for begin in range(0, len(joined), ELEMENT_BYTES))
