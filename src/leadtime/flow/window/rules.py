"""How an offer moves, when a window ends, what may be granted within an agreement, and whether access stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from leadtime.flow.window.networks import lie_within
from leadtime.flow.window.records import (
    Agreement,
    GrantWanted,
    Holder,
    Holding,
    Limits,
    Milestones,
    Standing,
    Terms,
    Variant,
)
from leadtime.flow.window.vocabulary import (
    BarredUse,
    Ending,
    EntryMove,
    EntryState,
    ModelMove,
    ModelState,
    WindowKind,
    WindowMove,
    WindowState,
)
from leadtime.foundation.access import Role
from leadtime.foundation.errors import Conflict, Malformed, Refused

MODEL_MOVES: Mapping[ModelState, Mapping[ModelMove, ModelState]] = {
    ModelState.ENROLLED: {
        ModelMove.PROPOSE: ModelState.ENROLLED,
        ModelMove.OPEN_WINDOW: ModelState.OFFERED,
        ModelMove.SET_MILESTONE: ModelState.ENROLLED,
        ModelMove.WITHDRAW: ModelState.WITHDRAWN,
        ModelMove.RELEASE: ModelState.RELEASED,
    },
    ModelState.OFFERED: {
        ModelMove.PROPOSE: ModelState.OFFERED,
        ModelMove.OPEN_WINDOW: ModelState.OFFERED,
        ModelMove.SET_MILESTONE: ModelState.OFFERED,
        ModelMove.WITHDRAW: ModelState.WITHDRAWN,
        ModelMove.RELEASE: ModelState.RELEASED,
    },
    ModelState.WITHDRAWN: {
        ModelMove.PROPOSE: ModelState.WITHDRAWN,
        ModelMove.OPEN_WINDOW: ModelState.OFFERED,
        ModelMove.SET_MILESTONE: ModelState.WITHDRAWN,
        ModelMove.WITHDRAW: ModelState.WITHDRAWN,
        ModelMove.RELEASE: ModelState.RELEASED,
    },
    ModelState.RELEASED: {
        ModelMove.WITHDRAW: ModelState.RELEASED,
        ModelMove.RELEASE: ModelState.RELEASED,
    },
}
"""State -> move -> next state; no state is without *withdraw* and *release* (I1)."""

WINDOW_MOVES: Mapping[WindowState, Mapping[WindowMove, WindowState]] = {
    WindowState.OPEN: {
        WindowMove.OFFER: WindowState.OPEN,
        WindowMove.CONSENT: WindowState.OPEN,
        WindowMove.GRANT: WindowState.OPEN,
        WindowMove.SHORTEN: WindowState.OPEN,
        WindowMove.END_REACHED: WindowState.EXPIRED,
        WindowMove.WITHDRAW: WindowState.WITHDRAWN,
        WindowMove.RELEASE: WindowState.RELEASED,
    },
    WindowState.EXPIRED: {
        WindowMove.WITHDRAW: WindowState.EXPIRED,
        WindowMove.RELEASE: WindowState.EXPIRED,
    },
    WindowState.WITHDRAWN: {
        WindowMove.WITHDRAW: WindowState.WITHDRAWN,
        WindowMove.RELEASE: WindowState.WITHDRAWN,
    },
    WindowState.RELEASED: {
        WindowMove.WITHDRAW: WindowState.RELEASED,
        WindowMove.RELEASE: WindowState.RELEASED,
    },
}
"""State -> move -> next state; what is over stays over, and how it first ended stays told."""

ENTRY_MOVES: Mapping[EntryState, Mapping[EntryMove, EntryState]] = {
    EntryState.PROPOSED: {
        EntryMove.CONSENT: EntryState.JOINED,
        EntryMove.RETRACT: EntryState.RETRACTED,
        EntryMove.END: EntryState.ENDED,
    },
    EntryState.JOINED: {EntryMove.END: EntryState.ENDED},
    EntryState.RETRACTED: {EntryMove.END: EntryState.RETRACTED},
    EntryState.ENDED: {EntryMove.END: EntryState.ENDED},
}
"""State -> move -> next state; a partner joins by the developer's consent and by nothing else, silence included."""

