from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from leadtime.flow.gateway import limits, rules
from leadtime.flow.gateway.records import (
    Account,
    Address,
    Alarm,
    AlarmKind,
    Amount,
    Answered,
    Balance,
    Caller,
    Charge,
    Ended,
    Fingerprint,
    Reason,
    Refusal,
    Reservation,
    Usage,
    Wanted,
)
from leadtime.flow.window import Ending, Limits, Variant, WireFormat
from leadtime.foundation.errors import Malformed
from tests.flow.gateway.factories import ASKED, CALLER, DAY, FULL, NOW, REDUCED, STANDING, asked, call, standing

A, B = UUID(int=21), UUID(int=22)


def answered(ended=Ended.WHOLE, status=200, answer_bytes=0, text_bytes=0, usage=None):
    return Answered(ended, status, answer_bytes, text_bytes, usage)


def test_a_variant_is_called_by_model_and_plain_letters():
    assert rules.name_of(STANDING, FULL) == "orion-1/safeguards-on"
    assert rules.name_of(STANDING, Variant(" -Ünsafe_ v1.5!", "x")) == "orion-1/nsafe-v1.5"


def test_a_variant_is_found_by_its_name_alone_unless_it_is_the_only_one():
    assert rules.variant_of(STANDING, "orion-1/safeguards-on") == FULL
    assert rules.variant_of(STANDING, "orion-1/reduced") == REDUCED
    assert rules.variant_of(STANDING, "orion-1") is None
    assert rules.variant_of(STANDING, "reduced") is None
    only = standing(variants=(REDUCED,))
    assert rules.variant_of(only, "orion-1") == REDUCED
    assert rules.variant_of(only, "orion-2") is None
    assert rules.variant_of(only, "orion-1/safeguards-on") is None


def test_a_caller_within_the_agreement_is_not_refused():
    assert rules.refusal_of_caller(STANDING, CALLER, NOW) is None
    assert rules.refusal_of_caller(STANDING, replace(CALLER, purpose="Find  flaws"), NOW) is None
    assert rules.refusal_of_caller(STANDING, CALLER, NOW + DAY - timedelta(microseconds=1)) is None


@pytest.mark.parametrize(
    ("stands", "caller", "at", "refusal"),
    [
        (
            STANDING,
            CALLER,
            NOW + DAY,
            Refusal(Reason.ENDED, "this access is over: its end was reached", "Ask the model's developer."),
        ),
        (
            standing(ended=Ending.WITHDRAWN),
            Caller("203.0.113.1", "training"),
            NOW,
            Refusal(Reason.ENDED, "this access is over: the developer withdrew it", "Ask the model's developer."),
        ),
        (
            STANDING,
            Caller("203.0.113.1", "training"),
            NOW,
            Refusal(
                Reason.NETWORK,
                "this network is outside the agreement",
                "Call from a network that the agreement names.",
            ),
        ),
        (
            STANDING,
            Caller("192.0.2.7", "Training"),
            NOW,
            Refusal(Reason.PURPOSE, "the agreement bars training", "Use the model for what was agreed."),
        ),
        (
            STANDING,
            Caller("192.0.2.7", "marketing"),
            NOW,
            Refusal(Reason.PURPOSE, "this purpose is not the grant's", "Use the model for what was agreed."),
        ),
    ],
)
def test_a_caller_outside_the_agreement_is_told_the_first_reason(stands, caller, at, refusal):
    assert rules.refusal_of_caller(stands, caller, at) == refusal


def test_what_is_agreed_may_be_asked():
    assert rules.refusal_of_asked(STANDING, ASKED) is None
    assert rules.refusal_of_asked(STANDING, asked(unbounded="a file")) is None


@pytest.mark.parametrize(
    ("stands", "wanted", "refusal"),
    [
        (
            STANDING,
            asked(model="gpt", address=Address.MESSAGES, elsewhere="x"),
            Refusal(
                Reason.MODEL,
                "this grant does not cover a model of that name",
                "Ask for one of: orion-1/safeguards-on, orion-1/reduced.",
            ),
        ),
        (
            STANDING,
            asked(address=Address.MESSAGES, elsewhere="x"),
            Refusal(
                Reason.FORM,
                "this model does not answer at /v1/messages",
                "It takes the openai form; read how to connect on your page.",
            ),
        ),
        (
            standing(limits=Limits(tokens=1)),
            asked(elsewhere="file_id", unbounded="a file"),
            Refusal(
                Reason.FORM,
                "this part reaches beyond the one call that is agreed on: file_id",
                "Send everything that the call needs in the call itself.",
            ),
        ),
        (
            standing(limits=Limits(tokens=1)),
            asked(unbounded="a file"),
            Refusal(
                Reason.UNBOUNDED,
                "nobody can say beforehand how many tokens this part holds: a file",
                "Send it as text, or agree on access without a limit on tokens and money.",
            ),
        ),
    ],
)
def test_what_is_not_agreed_is_refused_for_the_first_reason(stands, wanted, refusal):
    assert rules.refusal_of_asked(stands, wanted) == refusal


