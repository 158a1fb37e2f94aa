from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import text

from leadtime.flow import window
from leadtime.flow.window import EntryState, EventKind
from leadtime.foundation.access import Role
from leadtime.foundation.errors import Conflict, Missing, Refused
from tests.flow.window.factories import TERMS, WANTED, a_model, a_partner_window, an_agreement, an_offer, party


@pytest.fixture
def offered(database):
    """A government window whose agency may propose, and an open partner window."""
    offer = an_offer(database, terms=replace(TERMS, agency_may_propose=True))
    return offer, a_partner_window(database, offer.developer, offer.model)


def test_an_agency_proposes_and_only_the_developers_consent_joins(database, offered):
    offer, opened = offered
    bank = party(database, Role.PARTNER, "Bank")
    with database.transaction(offer.agency.viewer) as tx:
        proposed = window.propose_partner(tx, offer.model.id, bank.organisation.id)
        assert window.propose_partner(tx, offer.model.id, bank.organisation.id) == proposed
    assert (proposed.state, proposed.window, proposed.agreement, proposed.organisation_name) == (
        EntryState.PROPOSED,
        None,
        None,
        "Bank",
    )
    with database.transaction(bank.viewer) as tx:  # silence: the partner does not even learn of it
        assert window.list_models(tx) == ()
        assert tx.connection.scalar(text("select count(*) from window_entries")) == 0
    agreed = an_agreement(database, offer.developer, offer.model, bank)
    with database.transaction(offer.agency.viewer) as tx, pytest.raises(Refused):
        window.consent(tx, proposed.id, opened.id, agreed.id)
    with database.transaction(offer.developer.viewer) as tx:
        joined = window.consent(tx, proposed.id, opened.id, agreed.id)
    assert joined == replace(proposed, state=EntryState.JOINED, window=opened.id, agreement=agreed.id)
    with database.transaction(bank.viewer) as tx:
        assert [model.id for model in window.list_models(tx)] == [offer.model.id]
        assert [one.id for one in window.list_windows(tx, offer.model.id)] == [opened.id]
        made = window.grant(tx, joined.id, bank.person.id, WANTED)
        assert window.issue_credential(tx, made.id).secret.startswith("ltg_")


def test_the_agency_may_not_consent(database, offered):
    offer, opened = offered
    bank = party(database, Role.PARTNER, "Bank")
    with database.transaction(offer.agency.viewer) as tx:
        proposed = window.propose_partner(tx, offer.model.id, bank.organisation.id)
        with pytest.raises(Refused) as caught:
            window.consent(tx, proposed.id, opened.id, offer.agreement.id)
    assert str(caught.value) == (
        "the role agency may not consent to a partner. Ask somebody whose organisation has the role for it."
    )


def test_a_partner_without_consent_gets_no_grant(database, offered):
    offer, _ = offered
    bank = party(database, Role.PARTNER, "Bank")
    with database.transaction(offer.developer.viewer) as tx:
        proposed = window.propose_partner(tx, offer.model.id, bank.organisation.id)
        with pytest.raises(Refused) as caught:
            window.grant(tx, proposed.id, bank.person.id, WANTED)
    assert str(caught.value) == (
        "entry: the developer has not consented to this partner. "
        "Wait for the developer, whose consent nothing stands in for."
    )


def test_an_agency_proposes_only_where_its_agreement_says_so(database):
    offer = an_offer(database)
    bank = party(database, Role.PARTNER, "Bank")
    with database.transaction(offer.agency.viewer) as tx, pytest.raises(Refused) as caught:
        window.propose_partner(tx, offer.model.id, bank.organisation.id)
    assert str(caught.value) == (
        "agreement: proposing partners is outside this agreement. Ask the developer to propose the partner."
    )
    with database.transaction(offer.developer.viewer) as tx:
        window.agree_anew(tx, offer.agreement.id, replace(TERMS, agency_may_propose=True))
    with database.transaction(offer.agency.viewer) as tx:
        assert window.propose_partner(tx, offer.model.id, bank.organisation.id).state is EntryState.PROPOSED
    with database.transaction(offer.developer.viewer) as tx:
        window.agree_anew(tx, offer.agreement.id, TERMS)
    with database.transaction(offer.agency.viewer) as tx, pytest.raises(Refused):
        window.propose_partner(tx, offer.model.id, bank.organisation.id)


