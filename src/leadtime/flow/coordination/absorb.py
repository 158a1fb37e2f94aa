"""Take one case into another when two flaws turn out to be one: what was promised for either holds for both."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import RowMapping, select, update

from leadtime.flow.coordination.history import hold_case, remember
from leadtime.flow.coordination.outcome import close
from leadtime.flow.coordination.participants import admit, let_read
from leadtime.flow.coordination.patches import take_patches
from leadtime.flow.coordination.records import CaseId, CaseState, DeliveryState, Embargo, EventKind
from leadtime.flow.coordination.rules import further, later_embargo, state_after_taking_in
from leadtime.flow.coordination.tables import case_participants, cases, deliveries, fixed_column
from leadtime.flow.merging import VulnerabilityId
from leadtime.flow.parties import OrganisationId
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction


def absorb_case(tx: Transaction, vulnerability: VulnerabilityId, *, into: CaseId) -> None:
    """Let ``into`` take in the case of a vulnerability that turned out to be its own; without one, or again, nothing.

    The later-ending embargo and the stricter label stand from now on. Whoever took part takes part in ``into``;
    deliveries go on there, answers and links included, and patches; the absorbed case is closed. Its reports come with
    their credits when `open_case` is called for the surviving vulnerability, which is to be done before, in the same
    transaction.
    """
    tx.require(Act.COORDINATE_CASE, into)
    tx.lock("case", str(vulnerability))
    found = tx.connection.scalar(select(cases.c.id).where(cases.c.vulnerability == vulnerability))
    if found is None or found == into:
        return
    survivor, absorbed = hold_case(tx, into), hold_case(tx, CaseId(found))
    _promise_as(tx, survivor, absorbed)
    if CaseState(absorbed["state"]) is CaseState.CLOSED:
        return
    remember(tx, into, EventKind.TOOK_IN, absorbed["number"])
    taking_part = select(case_participants.c.organisation).where(case_participants.c.case_id == found)
    for organisation in sorted(tx.connection.scalars(taking_part)):
        admit(tx, into, OrganisationId(organisation))
    _take_deliveries(tx, survivor, absorbed)
    take_patches(tx, into, CaseId(found))
    close(tx, absorbed, f"the same flaw as {survivor['number']}")


def share_promises(tx: Transaction, case: CaseId, *, of: CaseId) -> None:
    """Let what was promised for one case hold for another too: the later-ending embargo, the stricter label.

    For a case whose reports were split off the other: their finders were given its word.
    """
    tx.require(Act.COORDINATE_CASE, case)
    giver = hold_case(tx, of)
    _promise_as(tx, hold_case(tx, case), giver)


def _promise_as(tx: Transaction, held: RowMapping, giver: RowMapping) -> None:
    kept = _embargo(held)
    embargo = later_embargo(kept, _embargo(giver))
    tlp = max(held["tlp"], giver["tlp"])
    if embargo is not None and embargo != kept:
        remember(
            tx,
            CaseId(held["id"]),
            EventKind.EMBARGO_SET,
            f"until {embargo.ends_at.isoformat()}, agreed in {embargo.zone} for {giver['number']}",
        )
        tx.connection.execute(
            update(cases)
            .where(cases.c.id == held["id"])
            .values(embargo_ends_at=embargo.ends_at, embargo_zone=embargo.zone)
        )
    if tlp != held["tlp"]:
        tx.connection.execute(update(cases).where(cases.c.id == held["id"]).values(tlp=tlp))


def _embargo(held: RowMapping) -> Embargo | None:
    ends_at = held["embargo_ends_at"]
    return None if ends_at is None else Embargo(ends_at=ends_at, zone=held["embargo_zone"])


def _take_deliveries(tx: Transaction, survivor: RowMapping, absorbed: RowMapping) -> None:
    """Let the absorbed case's open deliveries go on in the survivor, and bring the survivor's state up to them."""
    mine = {row["organisation"]: row for row in _deliveries_of(tx, survivor)}
    taken = [row for row in _deliveries_of(tx, absorbed) if row["state"] != DeliveryState.CLOSED.value]
    for row in taken:
        if (same := mine.get(row["organisation"])) is None:
            _move(tx, row, survivor)
        else:
            _join(tx, row, same)
        let_read(tx, survivor, OrganisationId(row["organisation"]))
    states = [DeliveryState(row["state"]) for row in taken]
    state = state_after_taking_in(CaseState(survivor["state"]), CaseState(absorbed["state"]), states)
    if survivor["state"] == CaseState.CLOSED.value:
        remember(tx, CaseId(survivor["id"]), EventKind.REOPENED, f"{absorbed['number']} is the same flaw")
    tx.connection.execute(update(cases).where(cases.c.id == survivor["id"]).values(state=state.value))


def _deliveries_of(tx: Transaction, held: RowMapping) -> list[RowMapping]:
    query = select(deliveries).where(deliveries.c.case_id == held["id"]).order_by(deliveries.c.id).with_for_update()
    return list(tx.connection.execute(query).mappings())


def _move(tx: Transaction, row: RowMapping, survivor: RowMapping) -> None:
    """Make a delivery one of the survivor's; its link and its answer stay what they are."""
    changes = {"case_id": survivor["id"], "fixed": _sealed_anew(tx, row, row["id"], survivor["id"])}
    tx.connection.execute(update(deliveries).where(deliveries.c.id == row["id"]).values(changes))


def _join(tx: Transaction, row: RowMapping, same: RowMapping) -> None:
    """Let a delivery go on as the survivor's own to the same maintainer, with whatever was answered to either."""
    answered = [at for at in (same["acknowledged_at"], row["acknowledged_at"]) if at is not None]
    changes: Mapping[str, object] = {
        "state": further(DeliveryState(same["state"]), DeliveryState(row["state"])).value,
        "acknowledged_at": min(answered, default=None),
    }
    if same["fixed"] is None:
        changes = {
            **changes,
            "fixed": _sealed_anew(tx, row, same["id"], same["case_id"]),
            "fix_named_at": row["fix_named_at"],
        }
    tx.connection.execute(update(deliveries).where(deliveries.c.id == same["id"]).values(changes))
    led_here = (deliveries.c.id == row["id"]) | (deliveries.c.continued_as == row["id"])
    tx.connection.execute(update(deliveries).where(led_here).values(continued_as=same["id"]))


def _sealed_anew(tx: Transaction, row: RowMapping, delivery: object, case: CaseId) -> bytes | None:
    """Return a delivery's sealed answer as one of ``delivery`` of ``case``."""
    if row["fixed"] is None:
        return None
    return tx.seal(case, fixed_column(delivery), tx.unseal(row["case_id"], fixed_column(row["id"]), row["fixed"]))
