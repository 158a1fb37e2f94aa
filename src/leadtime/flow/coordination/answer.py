"""A maintainer opens its delivery, acknowledges it and names the fixed version."""

from __future__ import annotations

from sqlalchemy import RowMapping, select, update

from leadtime.flow import merging
from leadtime.flow.coordination.history import advance, hold_case, remember
from leadtime.flow.coordination.read import delivery_from, read_delivery
from leadtime.flow.coordination.records import (
    CaseId,
    CaseMove,
    Delivery,
    DeliveryEntry,
    DeliveryId,
    DeliveryMove,
    DeliveryState,
    EventKind,
)
from leadtime.flow.coordination.rules import (
    NOTE_CHARS_MAX,
    VERSION_CHARS_MAX,
    check_answerer,
    link_holds,
    link_not_accepted,
    move_delivery,
)
from leadtime.flow.coordination.tables import deliveries, fixed_column
from leadtime.flow.merging import VulnerabilityId
from leadtime.flow.parties import OrganisationId
from leadtime.foundation.access import Act, Role, Viewer
from leadtime.foundation.database import Transaction
from leadtime.foundation.digests import canonical_json
from leadtime.foundation.errors import Malformed, Missing
from leadtime.foundation.keys import token_hash
from leadtime.foundation.lines import check_line
from leadtime.packages.purls import parse_purl
from leadtime.packages.versions import key_or_none, order_for, shown_version

SAID_BY_MAINTAINER = "the maintainer"


def enter_delivery(tx: Transaction, secret: str) -> DeliveryEntry:
    """Return the delivery that a link's secret opens, and who it lets in; in a transaction of the system.

    The viewer is the maintainer's organisation without a person. Use it for this delivery's page and answers alone.
    Raises `Refused`, in the same words whether the secret is unknown, expired, or of a closed delivery.
    """
    named = deliveries.c.hash == token_hash(secret)
    link = tx.connection.execute(select(deliveries).where(named)).mappings().one_or_none()
    if link is None:
        raise link_not_accepted()
    continued = select(deliveries).where(deliveries.c.id == (link["continued_as"] or link["id"]))
    row = tx.connection.execute(continued).mappings().one()
    if not link_holds(DeliveryState(row["state"]), link["link_expires_at"], tx.now):
        raise link_not_accepted()
    viewer = Viewer(role=Role.MAINTAINER, organisation=row["organisation"])
    return DeliveryEntry(delivery=delivery_from(tx, row), viewer=viewer)


def acknowledge(tx: Transaction, delivery: DeliveryId) -> Delivery:
    """Record that the maintainer has the delivery and works on it; again changes nothing."""
    held, case_row = _hold(tx, delivery)
    if held["acknowledged_at"] is None:
        state = move_delivery(DeliveryState(held["state"]), DeliveryMove.ACKNOWLEDGE)
        advance(tx, case_row, CaseMove.ACKNOWLEDGE)
        tx.connection.execute(
            update(deliveries).where(deliveries.c.id == delivery).values(state=state.value, acknowledged_at=tx.now)
        )
        remember(tx, CaseId(case_row["id"]), EventKind.ACKNOWLEDGED)
    return read_delivery(tx, delivery)


def name_fixed_version(
    tx: Transaction, delivery: DeliveryId, version: str, *, source: str = SAID_BY_MAINTAINER
) -> Delivery:
    """Record the release that has the fix and who or what said so; another version corrects the former.

    The same version again changes nothing. Raises `Malformed` for an empty or overlong text, and for one that is no
    version in the component's ecosystem, where that has an order: no operator could be told whether theirs is older.
    """
    held, case_row = _hold(tx, delivery)
    said = {
        "version": check_line(version, where="version", chars_max=VERSION_CHARS_MAX),
        "source": check_line(source, where="source", chars_max=NOTE_CHARS_MAX),
    }
    _check_in_order(tx, VulnerabilityId(case_row["vulnerability"]), said["version"])
    known = delivery_from(tx, held).fixed
    if known is None or (known.version, known.source) != (said["version"], said["source"]):
        state = move_delivery(DeliveryState(held["state"]), DeliveryMove.NAME_FIX)
        advance(tx, case_row, CaseMove.NAME_FIX)
        case = CaseId(case_row["id"])
        sealed = tx.seal(case, fixed_column(delivery), canonical_json(said))
        tx.connection.execute(
            update(deliveries)
            .where(deliveries.c.id == delivery)
            .values(state=state.value, fix_named_at=tx.now, fixed=sealed)
        )
        remember(tx, case, EventKind.FIX_NAMED, f"{said['version']}, said by {said['source']}")
    return read_delivery(tx, delivery)


def _check_in_order(tx: Transaction, vulnerability: VulnerabilityId, version: str) -> None:
    component = merging.read_vulnerability(tx, vulnerability).component
    if not component.startswith("pkg:"):
        return
    purl = parse_purl(component, where="component")
    order = order_for(purl.ecosystem or purl.type)
    if order is not None and key_or_none(order, version) is None:
        raise Malformed(
            f"{shown_version(version)} is not a version in the order of {order.value}, which {purl} follows",
            where="version",
            next_step="Write the release as its registry does.",
        )


def _hold(tx: Transaction, delivery: DeliveryId) -> tuple[RowMapping, RowMapping]:
    """Return the rows of a delivery and its case, both locked, case first, if the viewer may answer."""
    query = select(deliveries).where(deliveries.c.id == delivery)
    found = tx.connection.execute(query).mappings().one_or_none()
    if found is None:
        raise Missing("there is no such delivery", where=str(delivery), next_step="Check the id.")
    case = CaseId(found["case_id"])
    tx.require(Act.ANSWER_DELIVERY, case)
    check_answerer(tx.viewer, OrganisationId(found["organisation"]))
    case_row = hold_case(tx, case)
    return tx.connection.execute(query.with_for_update()).mappings().one(), case_row