@pytest.mark.parametrize("address", list(Address))
def test_each_address_takes_one_form(address):
    ours = WireFormat.ANTHROPIC if address.value.startswith("/v1/messages") else WireFormat.OPENAI
    assert address.wire_format is ours


@pytest.mark.parametrize("where", ["limits", "budget"])
@pytest.mark.parametrize(
    ("bounds", "metered"),
    [
        (Limits(), False),
        (Limits(requests=1, concurrency=1), False),
        (Limits(tokens=0), True),
        (Limits(micro_usd=0), True),
    ],
)
def test_tokens_and_money_are_what_is_metered(where, bounds, metered):
    assert rules.is_metered(standing(**{where: bounds})) is metered


def test_a_call_reserves_the_most_that_it_can_use():
    assert rules.reservation_of(STANDING, FULL, ASKED) == Reservation(Amount(1, 150, 600, 1), 100, 50, None)
    assert rules.reservation_of(STANDING, REDUCED, asked(out_times=3)) == Reservation(
        Amount(1, 250, 0, 1), 100, 150, None
    )
    metered = standing(budget=Limits(tokens=9))
    assert rules.reservation_of(metered, FULL, ASKED).out_max is None


def test_where_nothing_is_metered_no_maximum_is_put_in_and_elsewhere_one_is():
    without = asked(out_max=None)
    assert rules.reservation_of(STANDING, REDUCED, without) == Reservation(Amount(1, 100, 0, 1), 100, 0, None)
    metered = rules.reservation_of(standing(budget=Limits(tokens=9)), REDUCED, without)
    assert metered == Reservation(Amount(1, 4_196, 0, 1), 100, 4_096, 4_096)
    vectors = rules.reservation_of(standing(budget=Limits(tokens=9)), REDUCED, asked(out_max=0))
    assert vectors == Reservation(Amount(1, 100, 0, 1), 100, 0, None)


@pytest.mark.parametrize(
    ("tokens_in", "tokens_out", "micro_usd"), [(0, 0, 0), (1, 0, 2), (0, 1, 8), (100, 50, 600), (7, 5, 54)]
)
def test_a_price_is_for_a_million_tokens(tokens_in, tokens_out, micro_usd):
    assert rules.price(FULL, tokens_in, tokens_out) == micro_usd


def test_a_price_is_rounded_up():
    cheap = Variant("v", "v", None, 1, 1)
    assert [rules.price(cheap, tokens, 0) for tokens in (0, 1, 1_000_000, 1_000_001)] == [0, 1, 1, 2]


def test_a_call_draws_on_its_grant_and_on_the_agreement():
    stands = standing(limits=Limits(requests=1), budget=Limits(requests=2))
    assert rules.accounts_of(stands) == (
        Account(STANDING.grant, "grant", Limits(requests=1)),
        Account(STANDING.agreement, "agreement", Limits(requests=2)),
    )


def one_call(bounds: Limits, used: Amount):
    account = Account(A, "grant", bounds)
    wanted = Wanted(Reservation(Amount(1, 10, 20, 1), 0, 0, None), (account,))
    (refusal,), after = rules.admit({A: Balance(used)}, [wanted])
    return refusal, after[A].used


@pytest.mark.parametrize(
    ("bounds", "used"),
    [
        (Limits(), Amount(99, 99, 99, 99)),
        (Limits(requests=3), Amount(requests=2)),
        (Limits(tokens=30), Amount(tokens=20)),
        (Limits(micro_usd=40), Amount(micro_usd=20)),
        (Limits(concurrency=3), Amount(live=2)),
    ],
)
def test_a_call_that_fits_exactly_is_reserved(bounds, used):
    assert one_call(bounds, used) == (None, used + Amount(1, 10, 20, 1))


ASK_LESS = "Ask for less, or ask for a larger budget."


