from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from leadtime.flow import window
from leadtime.flow.window import AccessMode, Milestones, Modality, Model, ModelState, WireFormat
from leadtime.foundation.access import SYSTEM, Role
from leadtime.foundation.errors import Conflict, Malformed, Missing, Refused
from tests.flow.window.factories import NOW, TERMS, UPSTREAM, VARIANTS, WANTED, a_model, an_agreement, an_offer, party


def test_a_model_is_enrolled_with_its_variants_and_declared_digests(database):
    developer = party(database, Role.DEVELOPER, "Lab")
    made = a_model(database, developer, modality=Modality.TEXT_AND_IMAGES)
    assert made == Model(
        id=made.id,
        developer=developer.organisation.id,
        developer_name="Lab",
        name="orion-1",
        modality=Modality.TEXT_AND_IMAGES,
        access=AccessMode.HOSTED,
        wire_format=WireFormat.OPENAI,
        variants=VARIANTS,
        state=ModelState.ENROLLED,
        milestones=Milestones(),
        enrolled_at=NOW,
    )


def test_a_second_model_of_that_name_is_another_developers(database):
    developer, rival = party(database, Role.DEVELOPER, "Lab"), party(database, Role.DEVELOPER, "Rival")
    a_model(database, developer)
    with pytest.raises(Conflict) as caught:
        a_model(database, developer)
    assert str(caught.value) == "name: a model of this name is enrolled. Use it or choose another."
    assert a_model(database, rival).name == "orion-1"


def test_weights_are_a_mode_that_is_not_built(database):
    with pytest.raises(Refused) as caught:
        a_model(database, party(database, Role.DEVELOPER), access=AccessMode.WEIGHTS)
    assert str(caught.value) == "access: only hosted models can be offered yet. Choose hosted."


@pytest.mark.parametrize("role", [role for role in Role if role not in {Role.DEVELOPER, Role.SYSTEM}])
def test_nobody_but_a_developer_enrols_a_model(database, role):
    with pytest.raises(Refused):
        a_model(database, party(database, role))


def test_the_system_enrols_none(database):
    with database.transaction(SYSTEM) as tx, pytest.raises(Refused) as caught:
        window.enrol_model(tx, name="a", variants=VARIANTS, upstream=UPSTREAM, wire_format=WireFormat.OPENAI)
    assert str(caught.value) == "a model belongs to a developer. Enrol it as a person of that organisation."


def test_upstream_address_and_credential_are_sealed(database):
    model = a_model(database, party(database, Role.DEVELOPER))
    with database.transaction(SYSTEM) as tx:
        row = tx.connection.execute(text("select address, credential from model_upstreams")).one()
    assert b"127.0.0.1" not in row.address
    assert b"sk-upstream" not in row.credential
    assert model.id


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.AGENCY, Role.PARTNER, Role.DEVELOPER, Role.AUDITOR])
def test_nobody_else_sees_a_model_that_was_not_offered_to_them(database, role):
    offer = an_offer(database)
    stranger = party(database, role, "Stranger")
    with database.transaction(stranger.viewer) as tx:
        for table in ("models", "model_variants", "model_upstreams", "agreements", "windows", "window_entries"):
            assert tx.connection.scalar(text(f"select count(*) from {table}")) == 0, table
        with pytest.raises(Missing):
            window.read_model(tx, offer.model.id)
        with pytest.raises(Missing):
            window.read_window(tx, offer.window.id)


def test_a_model_is_listed_for_its_developer_and_whom_it_is_offered_to(database):
    offer = an_offer(database)
    for who in (offer.developer, offer.agency):
        with database.transaction(who.viewer) as tx:
            assert [model.id for model in window.list_models(tx)] == [offer.model.id]
            assert [one.id for one in window.list_windows(tx, offer.model.id)] == [offer.window.id]
            assert window.list_entries(tx, offer.model.id) == (offer.entry,)
            assert window.list_agreements(tx, offer.model.id) == (offer.agreement,)
    with database.transaction(party(database, Role.AGENCY, "Other").viewer) as tx:
        assert window.list_models(tx) == ()


def test_a_conflict_of_interest_hides_a_developers_models(database):
    offer = an_offer(database)
    viewer = offer.agency.viewer.__class__(
        role=Role.AGENCY,
        organisation=offer.agency.organisation.id,
        person=offer.agency.person.id,
        conflicts=frozenset({offer.developer.organisation.id}),
    )
    with database.transaction(viewer) as tx:
        assert window.list_models(tx) == ()
        with pytest.raises(Missing):
            window.read_model(tx, offer.model.id)
        with pytest.raises(Missing):
            window.read_window(tx, offer.window.id)


def test_a_holder_sees_the_variants_of_its_newest_terms_and_no_others(database):
    offer = an_offer(database, terms=replace(TERMS, variants=("reduced",)))
    rival = party(database, Role.PARTNER)
    an_agreement(database, offer.developer, offer.model, rival)

    def seen(who):
        with database.transaction(who.viewer) as tx:
            (listed,) = window.list_models(tx)
            assert listed == window.read_model(tx, offer.model.id)
            return [variant.name for variant in listed.variants]

    assert seen(offer.developer) == ["safeguards-on", "reduced"]
    assert seen(offer.agency) == ["reduced"]
    for wanted in ("safeguards-on", "made-up"):
        with database.transaction(offer.agency.viewer) as tx, pytest.raises(Malformed, match="has no such variant"):
            window.grant(tx, offer.entry.id, offer.agency.person.id, replace(WANTED, variants=(wanted,)))
    with database.transaction(offer.developer.viewer) as tx:
        window.agree_anew(tx, offer.agreement.id, replace(TERMS, variants=("safeguards-on",)))
    assert seen(offer.agency) == ["safeguards-on"]
    with database.transaction(offer.developer.viewer) as tx:
        window.agree_anew(tx, offer.agreement.id, TERMS)
    assert seen(offer.agency) == ["safeguards-on", "reduced"]
