"""Hand a case to a maintainer: proven first, at the maintainer's pace, by a link that needs no account."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import RowMapping, insert, select, update

from leadtime.flow import merging, parties, validation
from leadtime.flow.coordination.history import advance, hold_case, remember
from leadtime.flow.coordination.pace import count_open_deliveries, read_pace
from leadtime.flow.coordination.participants import admit, let_read
from leadtime.flow.coordination.read import read_delivery
from leadtime.flow.coordination.records import (
    CaseId,
    CaseMove,
    DeliveryId,
    DeliveryLink,
    DeliveryMove,
    DeliveryRequest,
    DeliveryState,
    EventKind,
)
from leadtime.flow.coordination.rules import check_note, check_request, is_proof, link_end, move_delivery
from leadtime.flow.coordination.tables import deliveries
from leadtime.flow.intake import ReportId
from leadtime.flow.merging import VulnerabilityId
from leadtime.flow.parties import OrganisationId
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing
from leadtime.foundation.ids import new_id
from leadtime.foundation.keys import new_token, token_hash

PREFIX_OF_LINKS = "ltd"
LINK_DAYS_DEFAULT = 60


def deliver(
    tx: Transaction,
    case: CaseId,
    organisation: OrganisationId,
    *,
    reason: str = "",
    exploitation: str = "",
    link_days: int = LINK_DAYS_DEFAULT,
) -> DeliveryLink:
    """Hand a case to a maintainer and return its page's secret, shown this once.

    The maintainer may then read the case, its reports, the vulnerability and the evidence. ``reason``: why it goes out
    unproven (I5); ``exploitation``: what shows that it is exploited, beyond the maintainer's pace (I8); both stay in
    the history. Raises `Refused` as `rules.check_request`. Delivered before: only a fresh link, which ends the former.
    """
    tx.require(Act.COORDINATE_CASE, case)
    held = hold_case(tx, case)
    secret = new_token(PREFIX_OF_LINKS)
    link: Mapping[str, object] = {"hash": token_hash(secret), "link_expires_at": link_end(tx.now, link_days)}
    known = _find(tx, case, organisation)
    state = None if known is None else DeliveryState(known["state"])
    if state is None or state is DeliveryState.CLOSED:
        note, evidence = check_note(reason, where="reason"), check_note(exploitation, where="exploitation")
        check_request(_request(tx, held, organisation, note, evidence))
        advance(tx, held, CaseMove.DELIVER)
        admit(tx, case, organisation)
        let_read(tx, held, organisation)
        remember(tx, case, EventKind.DELIVERED, "\n".join(text for text in (note, evidence) if text))
    delivery = _begin(tx, case, organisation, link) if known is None else _send_again(tx, known, link)
    return DeliveryLink(read_delivery(tx, delivery), secret)


def _request(
    tx: Transaction, held: RowMapping, organisation: OrganisationId, reason: str, exploitation: str
) -> DeliveryRequest:
    found = merging.read_vulnerability(tx, VulnerabilityId(held["vulnerability"]))
    return DeliveryRequest(
        by_person=tx.viewer.person is not None,
        to_role=parties.read_organisation(tx, organisation).role,
        reproduced=any(_is_shown(tx, report) for report in found.reports),
        reason=reason,
        open_deliveries=count_open_deliveries(tx, organisation),
        pace=read_pace(tx, organisation),
        exploitation=exploitation,
    )


def _is_shown(tx: Transaction, report: ReportId) -> bool:
    """Tell whether a machine reproduced a report, or two people examined what none can."""
    if validation.is_examined(tx, report):
        return True
    try:
        outcome = validation.read_validation(tx, report).outcome
    except Missing:
        return False
    return outcome is not None and is_proof(outcome.verdict)


def _begin(tx: Transaction, case: CaseId, organisation: OrganisationId, link: Mapping[str, object]) -> DeliveryId:
    now = tx.now
    delivery = DeliveryId(new_id(now))
    row = {
        "id": delivery,
        "case_id": case,
        "organisation": organisation,
        "state": DeliveryState.SENT.value,
        "sent_at": now,
    }
    tx.connection.execute(insert(deliveries).values(**row, **link))
    return delivery


def _send_again(tx: Transaction, known: RowMapping, link: Mapping[str, object]) -> DeliveryId:
    state = DeliveryState(known["state"])
    changes: dict[str, object] = {"state": move_delivery(state, DeliveryMove.SEND).value, **link}
    if state is DeliveryState.CLOSED:
        changes |= {"sent_at": tx.now, "acknowledged_at": None, "fix_named_at": None, "fixed": None}
    tx.connection.execute(update(deliveries).where(deliveries.c.id == known["id"]).values(changes))
    return DeliveryId(known["id"])


def _find(tx: Transaction, case: CaseId, organisation: OrganisationId) -> RowMapping | None:
    query = select(deliveries).where(deliveries.c.case_id == case, deliveries.c.organisation == organisation)
    return tx.connection.execute(query).mappings().one_or_none()
