"""What is used of a budget, as bars; and what an agreement says, line by line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from leadtime.flow.gateway import Amount
from leadtime.flow.window import Agreement, Grant, GrantId, Limits, Terms

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Meter:
    """One budget as a bar; ``share`` in percent is None where nothing limits it here."""

    name: str
    used: str
    limit: str
    share: float | None


@dataclass(frozen=True, slots=True)
class Budget:
    """What all grants under one agreement share, and what is used of it together."""

    organisation: str
    meters: tuple[Meter, ...]


def meters_of(limits: Limits, used: Amount) -> tuple[Meter, ...]:
    """Return a bar for each of the four budgets."""
    return (
        _meter("requests", used.requests, limits.requests),
        _meter("tokens", used.tokens, limits.tokens),
        _meter("US dollars", used.micro_usd, limits.micro_usd, divisor=MILLION),
        _meter("calls at once", used.live, limits.concurrency),
    )


def budget_of(agreed: Agreement, given: Iterable[Grant], used: Mapping[GrantId, Amount]) -> Budget:
    """Return what an agreement's grants use together of what it gives them."""
    its_own = [used.get(each.id, Amount()) for each in given if each.organisation == agreed.organisation]
    return Budget(agreed.organisation_name, meters_of(agreed.terms.limits, sum(its_own, Amount())))


def _meter(name: str, used: int, limit: int | None, *, divisor: int = 1) -> Meter:
    share = None if limit is None else min(100.0, round(100 * used / limit, 1)) if limit else 100.0
    shown = [f"{each / divisor:,.2f}" if divisor > 1 else f"{each:,}" for each in (used, limit or 0)]
    return Meter(name, shown[0], "no limit here" if limit is None else f"of {shown[1]}", share)


def lines_of(terms: Terms) -> tuple[tuple[str, str], ...]:
    """Return what an agreement says as (name, words), all of it."""
    drawn = meters_of(terms.limits, Amount())
    limits = [f"{each.limit.removeprefix('of ')} {each.name}" for each in drawn if each.share is not None]
    return (
        ("For", "; ".join(terms.purposes)),
        ("Never for", ", ".join(sorted(terms.barred)) or "nothing was named"),
        ("Variants", ", ".join(terms.variants) or "all"),
        ("Networks", ", ".join(terms.networks) or "any"),
        ("Within", ", ".join(limits) or "no limit"),
        ("Record", f"{terms.record_mode}, {terms.retention_days} days"),
        ("Developer may", ", ".join(["see who, when and how much", *sorted(terms.developer_may)])),
        ("Partners", f"proposed by {'either side' if terms.agency_may_propose else 'the developer'}"),
        ("Foreign use", "barred" if terms.bars_foreign_access else "not barred"),
        ("Markings", "FOIA exemption 4" if terms.foia_exemption_4 else "none"),
        ("Export", terms.export_note or "no note"),
    )