@pytest.mark.parametrize(
    ("bounds", "used", "refusal"),
    [
        (
            Limits(requests=3),
            Amount(requests=3),
            Refusal(Reason.REQUESTS, "the grant has 0 requests left, and this call may need 1", ASK_LESS),
        ),
        (
            Limits(tokens=30),
            Amount(tokens=21),
            Refusal(Reason.TOKENS, "the grant has 9 tokens left, and this call may need 10", ASK_LESS),
        ),
        (
            Limits(micro_usd=40),
            Amount(micro_usd=50),
            Refusal(
                Reason.MONEY, "the grant has 0 millionths of a US dollar left, and this call may need 20", ASK_LESS
            ),
        ),
        (
            Limits(concurrency=3, requests=0),
            Amount(live=3),
            Refusal(
                Reason.CONCURRENCY,
                "the grant's calls at once are all taken",
                "Try again when one of your calls has ended.",
            ),
        ),
    ],
)
def test_a_call_that_does_not_fit_changes_nothing(bounds, used, refusal):
    assert one_call(bounds, used) == (refusal, used)


def test_a_call_is_reserved_on_all_its_accounts_or_on_none():
    first, second = Account(A, "grant", Limits()), Account(B, "agreement", Limits(requests=1))
    wanted = Wanted(Reservation(Amount(1, 5, 0, 1), 5, 0, None), (first, second))
    refusals, after = rules.admit({A: Balance(), B: Balance()}, [wanted, wanted])
    assert [refusal and refusal.what for refusal in refusals] == [
        None,
        "the agreement has 0 requests left, and this call may need 1",
    ]
    assert after == {A: Balance(Amount(1, 5, 0, 1)), B: Balance(Amount(1, 5, 0, 1))}


def test_a_charge_takes_the_reservations_place():
    before = {A: Balance(Amount(5, 100, 100, 2)), B: Balance(Amount(1, 1, 1, 1))}
    after = rules.release(before, A, Amount(1, 50, 60, 1), Amount(1, 20, 30))
    assert after == {A: Balance(Amount(5, 70, 70, 1)), B: Balance(Amount(1, 1, 1, 1))}


@pytest.mark.parametrize(
    ("bounds", "charged", "held"),
    [
        (Limits(), Amount(1, 999, 999), Amount(1, 999, 999)),
        (Limits(tokens=110, micro_usd=105), Amount(1, 40, 40), Amount(1, 40, 40)),
        (Limits(tokens=110, micro_usd=105), Amount(1, 50, 50), Amount(1, 50, 50)),
        (Limits(tokens=110, micro_usd=105), Amount(1, 55, 52), Amount(1, 55, 52)),
        (Limits(tokens=110, micro_usd=105), Amount(1, 60, 55), Amount(1, 60, 55)),
        (Limits(tokens=110, micro_usd=105), Amount(1, 61, 56), Amount(1, 60, 55)),
        (Limits(tokens=90, micro_usd=90), Amount(1, 61, 61), Amount(1, 50, 50)),
        (Limits(tokens=90, micro_usd=90), Amount(0, 3, 4), Amount(0, 3, 4)),
    ],
)
def test_beyond_what_was_reserved_only_what_is_left_is_charged(bounds, charged, held):
    balance = Balance(Amount(3, 100, 100, 1))
    assert rules.chargeable(balance, Account(A, "grant", bounds), Amount(1, 50, 50, 1), charged) == held


def test_text_is_bounded_by_what_was_reserved():
    assert rules.text_bytes_max(Reservation(Amount(), 0, 10, None)) == 320
    assert rules.text_bytes_max(Reservation(Amount(), 0, 0, None)) == limits.ANSWER_BYTES_MAX
    assert rules.text_bytes_max(Reservation(Amount(), 0, limits.OUTPUT_TOKENS_MAX, None)) == limits.ANSWER_BYTES_MAX


def test_what_was_never_worked_on_costs_no_token():
    assert rules.charge_of(call(), answered(Ended.NOT_SENT)) == Charge(Amount(0))
    assert rules.charge_of(call(), answered(Ended.UPSTREAM_REFUSED, 429, 50)) == Charge(Amount(1))