GOVERNMENT_WINDOW_DAYS_MAX = 30


def move_model(state: ModelState, move: ModelMove) -> ModelState:
    """Return the state that a developer's move leads to; raises `Conflict` where the table has none."""
    if move not in MODEL_MOVES[state]:
        raise Conflict(f"a model that is {state} cannot {move}", where="model", next_step="Read the model again.")
    return MODEL_MOVES[state][move]


def move_window(state: WindowState, move: WindowMove) -> WindowState:
    """Return the state that a move leads to; raises `Conflict` where the table has none."""
    if move not in WINDOW_MOVES[state]:
        raise Conflict(
            f"in a window that is {state} there is no move to {move}",
            where="window",
            next_step="Read the window again.",
        )
    return WINDOW_MOVES[state][move]


def move_entry(state: EntryState, move: EntryMove) -> EntryState:
    """Return the state that a move leads to; raises `Conflict` where the table has none."""
    if move not in ENTRY_MOVES[state]:
        raise Conflict(
            f"of an entry that is {state} it cannot be said that {move}",
            where="entry",
            next_step="Read the window again.",
        )
    return ENTRY_MOVES[state][move]


def window_state_at(stored: WindowState, ends_at: datetime, now: datetime) -> WindowState:
    """Return how a window is at ``now``: at its end exactly it is over."""
    over = stored is WindowState.OPEN and now >= ends_at
    return move_window(stored, WindowMove.END_REACHED) if over else stored


def earliest_end(kind: WindowKind, ends_at: datetime, milestones: Milestones) -> datetime:
    """Return the earlier of an end and the milestones that end a window of this kind; never a later one.

    The government window ends at the earlier milestone, the partner window at public release.
    """
    ending = [ends_at, milestones.public_release_at]
    if kind is WindowKind.GOVERNMENT:
        ending.append(milestones.partner_release_at)
    return min(end for end in ending if end is not None)


def window_end(
    kind: WindowKind, asked: datetime | None, milestones: Milestones, *, first_opened_at: datetime, now: datetime
) -> datetime:
    """Return when a window that opens now ends; ``asked`` None: as late as it can.

    ``first_opened_at``: when the model's first government window was opened (now, if this is it): all of them together
    last 30 days. Raises `Refused` for a longer one, for a partner window before partner release, and for one that
    would be over at once; `Malformed` for a partner window without any end.
    """
    last = _last_end(kind, milestones, first_opened_at, now)
    if asked is None and last is None:
        raise Malformed(
            "a partner window needs an end while no public release is set",
            where="ends_at",
            next_step="Give one, or set the public release first.",
        )
    if kind is WindowKind.GOVERNMENT and asked is not None and last is not None and asked > last:
        raise Refused(
            f"a government window lasts at most {GOVERNMENT_WINDOW_DAYS_MAX} days from the first offer",
            where="ends_at",
            next_step="Choose an earlier end.",
        )
    ends_at = earliest_end(kind, min(end for end in (asked, last) if end is not None), milestones)
    if ends_at <= now:
        raise Refused(
            "this window would be over before it begins",
            where="ends_at",
            next_step="Choose a later end, or look at the milestones that are set.",
        )
    return ends_at


def _last_end(kind: WindowKind, milestones: Milestones, first_opened_at: datetime, now: datetime) -> datetime | None:
    if kind is WindowKind.GOVERNMENT:
        return first_opened_at + timedelta(days=GOVERNMENT_WINDOW_DAYS_MAX)
    released_at = milestones.partner_release_at
    if released_at is None or now < released_at:
        raise Refused(
            "a partner window opens at or after partner release",
            where="partner_release_at",
            next_step="Set the partner release, and open the window once it is reached.",
        )
    return milestones.public_release_at


def shortened_end(ends_at: datetime, wanted: datetime) -> datetime:
    """Return an earlier end; raises `Refused` for a later one, since no window is ever lengthened."""
    if wanted > ends_at:
        raise Refused("a window is never lengthened", where="ends_at", next_step="Choose an earlier end.")
    return wanted