def test_a_proposal_is_retracted_by_who_made_it(database, offered):
    offer, opened = offered
    bank = party(database, Role.PARTNER, "Bank")
    with database.transaction(offer.agency.viewer) as tx:
        proposed = window.propose_partner(tx, offer.model.id, bank.organisation.id)
    with database.transaction(offer.developer.viewer) as tx, pytest.raises(Missing) as caught:
        window.retract_proposal(tx, proposed.id)
    assert str(caught.value) == f"{proposed.id}: there is no such proposal of yours. Check the id."
    with database.transaction(offer.agency.viewer) as tx:
        assert window.retract_proposal(tx, proposed.id).state is EntryState.RETRACTED
        assert [line.kind for line in window.history_of(tx, offer.model.id)][-2:] == [
            EventKind.PROPOSED,
            EventKind.RETRACTED,
        ]
    agreed = an_agreement(database, offer.developer, offer.model, bank)
    with database.transaction(offer.developer.viewer) as tx, pytest.raises(Conflict):
        window.consent(tx, proposed.id, opened.id, agreed.id)


def test_the_developer_retracts_its_own_proposal_and_the_agency_does_not_see_it(database, offered):
    offer, _ = offered
    bank = party(database, Role.PARTNER, "Bank")
    with database.transaction(offer.developer.viewer) as tx:
        proposed = window.propose_partner(tx, offer.model.id, bank.organisation.id)
        assert window.retract_proposal(tx, proposed.id).state is EntryState.RETRACTED
    with database.transaction(offer.agency.viewer) as tx:
        assert [line.kind for line in window.history_of(tx, offer.model.id)] == [EventKind.OFFERED]
        assert window.list_entries(tx, offer.model.id) == (offer.entry,)


def test_competitors_never_see_each_others_entries(database, offered):
    offer, opened = offered
    names = ("Bank", "Rival Bank")
    parties_in = [party(database, Role.PARTNER, name) for name in names]
    entries = []
    for one in parties_in:
        agreed = an_agreement(database, offer.developer, offer.model, one)
        with database.transaction(offer.developer.viewer) as tx:
            proposed = window.propose_partner(tx, offer.model.id, one.organisation.id)
            entries.append(window.consent(tx, proposed.id, opened.id, agreed.id))
        with database.transaction(one.viewer) as tx:
            window.grant(tx, entries[-1].id, one.person.id, WANTED)
    for one, entry, other in zip(parties_in, entries, reversed(entries), strict=True):
        with database.transaction(one.viewer) as tx:
            assert window.list_entries(tx, offer.model.id) == (entry,)
            assert {made.organisation for made in window.list_grants(tx, opened.id)} == {one.organisation.id}
            assert [agreed.organisation for agreed in window.list_agreements(tx, offer.model.id)] == [
                one.organisation.id
            ]
            for table in ("window_entries", "grants", "agreements", "returns"):
                statement = text(f"select count(*) from {table} where organisation <> :own")
                assert tx.connection.scalar(statement, {"own": one.organisation.id}) == 0, table
            with pytest.raises(Missing):
                window.grant(tx, other.id, one.person.id, WANTED)
            with pytest.raises(Missing):
                window.read_window(tx, offer.window.id)
            assert all(line.concerns == one.organisation.id for line in window.history_of(tx, offer.model.id))
    with database.transaction(offer.developer.viewer) as tx:
        assert len(window.list_grants(tx, opened.id)) == 2


def test_ended_entries_stay_ended(database, offered):
    offer, opened = offered
    bank = party(database, Role.PARTNER, "Bank")
    agreed = an_agreement(database, offer.developer, offer.model, bank)
    with database.transaction(offer.developer.viewer) as tx:
        proposed = window.propose_partner(tx, offer.model.id, bank.organisation.id)
        window.consent(tx, proposed.id, opened.id, agreed.id)
        second = window.propose_partner(tx, offer.model.id, bank.organisation.id)
        with pytest.raises(Conflict) as caught:
            window.consent(tx, second.id, opened.id, agreed.id)
    assert str(caught.value) == ("organisation: this organisation is in the window already. Read the window's entries.")
    with database.transaction(offer.developer.viewer) as tx:
        assert window.end_entry(tx, proposed.id).state is EntryState.ENDED
        assert window.end_entry(tx, proposed.id).state is EntryState.ENDED
        with pytest.raises(Conflict) as caught:
            window.grant(tx, proposed.id, bank.person.id, WANTED)
    assert str(caught.value) == "entry: this entry is ended. Read the window's entries."