@pytest.mark.parametrize("ended", [one for one in Ended if one not in (Ended.NOT_SENT, Ended.UPSTREAM_REFUSED)])
def test_without_a_report_a_call_costs_the_most_that_it_can_have_used(ended):
    assert rules.charge_of(call(), answered(ended, 200, 20)) == Charge(Amount(1, 150, 600))
    unmetered = call(asked=asked(out_max=None), reservation=Reservation(Amount(1, 100, 0, 1), 100, 0, None))
    assert rules.charge_of(unmetered, answered(ended, 200, 500)) == Charge(Amount(1, 600, 4_200))


def test_where_no_token_can_come_out_none_is_charged():
    embeds = call(asked=asked(out_max=0), reservation=Reservation(Amount(1, 100, 0, 1), 100, 0, None))
    assert rules.charge_of(embeds, answered(Ended.WHOLE, 200, 9_000)) == Charge(Amount(1, 100, 200))


@pytest.mark.parametrize("ended", [Ended.CALLER_LEFT, Ended.ACCESS_ENDED, Ended.UPSTREAM_FAILED, Ended.OVER_RESERVED])
def test_what_a_stream_reported_before_it_was_left_is_not_the_end_of_it(ended):
    left = rules.charge_of(call(), answered(ended, usage=Usage(40, 1), text_bytes=9_999))
    assert left == Charge(Amount(1, 150, 600))
    (alarm,) = rules.charge_of(call(), answered(ended, usage=Usage(100, 51))).alarms
    assert alarm.kind is AlarmKind.USAGE_ABOVE_RESERVED


def test_the_upstreams_report_is_charged_and_raised_to_the_floor():
    assert rules.charge_of(call(), answered(usage=Usage(40, 10), text_bytes=351)) == Charge(Amount(1, 50, 160))
    low = rules.charge_of(call(), answered(usage=Usage(40, 10), text_bytes=352))
    assert low == Charge(
        Amount(1, 51, 168),
        (Alarm(AlarmKind.USAGE_BELOW_FLOOR, "upstream reported 10 tokens of output for an answer of at least 11"),),
    )
    echoing = call(asked=asked(echoes=True))
    assert rules.charge_of(echoing, answered(usage=Usage(40, 10), text_bytes=9_999)) == Charge(Amount(1, 50, 160))


def test_a_report_above_what_was_possible_is_an_alarm():
    assert rules.charge_of(call(), answered(usage=Usage(100, 50))).alarms == ()
    assert rules.charge_of(call(), answered(usage=Usage(100, 51))) == Charge(
        Amount(1, 151, 608),
        (Alarm(AlarmKind.USAGE_ABOVE_RESERVED, "upstream reported 151 tokens where at most 150 were possible"),),
    )
    unmetered = call(reservation=Reservation(Amount(1, 100, 0, 1), 100, 0, None))
    assert rules.charge_of(unmetered, answered(usage=Usage(100, 999))).alarms == ()


@pytest.mark.parametrize(
    ("first", "now", "what"),
    [
        (("m", "f"), ("m", "f"), None),
        (("m", "f"), ("", ""), None),
        (("", ""), ("m", "f"), None),
        (("m", "f"), ("n", "g"), "upstream's model was 'm' when first seen and is 'n' now"),
        (("m", "f"), ("m", "g"), "upstream's fingerprint was 'f' when first seen and is 'g' now"),
    ],
)
def test_an_upstream_that_calls_itself_otherwise_is_an_alarm(first, now, what):
    alarm = rules.change_of(Fingerprint(*first), Fingerprint(*now))
    assert alarm == (what and Alarm(AlarmKind.UPSTREAM_CHANGED, what))


@pytest.mark.parametrize(("age", "fresh"), [(0.0, True), (1.0, True), (1.001, False)])
def test_a_standing_is_fresh_for_a_second(age, fresh):
    assert rules.is_fresh(100.0, 100.0 + age) is fresh


@pytest.mark.parametrize(("count", "leaf"), [(0, True), (59, True), (60, False), (61, False)])
def test_sixty_refusals_a_minute_are_leaves(count, leaf):
    assert rules.leaves_refusal(count) is leaf


@pytest.mark.parametrize("value", [1, 10_000_000, None])
def test_a_maximum_is_a_count(value):
    assert rules.output_maximum(value, "max_tokens") == value


@pytest.mark.parametrize("value", [0, -1, 10_000_001, True, 1.5, "9"])
def test_anything_else_is_no_maximum(value):
    with pytest.raises(Malformed) as wrong:
        rules.output_maximum(value, "max_tokens")
    assert str(wrong.value) == "max_tokens: this must be a whole number from 1 to 10000000. Correct it."