def check_proposer(own: Iterable[Agreement]) -> None:
    """Return if one of an agency's agreements lets it propose partners, else raise `Refused`."""
    if not any(agreement.terms.agency_may_propose for agreement in own):
        raise Refused(
            "proposing partners is outside this agreement",
            where="agreement",
            next_step="Ask the developer to propose the partner.",
        )


def check_kind(kind: WindowKind, role: Role) -> None:
    """Return if an organisation of this role belongs in a window of this kind, else raise `Refused`."""
    wanted = Role.AGENCY if kind is WindowKind.GOVERNMENT else Role.PARTNER
    if role is not wanted:
        raise Refused(
            f"a {kind} window is for an organisation of the role {wanted}",
            where="organisation",
            next_step="Choose the other window, or another organisation.",
        )


def check_purpose(purpose: str, terms: Terms) -> str:
    """Return a purpose as the agreement writes it; raises `Refused` for a barred use and for one it does not name."""
    stated = " ".join(purpose.casefold().split())
    if stated in {use.value for use in terms.barred}:
        raise Refused(f"the agreement bars {stated}", where="purpose", next_step="Use the model for what was agreed.")
    for agreed in terms.purposes:
        if " ".join(agreed.casefold().split()) == stated:
            return agreed
    raise Refused(
        "this purpose is outside the agreement", where="purpose", next_step="Choose one that the agreement names."
    )


def check_grant(wanted: GrantWanted, terms: Terms, *, window_ends_at: datetime, now: datetime) -> GrantWanted:
    """Return a grant with its purpose, variants, limits, networks and end as they will hold.

    Raises `Refused` for whatever lies outside the agreement.
    """
    ends_at = window_ends_at if wanted.ends_at is None else min(wanted.ends_at, window_ends_at)
    if ends_at <= now:
        raise Refused("this grant would be over before it begins", where="ends_at", next_step="Choose a later end.")
    outside = [name for name in wanted.variants if terms.variants and name not in terms.variants]
    if outside:
        raise Refused("this variant is outside the agreement", where="variants", next_step="Choose an agreed one.")
    _check_limits(wanted.limits, terms.limits)
    if not lie_within(wanted.networks, terms.networks):
        raise Refused("this network is outside the agreement", where="networks", next_step="Choose a part of one.")
    return GrantWanted(
        purpose=check_purpose(wanted.purpose, terms),
        variants=wanted.variants or terms.variants,
        limits=wanted.limits,
        networks=wanted.networks,
        key_thumbprint=wanted.key_thumbprint,
        ends_at=ends_at,
    )


def _check_limits(wanted: Limits, budget: Limits) -> None:
    pairs = {
        "requests": (wanted.requests, budget.requests),
        "tokens": (wanted.tokens, budget.tokens),
        "concurrency": (wanted.concurrency, budget.concurrency),
        "micro_usd": (wanted.micro_usd, budget.micro_usd),
    }
    for name, (asked, agreed) in pairs.items():
        if asked is not None and agreed is not None and asked > agreed:
            raise Refused(
                f"this limit is beyond the agreement's {agreed}",
                where=f"limits.{name}",
                next_step="Choose a lower one.",
            )


def standing_end(holding: Holding) -> datetime:
    """Return the earliest of the ends of a grant, its window, the milestones, its person and their vendor."""
    ends_at = min(holding.grant_ends_at, holding.window_ends_at)
    if holding.person is not None and holding.person.works_until is not None:
        ends_at = min(ends_at, holding.person.works_until)
    return earliest_end(holding.kind, ends_at, holding.milestones)


def ending_of(holding: Holding) -> Ending | None:
    """Return what ended a grant other than the clock, the widest first; None: nothing did."""
    person = holding.person
    ends = (
        (holding.window_state is WindowState.WITHDRAWN, Ending.WITHDRAWN),
        (holding.window_state is WindowState.RELEASED, Ending.RELEASED),
        (holding.entry_state is not EntryState.JOINED, Ending.ENTRY_ENDED),
        (holding.grant_ended_at is not None, Ending.GRANT_ENDED),
        (person is None, Ending.PERSON_GONE),
        (person is not None and holding.developer in person.conflicts, Ending.CONFLICT),
        (bars(holding.terms, person), Ending.FOREIGN_ACCESS),
        (not _is_agreed(holding.purpose, holding.terms), Ending.PURPOSE_GONE),
    )
    return next((ending for ended, ending in ends if ended), None)


