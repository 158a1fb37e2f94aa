"""Name who may read a model's log besides its developer, and leave a trace of what was refused."""

from __future__ import annotations

from leadtime.flow import parties
from leadtime.flow.parties import OrganisationId
from leadtime.flow.window.history import Owner, remember
from leadtime.flow.window.read import enter_model
from leadtime.flow.window.records import ModelId
from leadtime.flow.window.vocabulary import EventKind
from leadtime.foundation.access import Act, Relation, Role
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing


def name_auditor(tx: Transaction, model: ModelId, organisation: OrganisationId) -> None:
    """Let an auditor read a model and its log; only the developer names one. Twice is as once."""
    row = enter_model(tx, Act.OFFER_MODEL, model)
    with tx.as_system() as system:
        try:
            found = parties.read_organisation(system, organisation)
        except Missing:
            found = None
        if found is not None and found.role is Role.AUDITOR:
            system.relate(model, found.id, Relation.PARTICIPANT)
    if found is None or found.role is not Role.AUDITOR:
        raise Missing("there is no such auditor", where="organisation", next_step="Ask them for their id.")
    remember(tx, Owner.of(row), EventKind.AUDITOR_NAMED, found.name, concerns=found.id)
