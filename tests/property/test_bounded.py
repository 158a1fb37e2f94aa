"""I2, Bounded: whatever calls come in whatever order, and whatever upstreams say, no balance passes its limit."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from leadtime.flow.gateway.records import Account, Amount, Balance, Reservation, Wanted
from leadtime.flow.gateway.rules import admit, chargeable, release
from leadtime.flow.window import Limits

GRANTS = (UUID(int=1), UUID(int=2))
AGREEMENT = UUID(int=9)

limit = st.none() | st.integers(0, 60)
limits = st.builds(Limits, requests=limit, tokens=limit, concurrency=limit, micro_usd=limit)
amounts = st.builds(Amount, st.just(1), st.integers(0, 20), st.integers(0, 20), st.just(1))
charges = st.builds(Amount, st.integers(0, 1), st.integers(0, 100), st.integers(0, 100))


def is_within(used: Amount, bounds: Limits) -> bool:
    pairs = (
        (used.requests, bounds.requests),
        (used.tokens, bounds.tokens),
        (used.micro_usd, bounds.micro_usd),
        (used.live, bounds.concurrency),
    )
    return all(most is None or count <= most for count, most in pairs)


def wanted_of(accounts: tuple[Account, ...], amount: Amount) -> Wanted:
    return Wanted(Reservation(amount, amount.tokens, 0, None), accounts)


class Budgets(RuleBasedStateMachine):
    """Two grants under one agreement; calls come in batches, end with any charge, or their process dies."""

    open_calls = Bundle("open calls")

    def __init__(self) -> None:
        super().__init__()
        self.limits: dict[UUID, Limits] = {}
        self.balances = {account: Balance() for account in (*GRANTS, AGREEMENT)}

    def accounts(self, grant: UUID) -> tuple[Account, ...]:
        named = ((grant, "grant"), (AGREEMENT, "agreement"))
        return tuple(Account(account, name, self.limits.setdefault(account, Limits())) for account, name in named)

    @rule(account=st.sampled_from((*GRANTS, AGREEMENT)), bounds=limits)
    def agree_on_limits_once(self, account: UUID, bounds: Limits) -> None:
        self.limits.setdefault(account, bounds)

    @rule(target=open_calls, calls=st.lists(st.tuples(st.sampled_from(GRANTS), amounts), min_size=1, max_size=64))
    def come(self, calls: list[tuple[UUID, Amount]]) -> tuple[tuple[UUID, Amount], ...]:
        wanted = [wanted_of(self.accounts(grant), amount) for grant, amount in calls]
        refusals, self.balances = admit(self.balances, wanted)
        return tuple(call for call, refusal in zip(calls, refusals, strict=True) if refusal is None)

    @rule(calls=consumes(open_calls), charged=charges)
    def end(self, calls: tuple[tuple[UUID, Amount], ...], charged: Amount) -> None:
        for grant, reserved in calls:
            for account in self.accounts(grant):
                held = chargeable(self.balances[account.id], account, reserved, charged)
                self.balances = release(self.balances, account.id, reserved, held)

    @rule(calls=consumes(open_calls))
    def die(self, calls: tuple[tuple[UUID, Amount], ...]) -> None:
        """A process dies: its places come free, what it reserved stays spent."""
        for grant, reserved in calls:
            for account in self.accounts(grant):
                kept = Amount(reserved.requests, reserved.tokens, reserved.micro_usd)
                self.balances = release(self.balances, account.id, reserved, kept)

    @invariant()
    def no_balance_passes_its_limit(self) -> None:
        for account, bounds in self.limits.items():
            assert is_within(self.balances[account].used, bounds)

    @invariant()
    def no_balance_is_negative(self) -> None:
        for balance in self.balances.values():
            used = balance.used
            assert min(used.requests, used.tokens, used.micro_usd, used.live) >= 0


TestBudgets = Budgets.TestCase
TestBudgets.settings = settings(max_examples=80, stateful_step_count=25, deadline=None)


@given(bounds=limits, amount=amounts, count=st.integers(1, 64))
def test_as_many_calls_are_let_through_as_fit_and_no_more(bounds: Limits, amount: Amount, count: int) -> None:
    account = Account(GRANTS[0], "grant", bounds)
    refusals, after = admit({account.id: Balance()}, [wanted_of((account,), amount)] * count)
    passed = refusals.count(None)
    assert is_within(after[account.id].used, bounds)
    if passed < count:
        used = after[account.id].used
        assert not is_within(used + amount, bounds)