def test_partner_window_and_agreement_must_belong_together(database, offered):
    offer, opened = offered
    bank, shop = party(database, Role.PARTNER, "Bank"), party(database, Role.PARTNER, "Shop")
    other_model = a_model(database, offer.developer, "orion-2")
    elsewhere = an_agreement(database, offer.developer, other_model, bank)
    agreed, shops = (an_agreement(database, offer.developer, offer.model, one) for one in (bank, shop))
    wrong_window = a_partner_window(database, offer.developer, other_model)
    with database.transaction(offer.developer.viewer) as tx:
        proposed = window.propose_partner(tx, offer.model.id, bank.organisation.id)
    for where, under, sentence in (
        (opened, elsewhere, "agreement: this agreement is about another model. Choose one about this."),
        (
            opened,
            shops,
            "agreement: partner, window and agreement do not belong together. Choose this partner's.",
        ),
        (
            wrong_window,
            agreed,
            "agreement: partner, window and agreement do not belong together. Choose this partner's.",
        ),
    ):
        with database.transaction(offer.developer.viewer) as tx, pytest.raises(Conflict) as caught:
            window.consent(tx, proposed.id, where.id, under.id)
        assert str(caught.value) == sentence


def test_a_window_is_for_organisations_of_its_kind(database):
    offer = an_offer(database)
    bank = party(database, Role.PARTNER, "Bank")
    agreed = an_agreement(database, offer.developer, offer.model, bank)
    with database.transaction(offer.developer.viewer) as tx:
        with pytest.raises(Refused) as caught:
            window.offer_to(tx, offer.window.id, agreed.id)
        proposed = window.propose_partner(tx, offer.model.id, bank.organisation.id)
        with pytest.raises(Refused):
            window.consent(tx, proposed.id, offer.window.id, agreed.id)
        with pytest.raises(Refused):
            window.propose_partner(tx, offer.model.id, offer.agency.organisation.id)
    assert str(caught.value) == (
        "organisation: a government window is for an organisation of the role agency. "
        "Choose the other window, or another organisation."
    )


def test_an_agency_is_in_a_window_once(database):
    offer = an_offer(database)
    with database.transaction(offer.developer.viewer) as tx, pytest.raises(Conflict):
        window.offer_to(tx, offer.window.id, offer.agreement.id)


def test_an_offer_to_what_is_no_agency_or_partner_is_missing(database):
    offer = an_offer(database)
    for organisation in (UUID(int=1), party(database, Role.FINDER).organisation.id):
        with database.transaction(offer.developer.viewer) as tx, pytest.raises(Missing) as caught:
            window.agree(tx, offer.model.id, organisation, TERMS)
        assert str(caught.value) == "organisation: there is no such agency or partner. Ask them for their id."


def test_auditors_are_named_by_the_developer_and_read_the_model(database):
    offer = an_offer(database)
    auditor = party(database, Role.AUDITOR)
    with database.transaction(auditor.viewer) as tx, pytest.raises(Missing):
        window.read_model(tx, offer.model.id)
    with database.transaction(offer.developer.viewer) as tx:
        window.name_auditor(tx, offer.model.id, auditor.organisation.id)
        for nobody in (UUID(int=1), offer.agency.organisation.id):
            with pytest.raises(Missing) as caught:
                window.name_auditor(tx, offer.model.id, nobody)
            assert str(caught.value) == "organisation: there is no such auditor. Ask them for their id."
    with database.transaction(auditor.viewer) as tx:
        assert window.read_model(tx, offer.model.id).id == offer.model.id
        assert window.list_windows(tx, offer.model.id) == ()
        assert window.list_entries(tx, offer.model.id) == ()


def test_a_partner_cannot_propose_partners(database, offered):
    offer, opened = offered
    bank, shop = party(database, Role.PARTNER, "Bank"), party(database, Role.PARTNER, "Shop")
    agreed = an_agreement(database, offer.developer, offer.model, bank)
    with database.transaction(offer.developer.viewer) as tx:
        proposed = window.propose_partner(tx, offer.model.id, bank.organisation.id)
        window.consent(tx, proposed.id, opened.id, agreed.id)
    with database.transaction(bank.viewer) as tx, pytest.raises(Refused):
        window.propose_partner(tx, offer.model.id, shop.organisation.id)
