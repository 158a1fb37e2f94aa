"""A maintainer's own pace: how many open deliveries it takes at a time (I8)."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as insert_or_update

from leadtime.flow.coordination.records import Pace
from leadtime.flow.coordination.rules import OPEN_DELIVERIES, OPEN_DELIVERIES_DEFAULT, check_pace
from leadtime.flow.coordination.tables import deliveries, paces
from leadtime.flow.parties import OrganisationId
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction


def state_pace(tx: Transaction, organisation: OrganisationId, *, open_deliveries_max: int) -> Pace:
    """Record how many open deliveries a maintainer takes at a time, by its own word; 0 is a pause."""
    tx.require(Act.STATE_PACE, organisation)
    pace = Pace(organisation=organisation, open_deliveries_max=check_pace(open_deliveries_max), stated=True)
    said = {"open_deliveries_max": pace.open_deliveries_max, "stated_at": tx.now}
    tx.connection.execute(
        insert_or_update(paces)
        .values(organisation=organisation, **said)
        .on_conflict_do_update(index_elements=[paces.c.organisation], set_=said)
    )
    return pace


def read_pace(tx: Transaction, organisation: OrganisationId) -> Pace:
    """Return a maintainer's pace, or the default while it has stated none."""
    tx.require(Act.STATE_PACE, organisation)
    stated = tx.connection.scalar(select(paces.c.open_deliveries_max).where(paces.c.organisation == organisation))
    if stated is None:
        return Pace(organisation=organisation, open_deliveries_max=OPEN_DELIVERIES_DEFAULT, stated=False)
    return Pace(organisation=organisation, open_deliveries_max=stated, stated=True)


def count_open_deliveries(tx: Transaction, organisation: OrganisationId) -> int:
    """Return how many deliveries a maintainer has open, with no other delivery to it under way until the commit."""
    tx.lock("pace", str(organisation))
    states = [state.value for state in OPEN_DELIVERIES]
    counted = tx.connection.scalar(
        select(func.count())
        .select_from(deliveries)
        .where(deliveries.c.organisation == organisation, deliveries.c.state.in_(states))
    )
    return counted or 0
