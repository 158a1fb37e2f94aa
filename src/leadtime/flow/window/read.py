"""Read models, agreements, windows, entries and grants; every other verb enters a model here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, Table, any_, exists, func, or_, select

from leadtime.flow.parties import OrganisationId, PersonId
from leadtime.flow.window.records import (
    Agreement,
    AgreementId,
    Entry,
    EntryId,
    Grant,
    GrantId,
    Limits,
    Milestones,
    Model,
    ModelId,
    Terms,
    Variant,
    Window,
    WindowId,
)
from leadtime.flow.window.rules import move_window, window_state_at
from leadtime.flow.window.tables import agreements, grants, model_variants, models, window_entries, windows
from leadtime.flow.window.vocabulary import (
    AccessMode,
    BarredUse,
    DeveloperMay,
    EntryState,
    Modality,
    ModelState,
    RecordMode,
    WindowKind,
    WindowMove,
    WindowState,
    WireFormat,
)
from leadtime.foundation.access import Act, Role, has_conflict, require
from leadtime.foundation.database import Transaction
from leadtime.foundation.digests import Digest
from leadtime.foundation.errors import Missing

ROWS_MAX = 10_000
"""Models, windows, entries or grants in one list."""

HOLDING = frozenset({Role.AGENCY, Role.PARTNER})
"""Roles that a model is offered to."""


def enter_model(tx: Transaction, act: Act, model: ModelId) -> RowMapping:
    """Return a model's row to a viewer who may do ``act`` to it; raises `Missing` or `Refused`."""
    row = _row(tx, models, models.c.id == model)
    require(tx.viewer, act, tx.relation_to(model), about=None if row is None else row["developer"])
    return _found(row, "model", model)


def enter_window(tx: Transaction, act: Act, window: WindowId) -> RowMapping:
    """Return a window's row to a viewer who may do ``act`` to it; raises `Missing` or `Refused`."""
    row = _row(tx, windows, windows.c.id == window)
    require(tx.viewer, act, tx.relation_to(window), about=None if row is None else row["developer"])
    return _found(row, "window", window)


def hold_model(tx: Transaction, model: ModelId) -> RowMapping:
    """Return a model's row, locked until the transaction ends, for its developer; others get `Missing`."""
    query = select(models).where(models.c.id == model).with_for_update(key_share=True)
    return _found(tx.connection.execute(query).mappings().one_or_none(), "model", model)


def hold_window(tx: Transaction, window: WindowId, move: WindowMove) -> RowMapping:
    """Return a window's row, locked, for its developer; raises `Conflict` if the move is not there in its state."""
    query = select(windows).where(windows.c.id == window).with_for_update(key_share=True)
    held = _found(tx.connection.execute(query).mappings().one_or_none(), "window", window)
    check_window_move(held, move, tx.now)
    return held


def check_window_move(row: RowMapping, move: WindowMove, now: datetime) -> WindowState:
    """Return the state that a move leads a window to at ``now``; raises `Conflict` if there is none."""
    return move_window(window_state_at(WindowState(row["state"]), row["ends_at"], now), move)


def list_models(tx: Transaction) -> tuple[Model, ...]:
    """Return the models that the viewer enrolled or that are offered to it, newest first, at most `ROWS_MAX`."""
    tx.require(Act.LIST_MODELS)
    rows = tx.connection.execute(select(models).order_by(models.c.id.desc()).limit(ROWS_MAX)).mappings().all()
    return tuple(model_from(tx, row) for row in rows if not has_conflict(tx.viewer, row["developer"]))


def read_model(tx: Transaction, model: ModelId) -> Model:
    """Return a model that the viewer enrolled or that is offered to it; raises `Missing`."""
    return model_from(tx, enter_model(tx, Act.READ_MODEL, model))


def list_windows(tx: Transaction, model: ModelId) -> tuple[Window, ...]:
    """Return a model's windows that the viewer takes part in, newest first."""
    enter_model(tx, Act.READ_MODEL, model)
    query = select(windows).where(windows.c.model == model).order_by(windows.c.id.desc()).limit(ROWS_MAX)
    return tuple(window_from(row, tx.now) for row in tx.connection.execute(query).mappings())


def read_window(tx: Transaction, window: WindowId) -> Window:
    """Return a window that the viewer takes part in; raises `Missing`."""
    return window_from(enter_window(tx, Act.READ_MODEL, window), tx.now)


