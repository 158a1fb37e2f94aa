"""Note that a designation was requested, note its outcome, and read both."""

from __future__ import annotations

from sqlalchemy import RowMapping, insert, select, update

from leadtime.flow import window
from leadtime.flow.assessment.records import (
    Designation,
    DesignationId,
    DesignationState,
    OutcomeWanted,
    RequestWanted,
)
from leadtime.flow.assessment.rules import check_day, move_designation
from leadtime.flow.assessment.tables import designations
from leadtime.flow.window import ModelId
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing
from leadtime.foundation.ids import new_id

DESIGNATIONS_MAX = 1_000
"""Of one model."""


def note_request(tx: Transaction, model: ModelId, wanted: RequestWanted) -> Designation:
    """Note that an outside authority was asked to designate a model; nothing about the model changes by it."""
    found = window.read_model(tx, model)
    tx.require(Act.RECORD_DESIGNATION, model)
    designation = DesignationId(new_id(tx.now))
    row = {
        "id": designation,
        "model": model,
        "developer": found.developer,
        "noted_by": tx.viewer.organisation,
        "authority": window.check_line(wanted.authority, where="authority", held=tx.marked_text),
        "state": DesignationState.REQUESTED.value,
        "requested_on": check_day(wanted.requested_on, not_before=None, now=tx.now, where="requested_on"),
        "request_facts": window.check_note(wanted.facts, where="facts", held=tx.marked_text),
        "outcome_facts": "",
        "noted_at": tx.now,
    }
    tx.connection.execute(insert(designations).values(row))
    return _read(tx, designation)


def note_outcome(tx: Transaction, designation: DesignationId, wanted: OutcomeWanted) -> Designation:
    """Note what the authority did; raises `Conflict` for an outcome that cannot follow."""
    tx.require(Act.RECORD_DESIGNATION, model_of(tx, designation))
    query = select(designations).where(designations.c.id == designation).with_for_update()
    row = tx.connection.execute(query).mappings().one()
    decided = row["decided_on"] or row["requested_on"]
    values = {
        "state": move_designation(DesignationState(row["state"]), wanted.move).value,
        "decided_on": check_day(wanted.decided_on, not_before=decided, now=tx.now, where="decided_on"),
        "outcome_facts": window.check_note(wanted.facts, where="facts", held=tx.marked_text),
    }
    tx.connection.execute(update(designations).where(designations.c.id == designation).values(values))
    return _read(tx, designation)


def model_of(tx: Transaction, designation: DesignationId) -> ModelId:
    """Return the model that a designation is about; raises `Missing` if the viewer may not see both."""
    model = tx.connection.scalar(select(designations.c.model).where(designations.c.id == designation))
    if model is None:
        raise Missing("there is no such designation", where=str(designation), next_step="Check the id.")
    return window.read_model(tx, ModelId(model)).id


def list_designations(tx: Transaction, model: ModelId) -> tuple[Designation, ...]:
    """Return what was noted about a model, oldest first: its developer all, others what they noted."""
    window.read_model(tx, model)
    query = select(designations).where(designations.c.model == model).order_by(designations.c.id)
    return tuple(_from(row) for row in tx.connection.execute(query.limit(DESIGNATIONS_MAX)).mappings())


def _read(tx: Transaction, designation: DesignationId) -> Designation:
    return _from(tx.connection.execute(select(designations).where(designations.c.id == designation)).mappings().one())


def _from(row: RowMapping) -> Designation:
    return Designation(
        id=DesignationId(row["id"]),
        model=ModelId(row["model"]),
        authority=row["authority"],
        state=DesignationState(row["state"]),
        requested_on=row["requested_on"],
        request_facts=row["request_facts"],
        decided_on=row["decided_on"],
        outcome_facts=row["outcome_facts"],
        noted_at=row["noted_at"],
    )
