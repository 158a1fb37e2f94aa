"""The forms of early access: a developer enrols and offers a model, a holder gives its own people access."""

from __future__ import annotations

import html
from datetime import timedelta

import pytest

from leadtime.flow import window
from leadtime.flow.window import BarredUse, EntryState, Limits, RecordMode, WindowKind
from leadtime.foundation.access import Role
from tests.doors.standing import browse_by_link
from tests.doors.world import enrol

MODEL = {
    "name": "orion-2",
    "variants": "safeguards-on = orion-2\r\n\r\nreduced = orion-2-reduced = sha256:" + "a" * 64,
    "upstream": "http://127.0.0.1:9/v1",
    "credential": "sk-upstream",
    "wire_format": "openai",
}
OFFER = {
    "kind": "government",
    "days": "7",
    "instrument": "CRADA 26-118",
    "purposes": "find flaws\r\nmeasure capability",
    "networks": "192.0.2.0/24",
    "requests": "500",
    "dollars": "12.50",
    "record_mode": "commitments",
    "agency_may_propose": "yes",
}


@pytest.fixture
def people(database):
    roles = {"developer": Role.DEVELOPER, "agency": Role.AGENCY, "partner": Role.PARTNER}
    return {who: enrol(database, role, who) for who, role in roles.items()}


@pytest.fixture
def developer(clients, database, people):
    return browse_by_link(clients(), database, people["developer"])


@pytest.fixture
def agency(clients, database, people):
    return browse_by_link(clients(), database, people["agency"])


def said(answer):
    """What a page says, letter case aside."""
    return html.unescape(answer.text).casefold()


def enrolled(developer):
    """The page of a model that was enrolled by its form."""
    answer = developer.submit("/models", "/models", **MODEL)
    assert answer.status_code == 303, said(answer)
    return answer.headers["location"]


def offered(developer, people, **other):
    page = enrolled(developer)
    form = OFFER | {"organisation": str(people["agency"].organisation.id)} | other
    return page, developer.submit(page, f"{page}/offers", **form)


def test_a_model_is_offered_and_used_from_pages_alone(database, developer, agency, people):
    page, answer = offered(developer, people)
    assert answer.status_code == 303, said(answer)
    with database.transaction(people["developer"].viewer) as tx:
        (model,) = window.list_models(tx)
        (opened,) = window.list_windows(tx, model.id)
        (agreed,) = window.list_agreements(tx, model.id)
        (entry,) = window.list_entries(tx, model.id)
    assert {(one.name, one.upstream_model, one.declared_digest) for one in model.variants} == {
        ("reduced", "orion-2-reduced", "sha256:" + "a" * 64),
        ("safeguards-on", "orion-2", None),
    }
    assert (opened.kind, opened.ends_at - opened.opened_at) == (WindowKind.GOVERNMENT, timedelta(days=7))
    assert agreed.terms.purposes == ("find flaws", "measure capability")
    assert agreed.terms.limits == Limits(requests=500, micro_usd=12_500_000)
    assert agreed.terms.networks == ("192.0.2.0/24",)
    assert agreed.terms.barred == frozenset(BarredUse)
    assert (agreed.terms.record_mode, agreed.terms.agency_may_propose) == (RecordMode.COMMITMENTS, True)

    form = {"person": str(people["agency"].person.id), "purpose": "find flaws", "requests": "20"}
    answer = agency.submit(page, f"{page}/entries/{entry.id}/grants", **form)
    assert answer.status_code == 303, said(answer)
    with database.transaction(people["agency"].viewer) as tx:
        (given,) = window.list_grants(tx, opened.id)
    assert (given.purpose, given.limits) == ("find flaws", Limits(requests=20))
    assert "your credential, shown this once" in said(agency.submit(page, f"{page}/grants/{given.id}/credential"))