def list_agreements(tx: Transaction, model: ModelId) -> tuple[Agreement, ...]:
    """Return the newest version of each agreement about a model that the viewer may see, oldest first."""
    enter_model(tx, Act.READ_MODEL, model)
    query = select(agreements).where(agreements.c.model == model, _is_newest()).order_by(agreements.c.id)
    return tuple(agreement_from(row) for row in tx.connection.execute(query.limit(ROWS_MAX)).mappings())


def read_agreement(tx: Transaction, agreement: AgreementId, *, version: int | None = None) -> Agreement:
    """Return a version of an agreement (None: the newest) to its two sides; raises `Missing`."""
    wanted = _is_newest() if version is None else agreements.c.version == version
    row = _found(_row(tx, agreements, (agreements.c.id == agreement) & wanted), "agreement", agreement)
    enter_model(tx, Act.READ_MODEL, ModelId(row["model"]))
    return agreement_from(row)


def list_entries(tx: Transaction, model: ModelId) -> tuple[Entry, ...]:
    """Return who was proposed or joined, oldest first: the developer sees all, others their own."""
    enter_model(tx, Act.READ_MODEL, model)
    query = select(window_entries).where(window_entries.c.model == model).order_by(window_entries.c.id)
    return tuple(entry_from(row) for row in tx.connection.execute(query.limit(ROWS_MAX)).mappings())


def enter_entry(tx: Transaction, act: Act, entry: EntryId) -> RowMapping:
    """Return an entry's row to a viewer who may do ``act`` to its model; raises `Missing` or `Refused`."""
    row = _found(_row(tx, window_entries, window_entries.c.id == entry), "entry", entry)
    enter_model(tx, act, ModelId(row["model"]))
    return row


def enter_grant(tx: Transaction, act: Act, grant: GrantId) -> RowMapping:
    """Return a grant's row to a viewer who may do ``act`` in its window; raises `Missing` or `Refused`."""
    row = _found(_row(tx, grants, grants.c.id == grant), "grant", grant)
    enter_window(tx, act, WindowId(row["window_id"]))
    return row


def list_grants(tx: Transaction, window: WindowId) -> tuple[Grant, ...]:
    """Return the grants of a window that the viewer may see: its developer all, others their organisation's."""
    enter_window(tx, Act.READ_MODEL, window)
    query = select(grants).where(grants.c.window_id == window).order_by(grants.c.id).limit(ROWS_MAX)
    return tuple(grant_from(row) for row in tx.connection.execute(query).mappings())


def read_grant(tx: Transaction, grant: GrantId) -> Grant:
    """Return a grant of the viewer's organisation, or of the viewer's model; raises `Missing`."""
    return grant_from(enter_grant(tx, Act.READ_MODEL, grant))


def variants_of(tx: Transaction, wanted: frozenset[ModelId]) -> Mapping[ModelId, tuple[Variant, ...]]:
    """Return the variants of models in the order in which they were named; to a holder, those that it agreed on."""
    query = (
        select(model_variants)
        .where(model_variants.c.model.in_(wanted))
        .order_by(model_variants.c.model, model_variants.c.place)
    )
    if tx.viewer.role in HOLDING:
        query = query.where(_is_agreed_with(tx.viewer.organisation))
    found: dict[ModelId, list[Variant]] = {model: [] for model in wanted}
    for row in tx.connection.execute(query).mappings():
        found[ModelId(row["model"])].append(
            Variant(
                name=row["name"],
                upstream_model=row["upstream_model"],
                declared_digest=None if row["declared_digest"] is None else Digest(row["declared_digest"]),
                input_price=row["input_price"],
                output_price=row["output_price"],
            )
        )
    return {model: tuple(variants) for model, variants in found.items()}


def model_from(tx: Transaction, row: RowMapping) -> Model:
    """Return the model that a row holds, with its variants."""
    model = ModelId(row["id"])
    return Model(
        id=model,
        developer=OrganisationId(row["developer"]),
        developer_name=row["developer_name"],
        name=row["name"],
        modality=Modality(row["modality"]),
        access=AccessMode(row["access"]),
        wire_format=WireFormat(row["wire_format"]),
        variants=variants_of(tx, frozenset({model}))[model],
        state=ModelState(row["state"]),
        milestones=milestones_from(row),
        enrolled_at=row["enrolled_at"],
    )


