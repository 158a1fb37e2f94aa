"""Withdraw and release: the developer's two moves that are there in every state, and need nobody (I1)."""

from __future__ import annotations

from sqlalchemy import RowMapping, select, update

from leadtime.flow.window.history import Owner, remember
from leadtime.flow.window.open_window import count_open
from leadtime.flow.window.read import (
    check_window_move,
    enter_model,
    enter_window,
    hold_model,
    hold_window,
    read_model,
    read_window,
)
from leadtime.flow.window.records import Model, ModelId, Window, WindowId
from leadtime.flow.window.rules import move_model
from leadtime.flow.window.tables import models, windows
from leadtime.flow.window.vocabulary import EventKind, ModelMove, ModelState, WindowMove, WindowState
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction


def withdraw(tx: Transaction, window: WindowId) -> Window:
    """End a window at once: no credential under it works once this transaction is committed. Twice is as once."""
    row = enter_window(tx, Act.END_OFFER, window)
    model = hold_model(tx, ModelId(row["model"]))
    held = hold_window(tx, window, WindowMove.WITHDRAW)
    _end(tx, held, WindowMove.WITHDRAW)
    if not count_open(tx, ModelId(row["model"])):
        _move(tx, model, ModelMove.WITHDRAW)
    remember(tx, Owner.of(held), EventKind.WITHDRAWN, f"window {window}")
    return read_window(tx, window)


def withdraw_model(tx: Transaction, model: ModelId) -> Model:
    """End every window of a model at once; twice is as once."""
    return _end_all(tx, model, ModelMove.WITHDRAW, WindowMove.WITHDRAW, EventKind.WITHDRAWN)


def release(tx: Transaction, model: ModelId) -> Model:
    """Record that the model is public, and end every window; the date is now unless an earlier one was set."""
    return _end_all(tx, model, ModelMove.RELEASE, WindowMove.RELEASE, EventKind.RELEASED)


def _end_all(tx: Transaction, model: ModelId, move: ModelMove, each: WindowMove, kind: EventKind) -> Model:
    enter_model(tx, Act.END_OFFER, model)
    held = hold_model(tx, model)
    for window in tx.connection.scalars(select(windows.c.id).where(windows.c.model == model)).all():
        _end(tx, hold_window(tx, WindowId(window), each), each)
    _move(tx, held, move)
    remember(tx, Owner.of(held), kind)
    return read_model(tx, model)


def _end(tx: Transaction, held: RowMapping, move: WindowMove) -> None:
    """Make the move of a held window; one that is over stays as it ended."""
    state = check_window_move(held, move, tx.now)
    if held["state"] == WindowState.OPEN.value and state is not WindowState.EXPIRED:
        tx.connection.execute(
            update(windows).where(windows.c.id == held["id"]).values(state=state.value, ended_at=tx.now)
        )


def _move(tx: Transaction, held: RowMapping, move: ModelMove) -> None:
    values: dict[str, object] = {"state": move_model(ModelState(held["state"]), move).value}
    if move is ModelMove.RELEASE:
        planned = held["public_release_at"]
        values["public_release_at"] = tx.now if planned is None else min(planned, tx.now)
    tx.connection.execute(update(models).where(models.c.id == held["id"]).values(values))
