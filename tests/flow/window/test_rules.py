"""Each decision of a window, exactly."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest

from leadtime.flow.window.records import (
    GrantWanted,
    Holder,
    Holding,
    Limits,
    Milestones,
    Standing,
    Terms,
    Variant,
)
from leadtime.flow.window.rules import (
    ENTRY_MOVES,
    GOVERNMENT_WINDOW_DAYS_MAX,
    MODEL_MOVES,
    WINDOW_MOVES,
    bars,
    check_grant,
    check_holder,
    check_joined,
    check_kind,
    check_over,
    check_proposer,
    check_purpose,
    check_signer,
    covered,
    earliest_end,
    ending_of,
    is_barred_word,
    move_entry,
    move_model,
    move_window,
    refusal_of_use,
    refuse_ended,
    shortened_end,
    standing_at,
    standing_end,
    window_end,
    window_state_at,
)
from leadtime.flow.window.vocabulary import (
    BarredUse,
    Ending,
    EntryMove,
    EntryState,
    ModelMove,
    ModelState,
    RecordMode,
    WindowKind,
    WindowMove,
    WindowState,
    WireFormat,
)
from leadtime.foundation.access import Role
from leadtime.foundation.errors import Conflict, Malformed, Refused

NOW = datetime(2026, 8, 3, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
LAB, AGENCY, ADA, BO = (UUID(int=number) for number in (1, 2, 3, 4))
GOVERNMENT, PARTNER = WindowKind.GOVERNMENT, WindowKind.PARTNER
TERMS = Terms(instrument="CRADA", purposes=("Find  flaws", "measure"))


def sentence(kind, act):
    with pytest.raises(kind) as caught:
        act()
    return str(caught.value)


def test_withdraw_and_release_are_there_in_every_state():
    for state in ModelState:
        assert {ModelMove.WITHDRAW, ModelMove.RELEASE} <= set(MODEL_MOVES[state])
    for state in WindowState:
        assert {WindowMove.WITHDRAW, WindowMove.RELEASE} <= set(WINDOW_MOVES[state])
    for state in EntryState:
        assert EntryMove.END in ENTRY_MOVES[state]


def test_nothing_leads_out_of_what_is_over():
    for state in (WindowState.EXPIRED, WindowState.WITHDRAWN, WindowState.RELEASED):
        assert set(WINDOW_MOVES[state].values()) == {state}
    assert set(MODEL_MOVES[ModelState.RELEASED].values()) == {ModelState.RELEASED}
    assert set(ENTRY_MOVES[EntryState.ENDED].values()) == {EntryState.ENDED}
    assert set(ENTRY_MOVES[EntryState.RETRACTED].values()) == {EntryState.RETRACTED}


def test_an_entry_joins_by_consent_alone():
    ways = {move for moves in ENTRY_MOVES.values() for move, after in moves.items() if after is EntryState.JOINED}
    assert ways == {EntryMove.CONSENT}


def test_a_move_that_is_not_in_the_table_is_a_conflict():
    assert move_model(ModelState.ENROLLED, ModelMove.OPEN_WINDOW) is ModelState.OFFERED
    assert sentence(Conflict, lambda: move_model(ModelState.RELEASED, ModelMove.OPEN_WINDOW)) == (
        "model: a model that is released cannot open a window. Read the model again."
    )
    assert move_window(WindowState.OPEN, WindowMove.WITHDRAW) is WindowState.WITHDRAWN
    assert sentence(Conflict, lambda: move_window(WindowState.EXPIRED, WindowMove.GRANT)) == (
        "window: in a window that is expired there is no move to grant to a person. Read the window again."
    )
    assert move_entry(EntryState.PROPOSED, EntryMove.CONSENT) is EntryState.JOINED
    assert sentence(Conflict, lambda: move_entry(EntryState.ENDED, EntryMove.CONSENT)) == (
        "entry: of an entry that is ended it cannot be said that the developer consents. Read the window again."
    )


def test_a_window_is_over_at_its_end_exactly():
    assert window_state_at(WindowState.OPEN, NOW, NOW - TICK) is WindowState.OPEN
    assert window_state_at(WindowState.OPEN, NOW, NOW) is WindowState.EXPIRED
    for state in (WindowState.WITHDRAWN, WindowState.RELEASED):
        assert window_state_at(state, NOW, NOW + DAY) is state


@pytest.mark.parametrize(
    ("kind", "partner", "public", "expected"),
    [
        (GOVERNMENT, None, None, 10),
        (GOVERNMENT, 5, None, 5),
        (GOVERNMENT, None, 6, 6),
        (GOVERNMENT, 5, 4, 4),
        (GOVERNMENT, 50, 60, 10),
        (PARTNER, 5, None, 10),
        (PARTNER, 5, 8, 8),
        (PARTNER, 5, 80, 10),
    ],
)
def test_a_window_ends_at_the_earlier_of_its_end_and_the_milestones_of_its_kind(kind, partner, public, expected):
    planned = Milestones(partner and NOW + partner * DAY, public and NOW + public * DAY)
    assert earliest_end(kind, NOW + 10 * DAY, planned) == NOW + expected * DAY


def government(asked, planned=Milestones(), first=NOW):  # noqa: B008
    return window_end(GOVERNMENT, asked, planned, first_opened_at=first, now=NOW)


def test_a_government_window_lasts_thirty_days_at_most():
    assert GOVERNMENT_WINDOW_DAYS_MAX == 30
    assert government(None) == NOW + 30 * DAY
    assert government(NOW + 30 * DAY) == NOW + 30 * DAY
    assert government(NOW + 3 * DAY) == NOW + 3 * DAY
    too_long = "ends_at: a government window lasts at most 30 days from the first offer. Choose an earlier end."
    assert sentence(Refused, lambda: government(NOW + 30 * DAY + TICK)) == too_long
    assert sentence(Refused, lambda: government(NOW + 31 * DAY)) == too_long
    assert government(None, first=NOW - 29 * DAY) == NOW + DAY
    assert sentence(Refused, lambda: government(NOW + 2 * DAY, first=NOW - 29 * DAY)) == too_long


def test_a_government_window_ends_with_the_earlier_milestone():
    assert government(None, Milestones(NOW + 7 * DAY, NOW + 9 * DAY)) == NOW + 7 * DAY
    assert government(NOW + 8 * DAY, Milestones(None, NOW + 9 * DAY)) == NOW + 8 * DAY


def test_a_window_that_would_be_over_at_once_is_refused():
    over = (
        "ends_at: this window would be over before it begins. "
        "Choose a later end, or look at the milestones that are set."
    )
    assert sentence(Refused, lambda: government(NOW)) == over
    assert government(NOW + TICK) == NOW + TICK
    assert sentence(Refused, lambda: government(None, Milestones(NOW, None))) == over
    assert sentence(Refused, lambda: government(None, first=NOW - 30 * DAY)) == over


def partner(asked, planned):
    return window_end(PARTNER, asked, planned, first_opened_at=NOW, now=NOW)


def test_a_partner_window_opens_at_partner_release():
    early = (
        "partner_release_at: a partner window opens at or after partner release. "
        "Set the partner release, and open the window once it is reached."
    )
    assert sentence(Refused, lambda: partner(NOW + DAY, Milestones())) == early
    assert sentence(Refused, lambda: partner(NOW + DAY, Milestones(NOW + TICK))) == early
    assert partner(NOW + DAY, Milestones(NOW)) == NOW + DAY


def test_a_partner_window_ends_at_public_release_or_on_the_developers_date():
    assert partner(None, Milestones(NOW, NOW + 9 * DAY)) == NOW + 9 * DAY
    assert partner(NOW + 5 * DAY, Milestones(NOW, NOW + 9 * DAY)) == NOW + 5 * DAY
    assert partner(NOW + 99 * DAY, Milestones(NOW, NOW + 9 * DAY)) == NOW + 9 * DAY
    assert partner(NOW + 99 * DAY, Milestones(NOW)) == NOW + 99 * DAY
    assert sentence(Malformed, lambda: partner(None, Milestones(NOW))) == (
        "ends_at: a partner window needs an end while no public release is set. "
        "Give one, or set the public release first."
    )


def test_an_end_is_only_brought_forward():
    assert shortened_end(NOW, NOW) == NOW
    assert shortened_end(NOW, NOW - DAY) == NOW - DAY
    assert sentence(Refused, lambda: shortened_end(NOW, NOW + TICK)) == (
        "ends_at: a window is never lengthened. Choose an earlier end."
    )


def test_an_agency_proposes_where_one_of_its_agreements_says_so():
    silent, spoken = (SimpleNamespace(terms=replace(TERMS, agency_may_propose=said)) for said in (False, True))
    check_proposer([silent, spoken])
    for own in ([], [silent]):
        assert sentence(Refused, lambda o=own: check_proposer(o)) == (
            "agreement: proposing partners is outside this agreement. Ask the developer to propose the partner."
        )


def test_agencies_and_partners_have_windows_of_their_own():
    check_kind(GOVERNMENT, Role.AGENCY)
    check_kind(PARTNER, Role.PARTNER)
    assert sentence(Refused, lambda: check_kind(GOVERNMENT, Role.PARTNER)) == (
        "organisation: a government window is for an organisation of the role agency. "
        "Choose the other window, or another organisation."
    )
    assert sentence(Refused, lambda: check_kind(PARTNER, Role.AGENCY)) == (
        "organisation: a partner window is for an organisation of the role partner. "
        "Choose the other window, or another organisation."
    )


def test_a_purpose_is_one_that_the_agreement_names():
    assert check_purpose(" find   FLAWS ", TERMS) == "Find  flaws"
    assert check_purpose("measure", TERMS) == "measure"
    assert sentence(Refused, lambda: check_purpose("poems", TERMS)) == (
        "purpose: this purpose is outside the agreement. Choose one that the agreement names."
    )
    assert sentence(Refused, lambda: check_purpose("Training", TERMS)) == (
        "purpose: the agreement bars training. Use the model for what was agreed."
    )
    lenient = replace(TERMS, barred=frozenset({BarredUse.PROCUREMENT}))
    assert sentence(Refused, lambda: check_purpose("training", lenient)).startswith("purpose: this purpose is outside")


def test_a_barred_word_is_known_in_any_spelling():
    assert is_barred_word("  Distillation ")
    assert not is_barred_word("distil")


def given(wanted, terms=TERMS, until=NOW + 5 * DAY):
    return check_grant(wanted, terms, window_ends_at=until, now=NOW)


def test_a_grant_takes_what_it_does_not_narrow_from_the_agreement():
    terms = replace(TERMS, variants=("on", "off"), limits=Limits(requests=3), networks=("192.0.2.0/24",))
    assert given(GrantWanted("MEASURE"), terms) == GrantWanted(
        purpose="measure", variants=("on", "off"), limits=Limits(), networks=(), ends_at=NOW + 5 * DAY
    )
    narrow = GrantWanted(
        "measure",
        variants=("on",),
        limits=Limits(requests=3),
        networks=("192.0.2.128/25",),
        key_thumbprint="t",
        ends_at=NOW + DAY,
    )
    assert given(narrow, terms) == narrow


def test_a_grant_ends_with_its_window():
    assert given(GrantWanted("measure", ends_at=NOW + 6 * DAY)).ends_at == NOW + 5 * DAY
    assert given(GrantWanted("measure", ends_at=NOW + TICK)).ends_at == NOW + TICK
    over = "ends_at: this grant would be over before it begins. Choose a later end."
    assert sentence(Refused, lambda: given(GrantWanted("measure", ends_at=NOW))) == over
    assert sentence(Refused, lambda: given(GrantWanted("measure"), until=NOW)) == over


def test_a_variant_outside_the_agreement_is_refused():
    terms = replace(TERMS, variants=("on",))
    assert given(GrantWanted("measure", variants=("off",))).variants == ("off",)
    assert sentence(Refused, lambda: given(GrantWanted("measure", variants=("on", "off")), terms)) == (
        "variants: this variant is outside the agreement. Choose an agreed one."
    )


@pytest.mark.parametrize("name", ["requests", "tokens", "concurrency", "micro_usd"])
def test_a_limit_is_no_higher_than_the_agreements(name):
    terms = replace(TERMS, limits=Limits(**{name: 7}))
    assert given(GrantWanted("measure", limits=Limits(**{name: 7})), terms).limits == Limits(**{name: 7})
    assert sentence(Refused, lambda: given(GrantWanted("measure", limits=Limits(**{name: 8})), terms)) == (
        f"limits.{name}: this limit is beyond the agreement's 7. Choose a lower one."
    )
    assert given(GrantWanted("measure", limits=Limits(**{name: 8}))).limits == Limits(**{name: 8})


def test_a_network_outside_the_agreement_is_refused():
    terms = replace(TERMS, networks=("192.0.2.0/24",))
    assert sentence(Refused, lambda: given(GrantWanted("measure", networks=("192.0.3.0/24",)), terms)) == (
        "networks: this network is outside the agreement. Choose a part of one."
    )


def test_an_entry_that_joined_has_its_window():
    assert check_joined(EntryState.JOINED, LAB) == LAB
    assert sentence(Refused, lambda: check_joined(EntryState.PROPOSED, None)) == (
        "entry: the developer has not consented to this partner. "
        "Wait for the developer, whose consent nothing stands in for."
    )
    assert sentence(Conflict, lambda: check_joined(EntryState.ENDED, LAB)) == (
        "entry: this entry is ended. Read the window's entries."
    )


HOLDER = Holder(None, frozenset(), foreign_access=False)


def test_who_may_hold_access():
    strict = replace(TERMS, bars_foreign_access=True)
    check_holder(HOLDER, strict, LAB, now=NOW)
    check_holder(replace(HOLDER, works_until=NOW + TICK, conflicts=frozenset({AGENCY})), TERMS, LAB, now=NOW)
    check_holder(replace(HOLDER, foreign_access=True), TERMS, LAB, now=NOW)
    assert sentence(Refused, lambda: check_holder(replace(HOLDER, works_until=NOW), TERMS, LAB, now=NOW)) == (
        "person: this person's time, or their vendor's, is over. Choose somebody who is active."
    )
    conflicted = replace(HOLDER, conflicts=frozenset({LAB}))
    assert sentence(Refused, lambda: check_holder(conflicted, TERMS, LAB, now=NOW)) == (
        "person: this person has a conflict of interest about the developer. Choose somebody without one."
    )
    assert sentence(Refused, lambda: check_holder(replace(HOLDER, foreign_access=True), strict, LAB, now=NOW)) == (
        "person: the agreement bars foreign access. Choose somebody else."
    )


def test_foreign_access_is_barred_where_the_agreement_says_so():
    marked = replace(HOLDER, foreign_access=True)
    strict = replace(TERMS, bars_foreign_access=True)
    assert bars(strict, marked)
    assert not bars(strict, HOLDER)
    assert not bars(strict, None)
    assert not bars(TERMS, marked)


HOLDING = Holding(
    window_state=WindowState.OPEN,
    window_ends_at=NOW + 20 * DAY,
    entry_state=EntryState.JOINED,
    granted_at=NOW,
    grant_ends_at=NOW + 20 * DAY,
    grant_ended_at=None,
    person=HOLDER,
    developer=LAB,
    purpose="measure",
    terms=TERMS,
    milestones=Milestones(),
    kind=GOVERNMENT,
)


@pytest.mark.parametrize(
    ("changes", "days"),
    [
        ({}, 20),
        ({"grant_ends_at": NOW + 3 * DAY}, 3),
        ({"window_ends_at": NOW + 4 * DAY}, 4),
        ({"person": replace(HOLDER, works_until=NOW + 5 * DAY)}, 5),
        ({"person": replace(HOLDER, works_until=NOW + 50 * DAY)}, 20),
        ({"person": None}, 20),
        ({"milestones": Milestones(NOW + 6 * DAY, NOW + 7 * DAY)}, 6),
        ({"milestones": Milestones(NOW + 6 * DAY, NOW + 7 * DAY), "kind": PARTNER}, 7),
    ],
)
def test_access_ends_at_the_earliest_of_all_ends(changes, days):
    assert standing_end(replace(HOLDING, **changes)) == NOW + days * DAY


@pytest.mark.parametrize(
    ("changes", "ending"),
    [
        ({}, None),
        ({"window_state": WindowState.WITHDRAWN}, Ending.WITHDRAWN),
        ({"window_state": WindowState.RELEASED}, Ending.RELEASED),
        ({"entry_state": EntryState.ENDED}, Ending.ENTRY_ENDED),
        ({"entry_state": EntryState.PROPOSED}, Ending.ENTRY_ENDED),
        ({"grant_ended_at": NOW}, Ending.GRANT_ENDED),
        ({"person": None}, Ending.PERSON_GONE),
        ({"person": replace(HOLDER, conflicts=frozenset({LAB}))}, Ending.CONFLICT),
        ({"person": replace(HOLDER, conflicts=frozenset({AGENCY}))}, None),
        (
            {"person": replace(HOLDER, foreign_access=True), "terms": replace(TERMS, bars_foreign_access=True)},
            Ending.FOREIGN_ACCESS,
        ),
        ({"purpose": "poems"}, Ending.PURPOSE_GONE),
        ({"window_state": WindowState.WITHDRAWN, "person": None, "grant_ended_at": NOW}, Ending.WITHDRAWN),
    ],
)
def test_what_ended_access_is_told_the_widest_first(changes, ending):
    assert ending_of(replace(HOLDING, **changes)) is ending


def test_a_grant_covers_what_it_and_the_newest_terms_both_name():
    on, off = Variant("on", "u1"), Variant("off", "u2")
    assert covered([on, off], (), ()) == (on, off)
    assert covered([on, off], ("off",), ()) == (off,)
    assert covered([on, off], (), ("on",)) == (on,)
    assert covered([on, off], ("off",), ("on",)) == ()


STANDING = Standing(
    grant=UUID(int=10),
    window=UUID(int=11),
    kind=GOVERNMENT,
    model=UUID(int=12),
    model_name="orion-1",
    developer=LAB,
    organisation=AGENCY,
    person=ADA,
    agreement=UUID(int=13),
    agreement_version=1,
    purpose="Find flaws",
    barred=frozenset({BarredUse.TRAINING}),
    variants=(),
    limits=Limits(),
    budget=Limits(),
    networks=(),
    key_thumbprint=None,
    record_mode=RecordMode.COMMITMENTS,
    wire_format=WireFormat.OPENAI,
    upstream="http://127.0.0.1:1",
    begins_at=NOW,
    ends_at=NOW + DAY,
    ended=None,
)


def test_access_stands_from_its_beginning_until_just_before_its_end():
    assert standing_at(STANDING, NOW - TICK) is Ending.NOT_BEGUN
    assert standing_at(STANDING, NOW) is None
    assert standing_at(STANDING, NOW + DAY - TICK) is None
    assert standing_at(STANDING, NOW + DAY) is Ending.EXPIRED
    assert standing_at(replace(STANDING, ended=Ending.WITHDRAWN), NOW) is Ending.WITHDRAWN
    assert standing_at(replace(STANDING, ended=Ending.WITHDRAWN), NOW - DAY) is Ending.WITHDRAWN


def test_a_call_is_for_the_grants_purpose_or_states_none():
    assert refusal_of_use(STANDING, "") is None
    assert refusal_of_use(STANDING, "  ") is None
    assert refusal_of_use(STANDING, "find  FLAWS") is None
    assert refusal_of_use(STANDING, "measure") == "this purpose is not the grant's"
    assert refusal_of_use(STANDING, " Training") == "the agreement bars training"
    assert refusal_of_use(STANDING, "distillation") == "this purpose is not the grant's"


def test_access_that_is_over_is_refused_with_its_reason():
    refuse_ended(None)
    assert sentence(Refused, lambda: refuse_ended(Ending.EXPIRED)) == (
        "grant: this access does not stand: its end was reached. Ask the developer if that is a mistake."
    )


def test_a_return_is_signed_after_the_end():
    check_over(Ending.EXPIRED)
    for standing in (None, Ending.NOT_BEGUN):
        assert sentence(Conflict, lambda s=standing: check_over(s)) == (
            "grant: this access is not over. End the grant, or wait for its end."
        )


def test_a_return_is_signed_by_its_holder():
    assert check_signer(ADA, ADA, holder_gone=False) == ADA
    assert check_signer(BO, ADA, holder_gone=True) == BO
    for signer, gone in ((BO, False), (None, True), (None, False)):
        assert sentence(Refused, lambda s=signer, g=gone: check_signer(s, ADA, holder_gone=g)) == (
            "grant: a return is signed off by the person who held the access. Ask that person to sign."
        )
