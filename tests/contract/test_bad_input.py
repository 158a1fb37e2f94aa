"""What half A refuses: each in one sentence, and each with a leaf in the model's log that commits to that sentence.

An upstream that misbehaves does so after its call was let through: that call's last leaf commits to how it ended.
A forked checkpoint is refused by witnesses and verifiers, who write no log of ours (docs/threats/ledger.md).
"""

from __future__ import annotations

from datetime import date, timedelta
from http import HTTPStatus

import openai
import pytest
from sqlalchemy import select

from leadtime.doors.model_api import passing
from leadtime.doors.model_api import upstream as way
from leadtime.flow import parties, window
from leadtime.flow.window import GrantWanted, Limits
from leadtime.foundation.access import SYSTEM, Role
from leadtime.foundation.digests import canonical_json
from leadtime.ledger import open_leaf, parse_leaf, verify_opening
from leadtime.ledger.tables import leaves
from tests.doors.model_api.clients import ASK, openai_client
from tests.doors.model_api.conftest import served, upstream  # noqa: F401  # fixtures are found by their names here
from tests.doors.model_api.standing import Access, an_access, another_grant, serving
from tests.flow.window.factories import NOW, an_agreement, party

MARKED = "SECRET//NOFORN the flaw is in the parser"
SENTENCES = {
    "a 31-day window": "a government window lasts at most 30 days from the first offer",
    "a milestone written by an agency": "the role agency may not write a milestone",
    "a partner window before partner release": "a partner window opens at or after partner release",
    "a partner without consent": "the developer has not consented to this partner",
    "consent by another than the developer": "the role agency may not consent to a partner",
    "a marking pasted into a note": (
        "this text bears a classification marking, and this installation is not configured to hold such text"
    ),
    "a marking pasted into an agreement": (
        "this text bears a classification marking, and this installation is not configured to hold such text"
    ),
}


def committing(database, access, kind, **fields):
    """Return the leaves of a kind in the model's log that commit to these values."""
    log = window.log_of(access.offer.model.id)
    with database.transaction(SYSTEM) as tx:
        entries = tx.connection.scalars(select(leaves.c.entry).where(leaves.c.log == log).order_by(leaves.c.id)).all()
    found = [leaf for leaf in map(parse_leaf, entries) if leaf.kind == kind]
    return [leaf for leaf in found if verify_opening(leaf, open_leaf(database.keys, log, leaf.id, fields))]


@pytest.fixture
def access(database, upstream):  # noqa: F811
    return an_access(database, upstream.url)


@pytest.fixture
def asking(database, access, clients):
    """Send one of the bad requests to the API and return its answer; also what it was about."""
    developer, agency, model = access.offer.developer, access.offer.agency, access.offer.model.id
    partner = party(database, Role.PARTNER)
    with database.transaction(developer.viewer) as tx:
        proposed = window.propose_partner(tx, model, partner.organisation.id).id
    theirs = an_agreement(database, developer, access.offer.model, partner)
    with database.transaction(SYSTEM) as tx:
        tokens = {who: parties.issue_token(tx, who.person.id, days=1).secret for who in (developer, agency)}
    terms = {"instrument": "CRADA", "purposes": ["find flaws"], "export_note": MARKED}
    bad = {
        "a 31-day window": (developer, f"models/{model}/windows", {"kind": "government", "days": 31}),
        "a milestone written by an agency": (
            agency,
            f"models/{model}/milestones",
            {"partner_release_at": None, "public_release_at": (NOW + timedelta(days=90)).isoformat()},
        ),
        "a partner window before partner release": (
            developer,
            f"models/{model}/windows",
            {"kind": "partner", "days": 3},
        ),
        "a partner without consent": (
            developer,
            f"entries/{proposed}/grants",
            {"person": str(partner.person.id), "purpose": "find flaws"},
        ),
        "consent by another than the developer": (
            agency,
            f"entries/{access.offer.entry.id}/consent",
            {"window": str(access.offer.window.id), "agreement": str(theirs.id)},
        ),
        "a marking pasted into a note": (
            agency,
            f"models/{model}/designations",
            {"authority": "Example", "requested_on": date(2026, 8, 1).isoformat(), "facts": MARKED},
        ),
        "a marking pasted into an agreement": (developer, f"agreements/{theirs.id}/versions", terms),
    }

    def ask(what):
        who, path, body = bad[what]
        return who, clients(tokens[who]).post(f"/api/v1/{path}", json=body)

    return ask


