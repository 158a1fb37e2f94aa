"""Enrol a model: what it is called, its variants, and how a gateway reaches it."""

from __future__ import annotations

from sqlalchemy import insert
from sqlalchemy.dialects.postgresql import insert as insert_or_not

from leadtime.flow import parties
from leadtime.flow.parties import OrganisationId
from leadtime.flow.window.history import Owner, open_model_log, remember
from leadtime.flow.window.read import read_model
from leadtime.flow.window.records import Model, ModelId, Upstream, Variant
from leadtime.flow.window.tables import UPSTREAM_ADDRESS, UPSTREAM_CREDENTIAL, model_upstreams, model_variants, models
from leadtime.flow.window.terms import check_model_name, check_upstream, check_variants
from leadtime.flow.window.vocabulary import AccessMode, EventKind, Modality, ModelState, WireFormat
from leadtime.foundation.access import Act, Relation
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Conflict, Refused
from leadtime.foundation.ids import new_id


def enrol_model(
    tx: Transaction,
    *,
    name: str,
    variants: tuple[Variant, ...],
    upstream: Upstream,
    wire_format: WireFormat,
    modality: Modality = Modality.TEXT,
    access: AccessMode = AccessMode.HOSTED,
) -> Model:
    """Enrol a model of the viewer's organisation; nobody else learns of it until it is offered.

    The upstream's address and credential are sealed. Raises `Conflict` if the developer has a model of this name,
    `Refused` for an access mode that is not built.
    """
    tx.require(Act.ENROL_MODEL)
    if access is not AccessMode.HOSTED:
        raise Refused("only hosted models can be offered yet", where="access", next_step="Choose hosted.")
    called, reached = check_model_name(name, where="name"), check_upstream(upstream)
    named = check_variants(variants)
    house = parties.read_organisation(tx, OrganisationId(_organisation(tx)))
    model = ModelId(new_id(tx.now))
    tx.relate(model, house.id, Relation.OWN)
    row = {
        "id": model,
        "developer": house.id,
        "developer_name": house.name,
        "name": called,
        "modality": modality.value,
        "access": access.value,
        "wire_format": wire_format.value,
        "state": ModelState.ENROLLED.value,
        "enrolled_at": tx.now,
    }
    made = tx.connection.execute(insert_or_not(models).values(row).on_conflict_do_nothing().returning(models.c.id))
    if made.one_or_none() is None:
        raise Conflict("a model of this name is enrolled", where="name", next_step="Use it or choose another.")
    _keep_variants(tx, model, house.id, named)
    _keep_upstream(tx, model, house.id, reached)
    open_model_log(tx, model)
    remember(tx, Owner(model, house.id), EventKind.ENROLLED, called)
    return read_model(tx, model)


def _organisation(tx: Transaction) -> OrganisationId:
    if tx.viewer.organisation is None:
        raise Refused("a model belongs to a developer", next_step="Enrol it as a person of that organisation.")
    return OrganisationId(tx.viewer.organisation)


def _keep_variants(tx: Transaction, model: ModelId, developer: OrganisationId, variants: tuple[Variant, ...]) -> None:
    rows = [
        {
            "model": model,
            "name": variant.name,
            "developer": developer,
            "place": place,
            "upstream_model": variant.upstream_model,
            "declared_digest": variant.declared_digest,
            "input_price": variant.input_price,
            "output_price": variant.output_price,
        }
        for place, variant in enumerate(variants)
    ]
    tx.connection.execute(insert(model_variants), rows)


def _keep_upstream(tx: Transaction, model: ModelId, developer: OrganisationId, upstream: Upstream) -> None:
    row = {
        "model": model,
        "developer": developer,
        "address": tx.seal(model, UPSTREAM_ADDRESS, upstream.address.encode()),
        "credential": tx.seal(model, UPSTREAM_CREDENTIAL, upstream.credential.encode()),
    }
    tx.connection.execute(insert(model_upstreams).values(row))