def test_a_second_organisation_joins_the_window_that_is_open(database, developer, people):
    page, _ = offered(developer, people)
    other = enrol(database, Role.AGENCY, "another agency")
    form = OFFER | {"organisation": str(other.organisation.id), "days": ""}
    assert developer.submit(page, f"{page}/offers", **form).status_code == 303
    with database.transaction(people["developer"].viewer) as tx:
        (model,) = window.list_models(tx)
        assert len(window.list_windows(tx, model.id)) == 1
        assert len(window.list_entries(tx, model.id)) == 2


def test_an_offer_that_fails_leaves_nothing_behind(database, developer, people):
    page, answer = offered(developer, people, organisation=str(people["partner"].organisation.id))
    assert answer.status_code == 403
    with database.transaction(people["developer"].viewer) as tx:
        (model,) = window.list_models(tx)
        assert (window.list_windows(tx, model.id), window.list_agreements(tx, model.id)) == ((), ())
    assert "nobody has access yet." in said(developer.get(page))


def test_offering_to_a_partner_that_an_agency_proposed_is_the_consent(database, developer, agency, people):
    page, _ = offered(developer, people)
    partner = str(people["partner"].organisation.id)
    assert agency.submit(page, f"{page}/partners", organisation=partner).status_code == 303
    planned = {"partner_release": f"{database.clock.now() - timedelta(hours=1):%Y-%m-%dT%H:%M}"}
    assert developer.submit(page, f"{page}/milestones", **planned).status_code == 303
    answer = developer.submit(page, f"{page}/offers", **OFFER | {"kind": "partner", "organisation": partner})
    assert answer.status_code == 303, said(answer)
    with database.transaction(people["developer"].viewer) as tx:
        (model,) = window.list_models(tx)
        states = {one.organisation: one.state for one in window.list_entries(tx, model.id)}
    assert states[people["partner"].organisation.id] is EntryState.JOINED


def test_the_developer_ends_an_organisations_access(database, developer, people):
    page, _ = offered(developer, people)
    with database.transaction(people["developer"].viewer) as tx:
        (model,) = window.list_models(tx)
        (entry,) = window.list_entries(tx, model.id)
    assert developer.submit(page, f"{page}/entries/{entry.id}/end").status_code == 303
    with database.transaction(people["developer"].viewer) as tx:
        assert [one.state for one in window.list_entries(tx, model.id)] == [EntryState.ENDED]


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("requests", "many", "this must be a whole number above zero"),
        ("requests", "0", "this must be a whole number above zero"),
        ("requests", "9" * 16, "this must be a whole number above zero"),
        ("tokens", "٣", "this must be a whole number above zero"),
        ("dollars", "free", "this must be an amount above zero"),
        ("dollars", "-1", "this must be an amount above zero"),
        ("dollars", "NaN", "this must be an amount above zero"),
        ("dollars", "1e9999999", "this must be an amount above zero"),
        ("kind", "everybody", "this is none of the choices"),
        ("record_mode", "", "this field is empty"),
        ("days", "31", "a government window lasts at most 30 days from the first offer"),
        ("instrument", "", "this field is empty"),
    ],
)
def test_what_cannot_be_meant_is_told_in_a_sentence(developer, people, field, value, sentence):
    _, answer = offered(developer, people, **{field: value})
    assert answer.status_code in (400, 403)
    assert sentence in said(answer)


def test_a_date_that_is_none_is_told_in_a_sentence(developer):
    page = enrolled(developer)
    answer = developer.submit(page, f"{page}/milestones", public_release="soon")
    assert (answer.status_code, "this is not a date" in said(answer)) == (400, True)


def test_what_a_form_is_for_is_offered_only_to_whom_it_is_for(developer, agency, people):
    page, _ = offered(developer, people)
    mine, theirs = said(developer.get(page)), said(agency.get(page))
    assert ("offer it to an organisation" in mine, "give somebody access" in mine) == (True, False)
    assert ("offer it to an organisation" in theirs, "give somebody access under crada 26-118" in theirs) == (
        False,
        True,
    )
    assert ("enrol a model" in said(developer.get("/models")), "enrol a model" in said(agency.get("/models"))) == (
        True,
        False,
    )
    assert str(people["agency"].organisation.id) in said(agency.get("/me"))
