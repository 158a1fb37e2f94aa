"""Who is in a window: agencies by the developer's offer, partners by anybody's proposal and the developer's consent."""

from __future__ import annotations

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.dialects.postgresql import insert as insert_or_not

from leadtime.flow.parties import OrganisationId
from leadtime.flow.window.agree import find_holder
from leadtime.flow.window.history import Owner, remember
from leadtime.flow.window.read import (
    agreement_from,
    enter_entry,
    enter_model,
    enter_window,
    entry_from,
    hold_window,
    read_agreement,
)
from leadtime.flow.window.records import Agreement, AgreementId, Entry, EntryId, ModelId, WindowId
from leadtime.flow.window.rules import check_kind, check_proposer, move_entry, move_model
from leadtime.flow.window.tables import agreements, window_entries
from leadtime.flow.window.vocabulary import (
    EntryMove,
    EntryState,
    EventKind,
    ModelMove,
    ModelState,
    WindowKind,
    WindowMove,
)
from leadtime.foundation.access import Act, Relation, Role
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Conflict, Missing
from leadtime.foundation.ids import new_id


def offer_to(tx: Transaction, window: WindowId, agreement: AgreementId) -> Entry:
    """Let the agency of an agreement into an open government window; its people have access once they have grants."""
    enter_window(tx, Act.OFFER_MODEL, window)
    held = hold_window(tx, window, WindowMove.OFFER)
    agreed = _agreed(tx, agreement, ModelId(held["model"]))
    check_kind(WindowKind(held["kind"]), find_holder(tx, agreed.organisation).role)
    entry = EntryId(new_id(tx.now))
    row = {
        "id": entry,
        "model": held["model"],
        "window_id": window,
        "developer": held["developer"],
        "organisation": agreed.organisation,
        "organisation_name": agreed.organisation_name,
        "state": EntryState.JOINED.value,
        "proposed_by": held["developer"],
        "proposed_at": tx.now,
        "agreement": agreement,
    }
    _refuse_second(tx, window, agreed.organisation)
    tx.connection.execute(insert(window_entries).values(row))
    _let_in(tx, Owner.of(held), window, agreed.organisation)
    note = f"{agreed.organisation_name} into window {window}"
    remember(tx, Owner.of(held), EventKind.OFFERED, note, concerns=agreed.organisation)
    return _read(tx, entry)


def propose_partner(tx: Transaction, model: ModelId, organisation: OrganisationId) -> Entry:
    """Propose a partner to the developer's consent; until it comes, nothing follows and the partner learns nothing.

    The developer may always propose, an agency if its agreement says so (`Refused`). The same proposal twice is one.
    """
    row = enter_model(tx, Act.PROPOSE_PARTNER, model)
    move_model(ModelState(row["state"]), ModelMove.PROPOSE)
    if tx.viewer.role is Role.AGENCY:
        check_proposer(_own_terms(tx, model))
    partner = find_holder(tx, organisation)
    check_kind(WindowKind.PARTNER, partner.role)
    entry, proposer = new_id(tx.now), tx.viewer.organisation
    values = {
        "id": entry,
        "model": model,
        "developer": row["developer"],
        "organisation": partner.id,
        "organisation_name": partner.name,
        "state": EntryState.PROPOSED.value,
        "proposed_by": proposer,
        "proposed_at": tx.now,
    }
    tx.connection.execute(insert_or_not(window_entries).values(values).on_conflict_do_nothing())
    stands = select(window_entries.c.id).where(
        window_entries.c.model == model,
        window_entries.c.organisation == partner.id,
        window_entries.c.proposed_by == proposer,
        window_entries.c.state == EntryState.PROPOSED.value,
    )
    found = EntryId(tx.connection.scalars(stands).one())
    if found == entry:
        concerns = None if tx.viewer.role is Role.DEVELOPER else OrganisationId(proposer or row["developer"])
        remember(tx, Owner.of(row), EventKind.PROPOSED, partner.name, concerns=concerns)
    return _read(tx, found)