def bars(terms: Terms, person: Holder | None) -> bool:
    """Tell whether an agreement bars a person for foreign access."""
    return person is not None and terms.bars_foreign_access and person.foreign_access


def covered(held: Iterable[Variant], granted: tuple[str, ...], agreed: tuple[str, ...]) -> tuple[Variant, ...]:
    """Return the variants that a grant covers under the newest terms; empty lists narrow nothing."""
    return tuple(
        variant
        for variant in held
        if (not granted or variant.name in granted) and (not agreed or variant.name in agreed)
    )


def _is_agreed(purpose: str, terms: Terms) -> bool:
    try:
        check_purpose(purpose, terms)
    except Refused:
        return False
    return True


def standing_at(standing: Standing, now: datetime) -> Ending | None:
    """Return why access is over at ``now``, None while it stands; at ``ends_at`` exactly it is over (I2)."""
    if standing.ended is not None:
        return standing.ended
    if now < standing.begins_at:
        return Ending.NOT_BEGUN
    return Ending.EXPIRED if now >= standing.ends_at else None


def refusal_of_use(standing: Standing, stated: str) -> str | None:
    """Return why a call with this stated purpose is refused, None if it is for what was granted; empty: not stated."""
    purpose = " ".join(stated.casefold().split())
    if purpose in {use.value for use in standing.barred}:
        return f"the agreement bars {purpose}"
    if purpose and purpose != " ".join(standing.purpose.casefold().split()):
        return "this purpose is not the grant's"
    return None


def check_joined(state: EntryState, window: UUID | None) -> UUID:
    """Return the window that an entry has joined; raises `Refused` for one that the developer has not consented to."""
    if window is None:
        raise Refused(
            "the developer has not consented to this partner",
            where="entry",
            next_step="Wait for the developer, whose consent nothing stands in for.",
        )
    if state is not EntryState.JOINED:
        raise Conflict(f"this entry is {state}", where="entry", next_step="Read the window's entries.")
    return window


def check_holder(holder: Holder, terms: Terms, developer: UUID, *, now: datetime) -> None:
    """Return if a person may be given access under an agreement, else raise `Refused`."""
    if holder.works_until is not None and holder.works_until <= now:
        raise Refused(
            "this person's time, or their vendor's, is over", where="person", next_step="Choose somebody who is active."
        )
    if developer in holder.conflicts:
        raise Refused(
            "this person has a conflict of interest about the developer",
            where="person",
            next_step="Choose somebody without one.",
        )
    if bars(terms, holder):
        raise Refused("the agreement bars foreign access", where="person", next_step="Choose somebody else.")


def refuse_ended(ending: Ending | None) -> None:
    """Return if access stands, else raise `Refused` saying why it does not."""
    if ending is not None:
        raise Refused(
            f"this access does not stand: {ending}", where="grant", next_step="Ask the developer if that is a mistake."
        )


def check_over(ending: Ending | None) -> None:
    """Return if access is over, so that its holder can sign off; raises `Conflict` while it stands."""
    if ending is None or ending is Ending.NOT_BEGUN:
        raise Conflict("this access is not over", where="grant", next_step="End the grant, or wait for its end.")


def check_signer(signer: UUID | None, holder: UUID, *, holder_gone: bool) -> UUID:
    """Return who signs off a return: its holder, or a colleague once the holder was removed; else raise `Refused`."""
    if signer is None or (signer != holder and not holder_gone):
        raise Refused(
            "a return is signed off by the person who held the access",
            where="grant",
            next_step="Ask that person to sign.",
        )
    return signer


def is_barred_word(purpose: str) -> bool:
    """Tell whether a purpose is the name of a use that agreements bar."""
    return " ".join(purpose.casefold().split()) in {use.value for use in BarredUse}
