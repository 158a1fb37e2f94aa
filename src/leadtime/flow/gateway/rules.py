"""Every decision about a call: may it go out, what it reserves, whether the balances hold it, what it is charged.

The order of the checks is the order of their sentences: end, network, purpose, model, form, what nobody can bound.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from leadtime.flow.gateway import limits
from leadtime.flow.gateway.records import (
    Account,
    Alarm,
    AlarmKind,
    Amount,
    Answered,
    Asked,
    Balance,
    Call,
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
from leadtime.flow.window import Standing, Variant, comes_from, refusal_of_use, standing_at
from leadtime.foundation.errors import Malformed

MICRO_PER_UNIT = 1_000_000
"""Prices are for so many tokens."""

NOTHING_USED = frozenset({Ended.NOT_SENT, Ended.UPSTREAM_REFUSED})
"""Ends at which no token was worked on."""

_NOT_PLAIN = re.compile(r"[^a-z0-9.]+")


def name_of(standing: Standing, variant: Variant) -> str:
    """Return what callers write as ``model`` for a variant: the model's name, a slash, the variant in plain letters."""
    return f"{standing.model_name}/{_NOT_PLAIN.sub('-', variant.name.casefold()).strip('-')}"


def variant_of(standing: Standing, name: str) -> Variant | None:
    """Return the variant that a caller names; the model's name alone names its only variant."""
    if name == standing.model_name and len(standing.variants) == 1:
        return standing.variants[0]
    return next((variant for variant in standing.variants if name_of(standing, variant) == name), None)


def refusal_of_caller(standing: Standing, caller: Caller, now: datetime) -> Refusal | None:
    """Return why this caller is refused whatever it asks for at ``now``, None if it is within the agreement."""
    ending = standing_at(standing, now)
    if ending is not None:
        return Refusal(Reason.ENDED, f"this access is over: {ending}", "Ask the model's developer.")
    if not comes_from(standing.networks, caller.network):
        return Refusal(
            Reason.NETWORK, "this network is outside the agreement", "Call from a network that the agreement names."
        )
    barred = refusal_of_use(standing, caller.purpose)
    if barred is not None:
        return Refusal(Reason.PURPOSE, barred, "Use the model for what was agreed.")
    return None


def refusal_of_asked(standing: Standing, asked: Asked) -> Refusal | None:
    """Return why what is asked for is refused, None if the agreement holds it."""
    if variant_of(standing, asked.model) is None:
        names = ", ".join(name_of(standing, variant) for variant in standing.variants)
        return Refusal(Reason.MODEL, "this grant does not cover a model of that name", f"Ask for one of: {names}.")
    if asked.address.wire_format is not standing.wire_format:
        return Refusal(
            Reason.FORM,
            f"this model does not answer at {asked.address}",
            f"It takes the {standing.wire_format} form; read how to connect on your page.",
        )
    if asked.elsewhere:
        return Refusal(
            Reason.FORM,
            f"this part reaches beyond the one call that is agreed on: {asked.elsewhere}",
            "Send everything that the call needs in the call itself.",
        )
    if asked.unbounded and is_metered(standing):
        return Refusal(
            Reason.UNBOUNDED,
            f"nobody can say beforehand how many tokens this part holds: {asked.unbounded}",
            "Send it as text, or agree on access without a limit on tokens and money.",
        )
    return None


def is_metered(standing: Standing) -> bool:
    """Tell whether tokens or money are limited, by the grant or by the agreement."""
    metered = (standing.limits.tokens, standing.limits.micro_usd, standing.budget.tokens, standing.budget.micro_usd)
    return any(limit is not None for limit in metered)


def reservation_of(standing: Standing, variant: Variant, asked: Asked) -> Reservation:
    """Return the most that a call can use; where nothing is metered a request without a maximum stays without one."""
    out_max = asked.out_max
    if out_max is None and is_metered(standing):
        out_max = limits.OUTPUT_TOKENS_DEFAULT
    stated = None if asked.out_max is not None else out_max
    output = (out_max or 0) * asked.out_times
    tokens = asked.input_tokens_max + output
    money = price(variant, asked.input_tokens_max, output)
    return Reservation(Amount(1, tokens, money, 1), asked.input_tokens_max, output, stated)