def milestones_from(row: RowMapping) -> Milestones:
    """Return the milestones that a model's row holds."""
    return Milestones(partner_release_at=row["partner_release_at"], public_release_at=row["public_release_at"])


def window_from(row: RowMapping, now: datetime) -> Window:
    """Return the window that a row holds, as it is at ``now``."""
    return Window(
        id=WindowId(row["id"]),
        model=ModelId(row["model"]),
        kind=WindowKind(row["kind"]),
        state=window_state_at(WindowState(row["state"]), row["ends_at"], now),
        opened_at=row["opened_at"],
        ends_at=row["ends_at"],
        ended_at=row["ended_at"],
    )


def limits_from(row: RowMapping) -> Limits:
    """Return the limits that a row holds."""
    return Limits(
        requests=row["limit_requests"],
        tokens=row["limit_tokens"],
        concurrency=row["limit_concurrency"],
        micro_usd=row["limit_micro_usd"],
    )


def terms_from(row: RowMapping) -> Terms:
    """Return the terms that an agreement's row holds."""
    return Terms(
        instrument=row["instrument"],
        purposes=tuple(row["purposes"]),
        barred=frozenset(BarredUse(use) for use in row["barred"]),
        variants=tuple(row["variants"]),
        developer_may=frozenset(DeveloperMay(what) for what in row["developer_may"]),
        agency_may_propose=row["agency_may_propose"],
        record_mode=RecordMode(row["record_mode"]),
        retention_days=row["retention_days"],
        bars_foreign_access=row["bars_foreign_access"],
        foia_exemption_4=row["foia_exemption_4"],
        export_note=row["export_note"],
        limits=limits_from(row),
        networks=tuple(row["networks"]),
    )


def agreement_from(row: RowMapping) -> Agreement:
    """Return the version of an agreement that a row holds."""
    return Agreement(
        id=AgreementId(row["id"]),
        version=row["version"],
        model=ModelId(row["model"]),
        organisation=OrganisationId(row["organisation"]),
        organisation_name=row["organisation_name"],
        terms=terms_from(row),
        agreed_at=row["agreed_at"],
    )


def entry_from(row: RowMapping) -> Entry:
    """Return the entry that a row holds."""
    return Entry(
        id=EntryId(row["id"]),
        model=ModelId(row["model"]),
        window=None if row["window_id"] is None else WindowId(row["window_id"]),
        organisation=OrganisationId(row["organisation"]),
        organisation_name=row["organisation_name"],
        state=EntryState(row["state"]),
        proposed_by=OrganisationId(row["proposed_by"]),
        proposed_at=row["proposed_at"],
        agreement=None if row["agreement"] is None else AgreementId(row["agreement"]),
    )


def grant_from(row: RowMapping) -> Grant:
    """Return the grant that a row holds."""
    return Grant(
        id=GrantId(row["id"]),
        entry=EntryId(row["entry"]),
        window=WindowId(row["window_id"]),
        model=ModelId(row["model"]),
        organisation=OrganisationId(row["organisation"]),
        person=PersonId(row["person"]),
        person_name=row["person_name"],
        purpose=row["purpose"],
        variants=tuple(row["variants"]),
        limits=limits_from(row),
        networks=tuple(row["networks"]),
        key_thumbprint=row["key_thumbprint"],
        granted_at=row["granted_at"],
        ends_at=row["ends_at"],
        ended_at=row["ended_at"],
    )


def _is_newest() -> ColumnElement[bool]:
    older = agreements.alias("older")
    return (
        agreements.c.version == select(func.max(older.c.version)).where(older.c.id == agreements.c.id).scalar_subquery()
    )


def _is_agreed_with(organisation: UUID | None) -> ColumnElement[bool]:
    """Return whether the newest terms of an agreement with an organisation cover a variant; none named covers all."""
    return exists().where(
        agreements.c.model == model_variants.c.model,
        agreements.c.organisation == organisation,
        _is_newest(),
        or_(func.cardinality(agreements.c.variants) == 0, model_variants.c.name == any_(agreements.c.variants)),
    )


def _row(tx: Transaction, table: Table, condition: ColumnElement[bool]) -> RowMapping | None:
    return tx.connection.execute(select(table).where(condition)).mappings().one_or_none()


def _found(row: RowMapping | None, noun: str, wanted: UUID) -> RowMapping:
    if row is None:
        raise Missing(f"there is no such {noun}", where=str(wanted), next_step="Check the id.")
    return row
