from __future__ import annotations

from dataclasses import replace

import pytest

from leadtime.flow import parties, window
from leadtime.flow.window import DeveloperMay, Ending, GrantWanted, Limits, RecordMode, Standing, WindowKind, WireFormat
from leadtime.flow.window.vocabulary import BarredUse
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.errors import Missing, Refused
from leadtime.foundation.keys import token_hash
from tests.flow.window.factories import DAY, NOW, TERMS, VARIANTS, a_grant, an_offer


def standing(database, secret):
    with database.transaction(SYSTEM) as tx:
        return window.find_standings(tx, [token_hash(secret)]).get(token_hash(secret))


def test_a_credential_stands_for_a_named_person_and_all_that_was_agreed(database):
    terms = replace(
        TERMS,
        limits=Limits(tokens=1000),
        networks=("192.0.2.0/24",),
        record_mode=RecordMode.SEALED,
        developer_may=frozenset({DeveloperMay.READ_CONTENT}),
    )
    offer = an_offer(database, terms=terms)
    wanted = GrantWanted(
        "find flaws",
        variants=("reduced",),
        limits=Limits(requests=5),
        networks=("192.0.2.7/32",),
        key_thumbprint="A" * 43,
        ends_at=NOW + 3 * DAY,
    )
    made, secret = a_grant(database, offer, wanted)
    assert secret.startswith("ltg_")
    assert standing(database, secret) == Standing(
        grant=made.id,
        window=offer.window.id,
        kind=WindowKind.GOVERNMENT,
        model=offer.model.id,
        model_name="orion-1",
        developer=offer.developer.organisation.id,
        organisation=offer.agency.organisation.id,
        person=offer.agency.person.id,
        agreement=offer.agreement.id,
        agreement_version=1,
        purpose="find flaws",
        barred=frozenset(BarredUse),
        variants=(VARIANTS[1],),
        limits=Limits(requests=5),
        budget=Limits(tokens=1000),
        networks=(("192.0.2.7/32",), ("192.0.2.0/24",)),
        key_thumbprint="A" * 43,
        record_mode=RecordMode.SEALED,
        wire_format=WireFormat.OPENAI,
        upstream="http://127.0.0.1:9999/v1",
        begins_at=NOW,
        ends_at=NOW + 3 * DAY,
        ended=None,
    )


def test_another_secret_stands_for_nothing(database):
    a_grant(database, an_offer(database))
    assert standing(database, "ltg_other") is None


def test_many_grants_are_read_at_once(database):
    offer = an_offer(database)
    first, second = a_grant(database, offer)[0], a_grant(database, offer)[0]
    with database.transaction(SYSTEM) as tx:
        found = window.standings(tx, [first.id, second.id])
        assert window.standings(tx, []) == {}
    assert set(found) == {first.id, second.id}


def test_withdrawing_ends_it_and_says_so(database):
    offer = an_offer(database)
    _, secret = a_grant(database, offer)
    with database.transaction(offer.developer.viewer) as tx:
        window.withdraw(tx, offer.window.id)
    assert standing(database, secret).ended is Ending.WITHDRAWN


def test_release_ends_it_and_says_so(database):
    offer = an_offer(database)
    _, secret = a_grant(database, offer)
    with database.transaction(offer.developer.viewer) as tx:
        window.release(tx, offer.model.id)
    assert standing(database, secret).ended is Ending.RELEASED


def test_ending_the_organisation_ends_its_grants(database):
    offer = an_offer(database)
    _, secret = a_grant(database, offer)
    with database.transaction(offer.developer.viewer) as tx:
        window.end_entry(tx, offer.entry.id)
    assert standing(database, secret).ended is Ending.ENTRY_ENDED


@pytest.mark.parametrize("by", ["developer", "agency"])
def test_either_side_ends_a_grant(database, by):
    offer = an_offer(database)
    made, secret = a_grant(database, offer)
    with database.transaction(getattr(offer, by).viewer) as tx:
        assert window.end_grant(tx, made.id).ended_at == NOW
        assert window.end_grant(tx, made.id).ended_at == NOW
    assert standing(database, secret).ended is Ending.GRANT_ENDED


def test_a_removed_person_has_no_access(database):
    offer = an_offer(database)
    _, secret = a_grant(database, offer)
    with database.transaction(SYSTEM) as tx:
        parties.remove_person(tx, offer.agency.person.id)
    assert standing(database, secret).ended is Ending.PERSON_GONE


def test_a_fresh_credential_ends_the_former(database):
    offer = an_offer(database)
    made, former = a_grant(database, offer)
    with database.transaction(offer.agency.viewer) as tx:
        fresh = window.issue_credential(tx, made.id).secret
    assert standing(database, former) is None
    assert standing(database, fresh).grant == made.id


def test_newer_terms_judge_a_grant(database):
    offer = an_offer(database)
    _, secret = a_grant(database, offer)
    with database.transaction(offer.developer.viewer) as tx:
        window.agree_anew(tx, offer.agreement.id, replace(TERMS, purposes=("measure cyber capability",)))
    found = standing(database, secret)
    assert (found.agreement_version, found.ended) == (2, Ending.PURPOSE_GONE)


def test_the_upstream_credential_is_opened_for_the_gateway_alone(database):
    offer = an_offer(database)
    with database.transaction(SYSTEM) as tx:
        assert window.open_upstream_credential(tx, offer.model.id) == "sk-upstream"
        with pytest.raises(Missing) as missing:
            window.open_upstream_credential(tx, offer.window.id)
    assert str(missing.value) == f"{offer.window.id}: there is no such upstream. Check the id."
    with database.transaction(offer.developer.viewer) as tx, pytest.raises(Refused) as refused:
        window.open_upstream_credential(tx, offer.model.id)
    assert str(refused.value) == "an upstream credential is opened by the gateway alone. Enrol the model anew."
