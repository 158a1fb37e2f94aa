"""Offered models: enrolment, milestones, agreements, withdrawal, release, designations, and all of one as an export."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from leadtime.doors import limits
from leadtime.doors.api.asking import Asking, AskingOnce, Limit
from leadtime.doors.api.offering import Offered, TermsWanted, offer
from leadtime.doors.api.shapes import Input, Line, Page, Prose, page_of
from leadtime.flow import assessment, window
from leadtime.flow.assessment import Designation, DesignationId, DesignationMove, OutcomeWanted, RequestWanted
from leadtime.flow.parties import OrganisationId
from leadtime.flow.window import (
    AccessMode,
    Agreement,
    AgreementId,
    Entry,
    Milestones,
    Modality,
    Model,
    ModelId,
    Upstream,
    Variant,
    Window,
    WindowEvent,
    WireFormat,
)
from leadtime.foundation.database import Transaction
from leadtime.foundation.digests import Digest

router = APIRouter(tags=["models"])

Price = Annotated[int, Field(ge=0, le=10**15)]


class VariantWanted(Input):
    """One named variant, its checkpoint's digest as the developer declares it, and what a million tokens cost.

    Prices are in millionths of a US dollar.
    """

    name: Line
    upstream_model: Line
    declared_digest: Line | None = None
    input_price: Price = 0
    output_price: Price = 0


class ModelWanted(Input):
    """A model to enrol; address and credential are sealed and never told again."""

    name: Line
    variants: Annotated[tuple[VariantWanted, ...], Field(min_length=1, max_length=20)]
    upstream: Line
    credential: Annotated[str, Field(max_length=4_096, repr=False)]
    wire_format: WireFormat
    modality: Modality = Modality.TEXT
    access: AccessMode = AccessMode.HOSTED


class MilestonesWanted(Input):
    """Both planned dates as they are now; null: not set."""

    partner_release_at: datetime | None
    public_release_at: datetime | None


class AgreementWanted(Input):
    """An agreement with one agency or partner."""

    organisation: UUID
    terms: TermsWanted


class AuditorWanted(Input):
    """An auditor's organisation."""

    organisation: UUID


class DesignationWanted(Input):
    """A request to an outside authority; unclassified facts only."""

    authority: Line
    requested_on: date
    facts: Prose = ""


class DesignationOutcome(Input):
    """What the authority did; unclassified facts only."""

    outcome: DesignationMove
    decided_on: date
    facts: Prose = ""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """All of a model that its viewer may see."""

    model: Model
    windows: tuple[Window, ...]
    agreements: tuple[Agreement, ...]
    entries: tuple[Entry, ...]
    designations: tuple[Designation, ...]
    history: tuple[WindowEvent, ...]


class OfferedModels(Offered[Page[Model]]):
    """Models, newest first."""


class OfferedModel(Offered[Model]):
    """One model."""


class OfferedModelFile(Offered[ModelFile]):
    """One model with all around it."""


class OfferedAgreement(Offered[Agreement]):
    """One version of an agreement."""


class OfferedDesignation(Offered[Designation]):
    """One designation as it was noted."""


@router.get("/models", summary="List the models that you enrolled or that are offered to you")
def list_models(ask: Asking, cursor: UUID | None = None, limit: Limit = limits.PAGE_ROWS_DEFAULT) -> OfferedModels:
    """Return models, newest first."""
    with ask.transaction() as tx:
        found = window.list_models(tx)
    return OfferedModels(result=page_of(found, cursor, limit, lambda one: one.id))


@router.post("/models", status_code=201, summary="Enrol a model", response_model=OfferedModel)
def enrol_model(wanted: ModelWanted, ask: AskingOnce) -> Response:
    """Enrol a model of your organisation; nobody else learns of it until you offer it."""

    def act(tx: Transaction) -> OfferedModel:
        made = window.enrol_model(
            tx,
            name=wanted.name,
            variants=tuple(
                Variant(
                    one.name,
                    one.upstream_model,
                    None if one.declared_digest is None else Digest(one.declared_digest),
                    one.input_price,
                    one.output_price,
                )
                for one in wanted.variants
            ),
            upstream=Upstream(wanted.upstream, wanted.credential),
            wire_format=wanted.wire_format,
            modality=wanted.modality,
            access=wanted.access,
        )
        return OfferedModel(result=made)

    return ask.do(act, OfferedModel, status=201)