def price(variant: Variant, input_tokens: int, output_tokens: int) -> int:
    """Return what so many tokens cost in millionths of a US dollar, rounded up."""
    cost = input_tokens * variant.input_price + output_tokens * variant.output_price
    return -(-cost // MICRO_PER_UNIT)


def accounts_of(standing: Standing) -> tuple[Account, ...]:
    """Return the budgets that a call draws on: its grant's and the one that all grants of the agreement share."""
    return (
        Account(standing.grant, "grant", standing.limits),
        Account(standing.agreement, "agreement", standing.budget),
    )


_SHORT: tuple[tuple[str, str, Reason, str], ...] = (
    ("live", "concurrency", Reason.CONCURRENCY, "calls at once"),
    ("requests", "requests", Reason.REQUESTS, "requests"),
    ("tokens", "tokens", Reason.TOKENS, "tokens"),
    ("micro_usd", "micro_usd", Reason.MONEY, "money"),
)
"""Field of an `Amount`, field of `Limits`, the reason and its word; concurrency first, since it alone passes."""


def admit(
    balances: Mapping[UUID, Balance], wanted: Sequence[Wanted]
) -> tuple[list[Refusal | None], dict[UUID, Balance]]:
    """Return, call by call in their order, None or why its budgets do not hold it; and the balances after them.

    A call is reserved on all of its accounts or on none, so that no balance ever passes a limit (I2).
    """
    after = dict(balances)
    answers: list[Refusal | None] = []
    for call in wanted:
        refusal = next(filter(None, (_shortage(after[one.id], one, call.reservation) for one in call.accounts)), None)
        answers.append(refusal)
        if refusal is None:
            for account in call.accounts:
                after[account.id] = Balance(after[account.id].used + call.reservation.amount)
    return answers, after


def _shortage(balance: Balance, account: Account, reservation: Reservation) -> Refusal | None:
    for used_name, limit_name, reason, word in _SHORT:
        used, limit = getattr(balance.used, used_name), getattr(account.limits, limit_name)
        needed = getattr(reservation.amount, used_name)
        if limit is not None and used + needed > limit:
            return _refused_by(account, reason, word, left=max(0, limit - used), needed=needed)
    return None


def _refused_by(account: Account, reason: Reason, word: str, *, left: int, needed: int) -> Refusal:
    if reason is Reason.CONCURRENCY:
        return Refusal(
            reason, f"the {account.name}'s {word} are all taken", "Try again when one of your calls has ended."
        )
    unit = "millionths of a US dollar" if reason is Reason.MONEY else word
    return Refusal(
        reason,
        f"the {account.name} has {left} {unit} left, and this call may need {needed}",
        "Ask for less, or ask for a larger budget.",
    )


def release(balances: Mapping[UUID, Balance], account: UUID, reserved: Amount, charged: Amount) -> dict[UUID, Balance]:
    """Return the balances after a call's reservation on an account was replaced by what it is charged."""
    return {**balances, account: Balance(balances[account].used - reserved + charged)}


def chargeable(balance: Balance, account: Account, reserved: Amount, wanted: Amount) -> Amount:
    """Return how much of a charge an account holds: beyond what was reserved only what its limits still leave."""

    def held(used: int, limit: int | None, before: int, after: int) -> int:
        return after if after <= before or limit is None else before + max(0, min(after - before, limit - used))

    used, bounds = balance.used, account.limits
    return Amount(
        wanted.requests,
        held(used.tokens, bounds.tokens, reserved.tokens, wanted.tokens),
        held(used.micro_usd, bounds.micro_usd, reserved.micro_usd, wanted.micro_usd),
        0,
    )


def text_bytes_max(reservation: Reservation) -> int:
    """Return the bytes of text after which an answer must hold more tokens than were reserved for it."""
    if reservation.output_tokens == 0:
        return limits.ANSWER_BYTES_MAX
    return min(limits.ANSWER_BYTES_MAX, reservation.output_tokens * limits.BYTES_PER_TOKEN_MAX)


def charge_of(call: Call, answered: Answered) -> Charge:
    """Return what a call is charged: what its upstream reports but no less than a floor, if its answer came whole.

    Any other end leaves open what was worked on: then, and without a report, all that was reserved is charged, or where
    nothing bounds the output one token for each byte that came back. The floor is the fewest tokens that so much text
    can be.
    """
    reservation, variant, usage = call.reservation, call.variant, answered.usage
    if answered.ended in NOTHING_USED:
        return Charge(Amount(requests=0 if answered.ended is Ended.NOT_SENT else 1))
    floor = 0 if call.asked.echoes else answered.text_bytes // limits.BYTES_PER_TOKEN_MAX
    if answered.ended is not Ended.WHOLE or usage is None:
        bounded = reservation.output_tokens > 0 or call.asked.out_max == 0
        output = reservation.output_tokens if bounded else answered.answer_bytes
        amount = _amount(variant, reservation.input_tokens, output)
        return Charge(amount, tuple(_usage_alarms(reservation, usage, 0)))
    amount = _amount(variant, usage.input_tokens, max(usage.output_tokens, floor))
    return Charge(amount, tuple(_usage_alarms(reservation, usage, floor)))


def _usage_alarms(reservation: Reservation, usage: Usage | None, floor: int) -> Iterable[Alarm]:
    if usage is None:
        return
    if usage.output_tokens < floor:
        yield Alarm(
            AlarmKind.USAGE_BELOW_FLOOR,
            f"upstream reported {usage.output_tokens} tokens of output for an answer of at least {floor}",
        )
    reported, reserved = usage.input_tokens + usage.output_tokens, reservation.amount.tokens
    if reservation.output_tokens and reported > reserved:
        yield Alarm(
            AlarmKind.USAGE_ABOVE_RESERVED,
            f"upstream reported {reported} tokens where at most {reserved} were possible",
        )


def _amount(variant: Variant, input_tokens: int, output_tokens: int) -> Amount:
    return Amount(1, input_tokens + output_tokens, price(variant, input_tokens, output_tokens))


def change_of(first: Fingerprint, now: Fingerprint) -> Alarm | None:
    """Return the alarm for an upstream that calls itself other than at first; what it leaves out changes nothing."""
    for word, before, after in (("model", first.model, now.model), ("fingerprint", first.system, now.system)):
        if before and after and before != after:
            return Alarm(
                AlarmKind.UPSTREAM_CHANGED, f"upstream's {word} was {before!r} when first seen and is {after!r} now"
            )
    return None


def is_fresh(read_at: float, now: float) -> bool:
    """Tell whether a reading of standing may still be used; both in seconds of a clock that never goes back (I2)."""
    return now - read_at <= limits.STANDING_SECONDS_MAX


def leaves_refusal(in_this_minute: int) -> bool:
    """Tell whether a grant's next refusal gets a leaf of its own after so many in this minute."""
    return in_this_minute < limits.REFUSALS_PER_MINUTE_MAX


def output_maximum(value: object, where: str) -> int | None:
    """Return a maximum that a request states; raises `Malformed` for what is not a count within bounds."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= limits.OUTPUT_TOKENS_MAX:
        raise Malformed(
            f"this must be a whole number from 1 to {limits.OUTPUT_TOKENS_MAX}", where=where, next_step="Correct it."
        )
    return value
