"""Write the developer's two milestones; windows shrink with them, and never grow."""

from __future__ import annotations

from sqlalchemy import RowMapping, select, update

from leadtime.flow.window.history import Owner, remember
from leadtime.flow.window.read import enter_model, hold_model, read_model
from leadtime.flow.window.records import Milestones, Model, ModelId
from leadtime.flow.window.rules import earliest_end, move_model
from leadtime.flow.window.tables import models, windows
from leadtime.flow.window.terms import check_instant
from leadtime.flow.window.vocabulary import EventKind, ModelMove, ModelState, WindowKind, WindowState
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction


def set_milestones(tx: Transaction, model: ModelId, milestones: Milestones) -> Model:
    """Write both dates of a model as they are planned now; only its developer may, and needs nobody for it.

    Windows that would outlast a date end with it; a later date, or none, lengthens no window.
    """
    enter_model(tx, Act.WRITE_MILESTONE, model)
    held = hold_model(tx, model)
    state = move_model(ModelState(held["state"]), ModelMove.SET_MILESTONE)
    planned = Milestones(
        partner_release_at=check_instant(milestones.partner_release_at, where="partner_release_at"),
        public_release_at=check_instant(milestones.public_release_at, where="public_release_at"),
    )
    values = {
        "state": state.value,
        "partner_release_at": planned.partner_release_at,
        "public_release_at": planned.public_release_at,
    }
    tx.connection.execute(update(models).where(models.c.id == model).values(values))
    shrink_windows(tx, held, planned)
    remember(tx, Owner.of(held), EventKind.MILESTONE, _told(planned))
    return read_model(tx, model)


def shrink_windows(tx: Transaction, held: RowMapping, milestones: Milestones) -> None:
    """End a held model's open windows no later than the milestones say, and those of a date in the past now."""
    now = tx.now
    query = select(windows).where(
        windows.c.model == held["id"], windows.c.state == WindowState.OPEN.value, windows.c.ends_at > now
    )
    for row in tx.connection.execute(query).mappings().all():
        ends_at = max(now, earliest_end(WindowKind(row["kind"]), row["ends_at"], milestones))
        tx.connection.execute(update(windows).where(windows.c.id == row["id"]).values(ends_at=ends_at))


def _told(planned: Milestones) -> str:
    partner, public = planned.partner_release_at, planned.public_release_at
    return (
        f"partner release {partner.isoformat() if partner else 'not set'}, "
        f"public release {public.isoformat() if public else 'not set'}"
    )