@router.get("/models/{model}", summary="Read a model and all around it")
def read_model(model: UUID, ask: Asking) -> OfferedModelFile:
    """Return a model with its windows, agreements, entries, designations and history, as far as you may see them."""
    wanted = ModelId(model)
    with ask.transaction() as tx:
        found = ModelFile(
            model=window.read_model(tx, wanted),
            windows=window.list_windows(tx, wanted),
            agreements=window.list_agreements(tx, wanted),
            entries=window.list_entries(tx, wanted),
            designations=assessment.list_designations(tx, wanted),
            history=window.history_of(tx, wanted),
        )
    return OfferedModelFile(result=found)


@router.post("/models/{model}/milestones", summary="Write your milestones", response_model=OfferedModel)
def set_milestones(model: UUID, wanted: MilestonesWanted, ask: AskingOnce) -> Response:
    """Write both dates; windows that would outlast one end with it, and none is ever lengthened."""
    planned = Milestones(wanted.partner_release_at, wanted.public_release_at)
    return offer(ask, model, lambda tx: window.set_milestones(tx, ModelId(model), planned), OfferedModel)


@router.post("/models/{model}/withdrawal", summary="Withdraw a model", response_model=OfferedModel)
def withdraw_model(model: UUID, ask: AskingOnce) -> Response:
    """End every window of the model at once."""
    return offer(ask, model, lambda tx: window.withdraw_model(tx, ModelId(model)), OfferedModel)


@router.post("/models/{model}/release", summary="Release a model", response_model=OfferedModel)
def release(model: UUID, ask: AskingOnce) -> Response:
    """Record that the model is public, and end every window."""
    return offer(ask, model, lambda tx: window.release(tx, ModelId(model)), OfferedModel)


@router.post(
    "/models/{model}/agreements", status_code=201, summary="Write an agreement", response_model=OfferedAgreement
)
def agree(model: UUID, wanted: AgreementWanted, ask: AskingOnce) -> Response:
    """Write the first version of an agreement with an agency or a partner."""

    def act(tx: Transaction) -> Agreement:
        return window.agree(tx, ModelId(model), OrganisationId(wanted.organisation), wanted.terms.record())

    return offer(ask, model, act, OfferedAgreement, status=201)


@router.get("/agreements/{agreement}", summary="Read an agreement")
def read_agreement(
    agreement: UUID, ask: Asking, version: Annotated[int | None, Field(ge=1, le=1_000_000)] = None
) -> OfferedAgreement:
    """Return a version of an agreement, the newest if none is named."""
    with ask.transaction() as tx:
        return OfferedAgreement(result=window.read_agreement(tx, AgreementId(agreement), version=version))


@router.post(
    "/agreements/{agreement}/versions",
    status_code=201,
    summary="Write a newer version",
    response_model=OfferedAgreement,
)
def agree_anew(agreement: UUID, wanted: TermsWanted, ask: AskingOnce) -> Response:
    """Write the next version; every grant under the agreement is judged by it from now on."""

    def act(tx: Transaction) -> Agreement:
        return window.agree_anew(tx, AgreementId(agreement), wanted.record())

    return offer(ask, agreement, act, OfferedAgreement, status=201)


@router.post("/models/{model}/auditors", summary="Name an auditor of the log", response_model=OfferedModel)
def name_auditor(model: UUID, wanted: AuditorWanted, ask: AskingOnce) -> Response:
    """Let an auditor read the model and its log; twice is as once."""

    def act(tx: Transaction) -> Model:
        window.name_auditor(tx, ModelId(model), OrganisationId(wanted.organisation))
        return window.read_model(tx, ModelId(model))

    return offer(ask, model, act, OfferedModel)


@router.post(
    "/models/{model}/designations", status_code=201, summary="Note a request", response_model=OfferedDesignation
)
def note_request(model: UUID, wanted: DesignationWanted, ask: AskingOnce) -> Response:
    """Note that an outside authority was asked to designate the model; nothing about the model changes by it."""
    noted = RequestWanted(wanted.authority, wanted.requested_on, wanted.facts)
    return offer(
        ask, model, lambda tx: assessment.note_request(tx, ModelId(model), noted), OfferedDesignation, status=201
    )


@router.post("/designations/{designation}/outcome", summary="Note an outcome", response_model=OfferedDesignation)
def note_outcome(designation: UUID, wanted: DesignationOutcome, ask: AskingOnce) -> Response:
    """Note what the authority did."""
    noted = OutcomeWanted(wanted.outcome, wanted.decided_on, wanted.facts)

    def act(tx: Transaction) -> Designation:
        return assessment.note_outcome(tx, DesignationId(designation), noted)

    with ask.ask.transaction() as tx:
        model = assessment.model_of(tx, DesignationId(designation))
    return offer(ask, model, act, OfferedDesignation)