def retract_proposal(tx: Transaction, entry: EntryId) -> Entry:
    """Take a proposal of one's own back."""
    row = enter_entry(tx, Act.PROPOSE_PARTNER, entry)
    if row["proposed_by"] != tx.viewer.organisation:
        raise Missing("there is no such proposal of yours", where=str(entry), next_step="Check the id.")
    state = move_entry(EntryState(row["state"]), EntryMove.RETRACT)
    tx.connection.execute(update(window_entries).where(window_entries.c.id == entry).values(state=state.value))
    concerns = None if tx.viewer.role is Role.DEVELOPER else OrganisationId(row["proposed_by"])
    remember(tx, Owner.of(row), EventKind.RETRACTED, row["organisation_name"], concerns=concerns)
    return _read(tx, entry)


def consent(tx: Transaction, entry: EntryId, window: WindowId, agreement: AgreementId) -> Entry:
    """Let a proposed partner into an open partner window under an agreement; only the developer can, and only so."""
    row = enter_entry(tx, Act.CONSENT_TO_PARTNER, entry)
    enter_window(tx, Act.CONSENT_TO_PARTNER, window)
    held = hold_window(tx, window, WindowMove.CONSENT)
    agreed = _agreed(tx, agreement, ModelId(row["model"]))
    if agreed.organisation != row["organisation"] or held["model"] != row["model"]:
        raise Conflict(
            "partner, window and agreement do not belong together",
            where="agreement",
            next_step="Choose this partner's.",
        )
    check_kind(WindowKind(held["kind"]), find_holder(tx, agreed.organisation).role)
    state = move_entry(EntryState(row["state"]), EntryMove.CONSENT)
    _refuse_second(tx, window, agreed.organisation)
    values = {"state": state.value, "window_id": window, "agreement": agreement}
    tx.connection.execute(update(window_entries).where(window_entries.c.id == entry).values(values))
    _let_in(tx, Owner.of(held), window, agreed.organisation)
    note = f"{agreed.organisation_name} into window {window}"
    remember(tx, Owner.of(held), EventKind.CONSENTED, note, concerns=agreed.organisation)
    return _read(tx, entry)


def end_entry(tx: Transaction, entry: EntryId) -> Entry:
    """End an organisation's access at once, or drop a proposal; only the developer can. Twice is as once."""
    row = enter_entry(tx, Act.END_OFFER, entry)
    state = move_entry(EntryState(row["state"]), EntryMove.END)
    tx.connection.execute(update(window_entries).where(window_entries.c.id == entry).values(state=state.value))
    concerns = None if row["agreement"] is None else OrganisationId(row["organisation"])
    remember(tx, Owner.of(row), EventKind.ENTRY_ENDED, row["organisation_name"], concerns=concerns)
    return _read(tx, entry)


def _agreed(tx: Transaction, agreement: AgreementId, model: ModelId) -> Agreement:
    agreed = read_agreement(tx, agreement)
    if agreed.model != model:
        raise Conflict("this agreement is about another model", where="agreement", next_step="Choose one about this.")
    return agreed


def _own_terms(tx: Transaction, model: ModelId) -> tuple[Agreement, ...]:
    query = (
        select(agreements)
        .ext(distinct_on(agreements.c.id))
        .where(agreements.c.model == model, agreements.c.organisation == tx.viewer.organisation)
        .order_by(agreements.c.id, agreements.c.version.desc())
    )
    return tuple(agreement_from(row) for row in tx.connection.execute(query).mappings())


def _refuse_second(tx: Transaction, window: WindowId, organisation: OrganisationId) -> None:
    known = select(window_entries.c.id).where(
        window_entries.c.window_id == window,
        window_entries.c.organisation == organisation,
        window_entries.c.state == EntryState.JOINED.value,
    )
    if tx.connection.scalar(known) is not None:
        raise Conflict(
            "this organisation is in the window already", where="organisation", next_step="Read the window's entries."
        )


def _let_in(tx: Transaction, owner: Owner, window: WindowId, organisation: OrganisationId) -> None:
    """Relate an organisation to the model and the window, so that the access rule and the policies let it read both."""
    with tx.as_system() as system:
        system.relate(owner.model, organisation, Relation.PARTICIPANT)
        system.relate(window, organisation, Relation.PARTICIPANT)


def _read(tx: Transaction, entry: EntryId) -> Entry:
    return entry_from(enter_entry(tx, Act.READ_MODEL, entry))