@pytest.mark.parametrize("what", SENTENCES)
def test_what_lies_outside_an_offer_is_refused_in_a_sentence_and_a_leaf(database, access, asking, what):
    who, answer = asking(what)
    assert (answer.status_code, answer.json()["detail"]) == (HTTPStatus.FORBIDDEN, SENTENCES[what])
    with database.transaction(access.offer.developer.viewer) as tx:
        line = window.history_of(tx, access.offer.model.id)[-1]
    assert (line.kind, line.person) == (window.EventKind.REFUSED, who.person.id)
    assert SENTENCES[what] in line.note
    said = {"note": line.note.encode(), "person": str(who.person.id).encode()}
    assert len(committing(database, access, window.EventKind.REFUSED.value, **said)) == 1
    assert "NOFORN" not in line.note


def after_withdrawal(database, access, clock):
    with database.transaction(access.offer.developer.viewer) as tx:
        window.withdraw(tx, access.offer.window.id)
    return access, {}


def from_another_network(database, access, clock):
    return another_grant(database, access.offer, GrantWanted("find flaws", networks=("192.0.2.0/24",))), {}


def for_a_barred_purpose(database, access, clock):
    return access, {"leadtime-purpose": "training"}


def of_a_vendor_that_expired(database, access, clock):
    agency = access.offer.agency
    with database.transaction(SYSTEM) as tx:
        vendor = parties.enrol_employer(
            tx, organisation=agency.organisation.id, name="Vendor", engaged_until=NOW + timedelta(hours=1)
        )
        person = parties.enrol_person(
            tx, organisation=agency.organisation.id, name="Vi", email="vi@vendor.example", employer=vendor.id
        )
    viewer = agency.viewer.__class__(Role.AGENCY, agency.organisation.id, person.id)
    with database.transaction(viewer) as tx:
        made = window.grant(tx, access.offer.entry.id, person.id, GrantWanted("find flaws"))
        secret = window.issue_credential(tx, made.id).secret
    clock.advance(hours=1)
    return Access(database, access.offer, made, secret), {}


def over_the_limit(database, access, clock):
    return another_grant(database, access.offer, GrantWanted("find flaws", limits=Limits(tokens=1))), {}


@pytest.fixture
def refused(database, access, served, upstream, clock):  # noqa: F811
    """Call outside a grant; return whose it is and the refusal's sentence. Nothing reaches the upstream."""

    def ask(use):
        used, headers = use(database, access, clock)
        with openai_client(served, used, default_headers=headers) as client, pytest.raises(openai.APIStatusError) as no:
            client.chat.completions.create(model=used.name("plain"), messages=ASK)
        assert upstream.seen == []
        return used, no.value.body["message"].partition(". ")[0]

    return ask


@pytest.mark.parametrize(
    ("use", "sentence"),
    [
        (after_withdrawal, "this access is over: the developer withdrew it"),
        (from_another_network, "this network is outside the agreement"),
        (for_a_barred_purpose, "the agreement bars training"),
        (of_a_vendor_that_expired, "this access is over: its end was reached"),
        (over_the_limit, "the grant has 1 tokens left, and this call may need "),
    ],
)
def test_a_call_outside_a_grant_is_refused_in_a_sentence_and_a_leaf(database, refused, use, sentence):
    used, said = refused(use)
    assert said.startswith(sentence)
    told = {"sentence": said.encode(), "grant": str(used.grant.id).encode()}
    assert len(committing(database, used, "refusal", **told)) == 1


@pytest.fixture
def misbehaving(database, address, access, monkeypatch):
    """Ask an upstream that does as its variant says; return the sentence that came. Bounds are lower than usual."""
    monkeypatch.setattr(passing.limits, "ANSWER_BYTES_MAX", 4 << 20)

    def ask(variant):
        if variant == "stall":
            monkeypatch.setattr(way.limits, "SILENCE_SECONDS_MAX", 0.2)
        with (
            serving(database, address) as gateway,
            openai_client(gateway, access) as client,
            pytest.raises(openai.APIStatusError) as wrong,
        ):
            client.chat.completions.create(model=access.name(variant), messages=ASK)
        return wrong.value.body["message"]

    return ask


@pytest.mark.parametrize(
    ("variant", "sentence"),
    [
        ("garbage", "the model's upstream answered something that is no answer"),
        ("blunt", "the model's upstream answered with status 500 and no explanation"),
        ("stall", "the model's upstream went silent, so the call was ended"),
        ("huge", "the model's upstream sent more than any answer may hold"),
    ],
)
def test_an_upstream_that_misbehaves_is_told_in_a_sentence_and_its_calls_leaf_says_how_it_ended(
    database, access, misbehaving, variant, sentence
):
    assert misbehaving(variant) == sentence
    (call,) = access.settled()
    ended = canonical_json({"ended": call.ended.value, "status": call.status})
    (leaf,) = committing(database, access, "settled", ended=ended)
    assert leaf.about == call.id
