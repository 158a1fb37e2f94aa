"""Acts that need two people (I12): asked for by one with a reason, confirmed by another, taken once, all recorded."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import RowMapping, insert, select, update

from leadtime.flow.parties.records import (
    ActKind,
    ActMove,
    ActState,
    OrganisationId,
    PairedAct,
    PairedActId,
    PersonId,
)
from leadtime.flow.parties.rules import (
    ASKING,
    act_end,
    act_state,
    check_about,
    check_reason,
    check_second,
    check_taker,
    move_act,
    not_accepted,
)
from leadtime.flow.parties.tables import paired_acts
from leadtime.foundation.access import Act, Relation, Role, may, relation_to_own
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing, Refused
from leadtime.foundation.ids import new_id

ACTS_MAX = 200
REASON = "reason"


def begin_act(tx: Transaction, kind: ActKind, *, reason: str, about: UUID | None = None) -> PairedAct:
    """Ask for an act, with a reason; it waits some minutes for somebody else to confirm it."""
    tx.require(ASKING[kind])
    asker, house = _named(tx)
    check_about(kind, names_one=about is not None)
    now = tx.now
    act = PairedActId(new_id(now))
    tx.relate(act, house, Relation.OWN)
    row = {
        "id": act,
        "organisation": house,
        "kind": kind.value,
        "about": about,
        "reason": tx.seal(act, REASON, check_reason(reason).encode()),
        "state": ActState.ASKED.value,
        "asked_by": asker,
        "asked_at": now,
        "moved_at": now,
        "expires_at": act_end(now),
    }
    tx.connection.execute(insert(paired_acts).values(row))
    return _read(tx, act)


def confirm_act(tx: Transaction, act: PairedActId) -> PairedAct:
    """Confirm an act that somebody else asked for; they then have some minutes to take it."""
    tx.require(Act.CONFIRM_ACT)
    second, _ = _named(tx)
    asked = _read(tx, act, lock=True)
    check_second(asked, second)
    _move(tx, asked, ActMove.CONFIRM, {"confirmed_by": second, "confirmed_at": tx.now, "expires_at": act_end(tx.now)})
    return _read(tx, act)


def withdraw_act(tx: Transaction, act: PairedActId) -> PairedAct:
    """Withdraw an act that was not taken: by who asked for it, or by whoever could confirm it."""
    person, _ = _named(tx)
    asked = _read(tx, act, lock=True)
    tx.require(ASKING[asked.kind] if asked.asked_by == person else Act.CONFIRM_ACT)
    _move(tx, asked, ActMove.WITHDRAW, {})
    return _read(tx, act)


def take_act(tx: Transaction, act: PairedActId, kind: ActKind) -> PairedAct:
    """Take a confirmed act, once, as who asked for it; what it is for is done in this same transaction.

    Raises `Missing`, `Refused` where it is another's or for something else, `Conflict` where it is not confirmed, was
    taken before or has waited too long.
    """
    tx.require(ASKING[kind])
    taker, _ = _named(tx)
    asked = _read(tx, act, lock=True)
    check_taker(asked, taker, kind)
    _move(tx, asked, ActMove.TAKE, {})
    return _read(tx, act)


def list_acts(tx: Transaction) -> tuple[PairedAct, ...]:
    """Return the acts that the viewer's organisation asked for (who may confirm: all), the newest first."""
    role = tx.viewer.role
    asks = any(may(role, act, relation_to_own(tx.viewer)) for act in ASKING.values())
    if not asks:
        raise Refused(f"the role {role} asks for no act that needs two people", next_step="Ask your coordinator.")
    tx.require(Act.READ_ORGANISATION)
    rows = tx.connection.execute(select(paired_acts).order_by(paired_acts.c.id.desc()).limit(ACTS_MAX)).mappings().all()
    return tuple(_act(tx, row) for row in rows)


def _named(tx: Transaction) -> tuple[PersonId, OrganisationId]:
    """Return who asks by person and organisation; nobody else takes part in an act of two."""
    viewer = tx.viewer
    if viewer.person is None or viewer.organisation is None or viewer.role is Role.SYSTEM:
        raise not_accepted()
    return PersonId(viewer.person), OrganisationId(viewer.organisation)


def _read(tx: Transaction, act: PairedActId, *, lock: bool = False) -> PairedAct:
    query = select(paired_acts).where(paired_acts.c.id == act)
    row = tx.connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    if row is None:
        raise Missing("there is no such act that you may see", where=str(act), next_step="List them.")
    return _act(tx, row)


def _move(tx: Transaction, act: PairedAct, move: ActMove, values: dict[str, object]) -> None:
    state = move_act(act.state, move)
    tx.connection.execute(
        update(paired_acts)
        .where(paired_acts.c.id == act.id)
        .values({**values, "state": state.value, "moved_at": tx.now})
    )


def _act(tx: Transaction, row: RowMapping) -> PairedAct:
    return PairedAct(
        id=PairedActId(row["id"]),
        kind=ActKind(row["kind"]),
        about=row["about"],
        reason=tx.unseal(row["id"], REASON, row["reason"]).decode(),
        state=act_state(ActState(row["state"]), row["expires_at"], tx.now),
        organisation=OrganisationId(row["organisation"]),
        asked_by=PersonId(row["asked_by"]),
        asked_at=row["asked_at"],
        confirmed_by=PersonId(row["confirmed_by"]) if row["confirmed_by"] else None,
        confirmed_at=row["confirmed_at"],
        expires_at=row["expires_at"],
    )
