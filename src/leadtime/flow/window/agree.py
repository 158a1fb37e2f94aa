"""Write an agreement, or a newer version of one; a version is never changed."""

from __future__ import annotations

from sqlalchemy import insert

from leadtime.flow import parties
from leadtime.flow.parties import Organisation, OrganisationId
from leadtime.flow.window.history import Owner, remember
from leadtime.flow.window.read import enter_model, read_agreement, variants_of
from leadtime.flow.window.records import Agreement, AgreementId, Limits, ModelId, Terms
from leadtime.flow.window.tables import agreements
from leadtime.flow.window.terms import check_terms
from leadtime.flow.window.vocabulary import EventKind
from leadtime.foundation.access import Act, Role
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing
from leadtime.foundation.ids import new_id


def agree(tx: Transaction, model: ModelId, organisation: OrganisationId, terms: Terms) -> Agreement:
    """Write the first version of an agreement about a model with an agency or a partner; it gives no access yet."""
    owner = Owner.of(enter_model(tx, Act.OFFER_MODEL, model))
    house = find_holder(tx, organisation)
    return _write(tx, owner, house, AgreementId(new_id(tx.now)), terms, version=1)


def agree_anew(tx: Transaction, agreement: AgreementId, terms: Terms) -> Agreement:
    """Write the next version of an agreement; every grant under it is judged by it from now on.

    What the new terms no longer hold ends: a purpose, a variant, a network. The former versions stay readable.
    """
    former = read_agreement(tx, agreement)
    owner = Owner.of(enter_model(tx, Act.OFFER_MODEL, former.model))
    house = find_holder(tx, former.organisation)
    tx.lock("agreement", str(agreement))
    version = read_agreement(tx, agreement).version + 1
    return _write(tx, owner, house, agreement, terms, version=version)


def find_holder(tx: Transaction, organisation: OrganisationId) -> Organisation:
    """Return an agency or partner by its id; raises `Missing`, in the same words for whatever else has that id."""
    with tx.as_system() as system:
        try:
            found = parties.read_organisation(system, organisation)
        except Missing:
            found = None
    if found is None or found.role not in {Role.AGENCY, Role.PARTNER}:
        raise Missing("there is no such agency or partner", where="organisation", next_step="Ask them for their id.")
    return found


def limit_values(limits: Limits) -> dict[str, int | None]:
    """Return limits as the columns that `tables.limits` declares."""
    return {
        "limit_requests": limits.requests,
        "limit_tokens": limits.tokens,
        "limit_concurrency": limits.concurrency,
        "limit_micro_usd": limits.micro_usd,
    }


def _write(
    tx: Transaction,
    owner: Owner,
    house: Organisation,
    agreement: AgreementId,
    terms: Terms,
    *,
    version: int,
) -> Agreement:
    names = {variant.name for variant in variants_of(tx, frozenset({owner.model}))[owner.model]}
    checked = check_terms(terms, names, held=tx.marked_text)
    row = {
        "id": agreement,
        "version": version,
        "model": owner.model,
        "developer": owner.developer,
        "organisation": house.id,
        "organisation_name": house.name,
        "instrument": checked.instrument,
        "purposes": list(checked.purposes),
        "barred": sorted(checked.barred),
        "variants": list(checked.variants),
        "developer_may": sorted(checked.developer_may),
        "agency_may_propose": checked.agency_may_propose,
        "record_mode": checked.record_mode.value,
        "retention_days": checked.retention_days,
        "bars_foreign_access": checked.bars_foreign_access,
        "foia_exemption_4": checked.foia_exemption_4,
        "export_note": checked.export_note,
        "networks": list(checked.networks),
        "agreed_at": tx.now,
        **limit_values(checked.limits),
    }
    tx.connection.execute(insert(agreements).values(row))
    note = f"version {version} with {house.name}: {checked.instrument}"
    remember(tx, owner, EventKind.AGREED, note)
    return read_agreement(tx, agreement)
