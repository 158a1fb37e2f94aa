"""Write a model's history: a row for its pages, a leaf for its log, and word to every gateway, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import RowMapping, func, insert, select

from leadtime.flow.parties import OrganisationId, PersonId
from leadtime.flow.window.read import enter_model
from leadtime.flow.window.records import ModelId, WindowEvent
from leadtime.flow.window.refusals import count_refusal
from leadtime.flow.window.tables import agreements, grants, models, window_entries, window_events, windows
from leadtime.flow.window.vocabulary import EventKind
from leadtime.foundation.access import Act, Viewer
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing
from leadtime.foundation.ids import parse_id
from leadtime.ledger import Log, LogKind, LogName, append, new_leaf, open_log, parse_log_name

CHANNEL = "leadtime_window"
"""PostgreSQL's channel on which gateways hear which model's standings to read anew."""

EVENTS_MAX = 10_000
_PREFIX = "model-"


@dataclass(frozen=True, slots=True)
class Owner:
    """A model and whose it is."""

    model: ModelId
    developer: OrganisationId

    @classmethod
    def of(cls, row: RowMapping) -> Owner:
        """Return the owner that a row of the model, or of something under it, names."""
        return cls(ModelId(row.get("model", row["id"])), OrganisationId(row["developer"]))


def log_of(model: ModelId) -> LogName:
    """Return the name of a model's log."""
    return parse_log_name(f"{_PREFIX}{model}")


def enter_log(tx: Transaction, log: LogName) -> ModelId:
    """Return the model whose log this is, to a viewer who may read it; raises `Missing` or `Refused`."""
    model = ModelId(parse_id(log.removeprefix(_PREFIX), where="log"))
    if log != log_of(model):
        raise Missing("there is no such log", where=log, next_step="Ask /ledger for those you may read.")
    enter_model(tx, Act.READ_MODEL_LOG, model)
    return model


def open_model_log(tx: Transaction, model: ModelId) -> None:
    """Open the log of a model that is enrolled now.

    Its origin names the installation by its key, not by its address, which may change while a log's origin may not.
    """
    name = log_of(model)
    open_log(tx, Log(name, origin=f"leadtime-{tx.keys.key_id}/{name}", kind=LogKind.MODEL))


def remember(
    tx: Transaction, owner: Owner, kind: EventKind, note: str = "", *, concerns: OrganisationId | None = None
) -> None:
    """Append a line to the history of a model and tell gateways, unless nothing changed but that.

    ``concerns`` is the organisation that may read the line besides the developer.
    """
    model, now = owner.model, tx.now
    said = _said(tx, kind, note)
    leaf = new_leaf(tx.keys, log_of(model), kind=kind.value, at=now, fields=said)
    append(tx, log_of(model), leaf)
    row = {
        "id": leaf.id,
        "model": model,
        "developer": owner.developer,
        "concerns": concerns,
        "at": now,
        "organisation": tx.viewer.organisation,
        "person": tx.viewer.person,
        "kind": kind.value,
        "note": note,
    }
    tx.connection.execute(insert(window_events).values(row))
    if kind is not EventKind.REFUSED:
        tell_gateways(tx, model)


def note_refusal(tx: Transaction, thing: UUID, by: Viewer, what: str) -> None:
    """Leave a line and a leaf of a request that was refused; in a transaction of the system, after that one ended.

    ``thing`` is what was asked about: a model, or a window, agreement, entry or grant of one; of another id nothing is
    left. Of many in one minute the later are only counted, and the next line tells how many.
    """
    owner = _owner_of(tx, thing)
    uncounted = None if owner is None else count_refusal(tx, owner.model, by.person)
    if owner is None or uncounted is None:
        return
    concerns = None if by.organisation in {None, owner.developer} else OrganisationId(by.organisation)
    note = f"{what} ({uncounted} more before it were only counted)" if uncounted else what
    remember(replace(tx, viewer=by), owner, EventKind.REFUSED, note, concerns=concerns)


def _owner_of(tx: Transaction, thing: UUID) -> Owner | None:
    for table in (models, windows, agreements, window_entries, grants):
        row = tx.connection.execute(select(table).where(table.c.id == thing).limit(1)).mappings().one_or_none()
        if row is not None:
            return Owner.of(row)
    return None


def tell_gateways(tx: Transaction, model: ModelId) -> None:
    """Notify every gateway, when this transaction commits, that standings of a model have changed."""
    tx.connection.execute(select(func.pg_notify(CHANNEL, str(model))))


def history_of(tx: Transaction, model: ModelId) -> tuple[WindowEvent, ...]:
    """Return a model's history, oldest first, at most its last `EVENTS_MAX` lines: its developer all, others theirs."""
    enter_model(tx, Act.READ_MODEL, model)
    query = select(window_events).where(window_events.c.model == model).order_by(window_events.c.turn.desc())
    rows = tx.connection.execute(query.limit(EVENTS_MAX)).mappings().all()
    return tuple(_event(row) for row in reversed(rows))


def _said(tx: Transaction, kind: EventKind, note: str) -> dict[str, bytes]:
    """Return what an event's leaf commits to; the event's row keeps the same values, so that a leaf can be opened."""
    return {
        "kind": kind.value.encode(),
        "organisation": str(tx.viewer.organisation or "").encode(),
        "person": str(tx.viewer.person or "").encode(),
        "note": note.encode(),
    }


def _event(row: RowMapping) -> WindowEvent:
    return WindowEvent(
        at=row["at"],
        organisation=None if row["organisation"] is None else OrganisationId(row["organisation"]),
        person=None if row["person"] is None else PersonId(row["person"]),
        concerns=None if row["concerns"] is None else OrganisationId(row["concerns"]),
        kind=EventKind(row["kind"]),
        note=row["note"],
    )
