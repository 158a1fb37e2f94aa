"""Open a window of an offered model, and shorten one."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, insert, select, update

from leadtime.flow.window.history import Owner, remember
from leadtime.flow.window.read import (
    enter_model,
    enter_window,
    hold_model,
    hold_window,
    milestones_from,
    read_window,
)
from leadtime.flow.window.records import ModelId, Window, WindowId
from leadtime.flow.window.rules import move_model, shortened_end, window_end
from leadtime.flow.window.tables import models, windows
from leadtime.flow.window.terms import check_instant
from leadtime.flow.window.vocabulary import EventKind, ModelMove, ModelState, WindowKind, WindowMove, WindowState
from leadtime.foundation.access import Act, Relation
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Conflict
from leadtime.foundation.ids import new_id


def open_window(tx: Transaction, model: ModelId, kind: WindowKind, *, ends_at: datetime | None = None) -> Window:
    """Open a window of a model; ``ends_at`` None: as late as its kind and the milestones let it end.

    One of a kind is open at a time (`Conflict`). Raises `Refused` as `rules.window_end`.
    """
    enter_model(tx, Act.OFFER_MODEL, model)
    held, now = hold_model(tx, model), tx.now
    state = move_model(ModelState(held["state"]), ModelMove.OPEN_WINDOW)
    first = held["first_offered_at"] or now
    end = window_end(
        kind, check_instant(ends_at, where="ends_at"), milestones_from(held), first_opened_at=first, now=now
    )
    if count_open(tx, model, kind):
        raise Conflict(f"a {kind} window is open", where="model", next_step="Offer in that one, or withdraw it first.")
    window = WindowId(new_id(now))
    tx.relate(window, held["developer"], Relation.OWN)
    row = {
        "id": window,
        "model": model,
        "developer": held["developer"],
        "kind": kind.value,
        "state": WindowState.OPEN.value,
        "opened_at": now,
        "ends_at": end,
    }
    tx.connection.execute(insert(windows).values(row))
    offered = first if kind is WindowKind.GOVERNMENT else held["first_offered_at"]
    values = {"state": state.value, "first_offered_at": offered}
    tx.connection.execute(update(models).where(models.c.id == model).values(values))
    remember(tx, Owner.of(held), EventKind.OPENED, f"{kind} window {window} until {end.isoformat()}")
    return read_window(tx, window)


def shorten_window(tx: Transaction, window: WindowId, *, ends_at: datetime) -> Window:
    """Bring a window's end forward, to now at the earliest; raises `Refused` for a later one."""
    enter_window(tx, Act.OFFER_MODEL, window)
    held = hold_window(tx, window, WindowMove.SHORTEN)
    end = max(tx.now, shortened_end(held["ends_at"], check_instant(ends_at, where="ends_at") or held["ends_at"]))
    tx.connection.execute(update(windows).where(windows.c.id == window).values(ends_at=end))
    remember(tx, Owner.of(held), EventKind.SHORTENED, f"window {window} until {end.isoformat()}")
    return read_window(tx, window)


def count_open(tx: Transaction, model: ModelId, kind: WindowKind | None = None) -> int:
    """Return how many windows of a model (of one kind, or of any) are open now."""
    query = select(func.count()).where(
        windows.c.model == model, windows.c.state == WindowState.OPEN.value, windows.c.ends_at > tx.now
    )
    return tx.connection.scalar(query if kind is None else query.where(windows.c.kind == kind.value)) or 0
