"""The developer's console and the evaluator's page: what each shows and does; the text to copy is run as it stands."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from dataclasses import replace
from datetime import date

import pyrage
import pytest

from leadtime.flow import assessment, gateway, window
from leadtime.flow.assessment import RequestWanted
from leadtime.flow.window import DeveloperMay, Limits, Milestones, RecordMode, WireFormat
from leadtime.foundation.access import Role
from leadtime.foundation.voluntary import NOTICE
from tests.doors.model_api.clients import ASK, openai_client
from tests.doors.model_api.conftest import served, upstream  # noqa: F401  # fixtures are found by their names here
from tests.doors.model_api.standing import an_access
from tests.doors.standing import browse_by_link
from tests.doors.world import enrol
from tests.flow.window.factories import (
    DAY,
    NOW,
    TERMS,
    WANTED,
    Party,
    a_grant,
    a_model,
    an_agreement,
    an_offer,
)

SPACE = re.compile(r"\s+")


def words(answer):
    """Return what a page says, without its marks."""
    assert answer.status_code == 200, answer.text
    return SPACE.sub(" ", html.unescape(re.sub(r"<(?!svg|title)[^>]*>", " ", answer.text)))


@pytest.fixture
def offer(database):
    terms = replace(
        TERMS,
        limits=Limits(requests=500, tokens=2_000_000, concurrency=8, micro_usd=40_000_000),
        networks=("192.0.2.0/24",),
        agency_may_propose=True,
        bars_foreign_access=True,
        foia_exemption_4=True,
        export_note="EAR99",
    )
    return an_offer(database, terms=terms)


def page_of(offer):
    return f"/models/{offer.model.id}"


def test_the_developer_reads_its_offer_whole(database, clients, offer):
    a_grant(database, offer)
    with database.transaction(offer.developer.viewer) as tx:
        window.set_milestones(tx, offer.model.id, Milestones(public_release_at=NOW + 12 * DAY))
        assessment.note_request(tx, offer.model.id, RequestWanted("Example Authority", date(2026, 8, 1), "asked once"))
    said = words(browse_by_link(clients(), database, offer.developer).get(page_of(offer)))
    for part in (
        NOTICE,
        "Government window open ends in 12 days",
        "Withdraw this window",
        "Yours alone, at any moment",
        "Requests 0 no limit here",
        "Requests 0 of 500 ",
        "Tokens 0 of 2,000,000 ",
        "US dollars 0.00 of 40.00 ",
        "Calls at once 0 of 8 ",
        "Agreement CRADA 26-117",
        "For find flaws; measure cyber capability",
        "Never for distillation, enforcement, procurement, redistribution, training",
        "Networks 192.0.2.0/24",
        "Within 500 requests, 2,000,000 tokens, 40.00 US dollars, 8 calls at once",
        "Record commitments, 365 days",
        "Developer may see who, when and how much",
        "Partners proposed by either side",
        "Foreign use barred",
        "Markings FOIA exemption 4",
        "Export EAR99",
        "Requested : asked of Example Authority",
        "Nothing here depends on it.",
        f"declared: sha256:{'0a' * 32}",
        "no checkpoint digest was declared",
        "Reported thanks to this window",
    ):
        assert part in said, part


def test_one_press_withdraws_and_says_so_to_everybody(database, clients, offer):
    a_grant(database, offer)
    developer = browse_by_link(clients(), database, offer.developer)
    evaluator = browse_by_link(clients(), database, offer.agency)
    assert "How to connect" in words(evaluator.get(page_of(offer)))
    assert developer.submit(page_of(offer), f"{page_of(offer)}/withdraw").status_code == 303
    assert "Return or destruction is still to be signed" in words(developer.get(page_of(offer)))
    said = words(evaluator.get(page_of(offer)))
    assert "Over The developer withdrew it" in said
    assert "How to connect" not in said
    assert "Draw a credential" not in said
    grant = re.search(r"/grants/([0-9a-f-]{36})/return", evaluator.get(page_of(offer)).text)[1]
    signing = {"disposition": "destroyed", "note": "notebooks wiped"}
    assert evaluator.submit(page_of(offer), f"{page_of(offer)}/grants/{grant}/return", **signing).status_code == 303
    assert "Destroyed: notebooks wiped, signed" in words(developer.get(page_of(offer)))


def test_a_window_that_ran_out_is_over_on_every_card(database, clients, clock, offer):
    a_grant(database, offer)
    clock.advance(days=30)
    said = words(browse_by_link(clients(), database, offer.developer).get(page_of(offer)))
    assert "Government window over" in said
    assert "Over Its end was reached" in said


def test_a_side_that_has_stated_no_key_is_told_what_waits_for_it(database, clients):
    sealed = replace(TERMS, record_mode=RecordMode.SEALED, developer_may=frozenset({DeveloperMay.READ_CONTENT}))
    offer = an_offer(database, terms=sealed)
    key = str(pyrage.x25519.Identity.generate().to_public())
    with database.transaction(offer.developer.viewer) as tx:
        gateway.state_sealing_key(tx, key)
    assert key in words(browse_by_link(clients(), database, offer.developer).get(page_of(offer)))
    said = words(browse_by_link(clients(), database, offer.agency).get(page_of(offer)))
    assert "Your side has stated no key, and until both sides have, no call goes through." in said
    assert key not in said


def test_a_competitor_is_not_on_a_partners_page(database, clients):
    developer, ours, rival = (enrol(database, role, name) for role, name in (
        (Role.DEVELOPER, "Lab"), (Role.PARTNER, "Bank"), (Role.PARTNER, "Rival"),
    ))  # fmt: skip
    lab = Party(developer.organisation, developer.person, developer.viewer)
    model = a_model(database, lab)
    with database.transaction(lab.viewer) as tx:
        window.set_milestones(tx, model.id, Milestones(partner_release_at=NOW))
        opened = window.open_window(tx, model.id, window.WindowKind.PARTNER, ends_at=NOW + 9 * DAY)
    for one in (ours, rival):
        agreed = an_agreement(database, lab, model, Party(one.organisation, one.person, one.viewer))
        with database.transaction(lab.viewer) as tx:
            proposed = window.propose_partner(tx, model.id, one.organisation.id)
            joined = window.consent(tx, proposed.id, opened.id, agreed.id)
        with database.transaction(one.viewer) as tx:
            window.grant(tx, joined.id, one.person.id, WANTED)
    said = words(browse_by_link(clients(), database, ours).get(f"/models/{model.id}"))
    assert "Partner window open ends in 9 days" in said
    assert "Person of Bank, Bank" in said
    assert "Rival" not in said


@pytest.fixture
def draw(database, site, clients_of, served):  # noqa: F811
    """Press for a credential as the evaluator, on the pages of the gateway that is served; return the page."""
    there = replace(site, settings=replace(site.settings, url=served.url))

    def press(access):
        evaluator = browse_by_link(clients_of(there)(), database, access.offer.agency)
        page = page_of(access.offer)
        return evaluator.submit(page, f"{page}/grants/{access.grant.id}/credential")

    return press


@pytest.mark.parametrize("wire_format", WireFormat)
def test_the_text_on_the_page_connects_as_it_stands(database, upstream, draw, wire_format):  # noqa: F811
    access = an_access(database, upstream.url, wire_format=wire_format)
    drawn = draw(access)
    assert NOTICE in html.unescape(drawn.text)
    shown = re.search(r'aria-label="Connect with the \w+ client">(.*?)</pre>', drawn.text, re.DOTALL)[1]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", html.unescape(shown)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "All is well here."
    (call,) = access.settled()
    assert call.variant == "plain"


def test_every_access_is_listed_and_the_older_ones_after_a_press(database, clients, served, upstream, monkeypatch):  # noqa: F811
    monkeypatch.setattr("leadtime.doors.read_models.offers.CALLS_SHOWN", 2)
    access = an_access(database, upstream.url)
    with openai_client(served, access) as client:
        for _ in range(3):
            client.chat.completions.create(model=access.name("plain"), messages=ASK)
    newest = [str(call.id) for call in access.settled(3)]
    developer = browse_by_link(clients(), database, access.offer.developer)
    first = developer.get(page_of(access.offer)).text
    assert [leaf in first.partition("Show older")[0] for leaf in newest] == [True, True, False]
    assert "3 calls" in first
    older = developer.get(re.search(r'href="([^"]*\?before=[^"#]*)', first)[1]).text
    assert [leaf in older for leaf in newest] == [False, False, True]
    assert 'http-equiv="refresh"' in developer.get(f"{page_of(access.offer)}?follow=yes").text
