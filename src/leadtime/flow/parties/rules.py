"""Who may be enrolled, how long a credential lasts, whether one still holds, and how an act of two people moves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from leadtime.flow.parties.records import (
    ActKind,
    ActMove,
    ActState,
    Challenged,
    Employer,
    Holder,
    Organisation,
    PairedAct,
    PersonId,
    Purpose,
)
from leadtime.foundation.access import Act, Role, Scope
from leadtime.foundation.errors import Conflict, Malformed, Refused

NAME_CHARS_MAX = 200
EMAIL_CHARS_MAX = 254
"""RFC 5321, section 4.5.3.1.3, less the angle brackets."""

TOKEN_DAYS_MAX = 365
SIGN_IN_LINK_MINUTES_MAX = 24 * 60
SESSION_HOURS = 12
"""How long a session lasts in all (NIST SP 800-63B-4, AAL2: reauthentication within 24 hours)."""

SESSION_IDLE_MINUTES = 30
"""How long a session lasts unused (NIST SP 800-63B-4, AAL2: within an hour)."""

SEEN_SECONDS = 60
"""A credential's use is written down at most this often."""

CHALLENGE_MINUTES = 5
PASSKEYS_MAX = 20
"""Passkeys of one person."""

TOKENS_MAX = 50
"""Tokens of one person that have not ended."""

BROWSER_CHARS_MAX = 120
REASON_CHARS_MAX = 1_000

_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
_EMAIL = re.compile(r"[^\s@<>\"(),:;\\\[\]]+@[^\s@<>\"(),:;\\\[\]]+\.[^\s@<>\"(),:;\\\[\].]+\Z")

NOT_ACCEPTED = "this credential is not accepted"
"""The one sentence for every credential that does not hold, so that none tells what another would."""


PAIRED_ACT_MOVES: Mapping[ActState, Mapping[ActMove, ActState]] = {
    ActState.ASKED: {
        ActMove.CONFIRM: ActState.CONFIRMED,
        ActMove.WITHDRAW: ActState.WITHDRAWN,
        ActMove.EXPIRE: ActState.EXPIRED,
    },
    ActState.CONFIRMED: {
        ActMove.TAKE: ActState.TAKEN,
        ActMove.WITHDRAW: ActState.WITHDRAWN,
        ActMove.EXPIRE: ActState.EXPIRED,
    },
    ActState.TAKEN: {},
    ActState.WITHDRAWN: {},
    ActState.EXPIRED: {},
}
"""State -> move -> next state of an act that needs two people; nothing leads back, so that it is taken once."""

ASKING: Mapping[ActKind, Act] = {
    ActKind.BULK_EXPORT: Act.EXPORT_CASES,
    ActKind.BREAK_GLASS: Act.BREAK_GLASS,
    ActKind.SIGN_IN: Act.MANAGE_PARTIES,
    ActKind.REMOVE: Act.MANAGE_PARTIES,
    ActKind.END_ENGAGEMENT: Act.MANAGE_PARTIES,
}
"""Kind -> what who asks for it and takes it must be able to do."""

ACT_MINUTES = 15
"""How long an act waits to be confirmed, and then to be taken."""


def check_name(name: str, *, where: str) -> str:
    """Return a name without white space around it.

    Raises `Malformed` if nothing is left, if it is longer than `NAME_CHARS_MAX`, or if it holds characters that cannot
    be seen (which would let one party be read as another).
    """
    stripped = name.strip()
    if not stripped:
        raise Malformed("a name is missing", where=where, next_step="Give one.")
    if len(stripped) > NAME_CHARS_MAX:
        raise Malformed(f"a name has at most {NAME_CHARS_MAX} characters", where=where, next_step="Shorten it.")
    if _UNSEEN.search(stripped):
        raise Malformed("a name holds characters that cannot be seen", where=where, next_step="Remove them.")
    return stripped


def check_email(email: str) -> str:
    """Return a mail address without white space around it; raises `Malformed` for what no mail would reach."""
    stripped = email.strip()
    if len(stripped) > EMAIL_CHARS_MAX or _UNSEEN.search(stripped) or not _EMAIL.match(stripped):
        raise Malformed("this is not a mail address", where="email", next_step="Write it like name@example.org.")
    return stripped


def check_role(role: Role) -> Role:
    """Return the role; raises `Refused` for the system's own, which is no organisation's."""
    if role is Role.SYSTEM:
        raise Refused("the role system belongs to no organisation", where="role", next_step="Choose another role.")
    return role


def check_end(active_until: datetime | None, now: datetime) -> datetime | None:
    """Return a person's end in UTC; raises `Malformed` if it is not aware or not to come."""
    return None if active_until is None else _to_come(active_until, now, where="active_until")


def engagement_end(engaged_until: datetime, now: datetime) -> datetime:
    """Return the end of a vendor's engagement in UTC; raises `Malformed` if it is not aware or not to come."""
    return _to_come(engaged_until, now, where="engaged_until")


def check_reason(reason: str) -> str:
    """Return a reason without white space around it; raises `Malformed` if none is left or it is too long."""
    stripped = reason.strip()
    if not stripped:
        raise Malformed("a reason is missing", where="reason", next_step="Give one.")
    if len(stripped) > REASON_CHARS_MAX:
        raise Malformed(f"a reason has at most {REASON_CHARS_MAX} characters", where="reason", next_step="Shorten it.")
    return stripped


def check_developer(developer: Organisation, house: Organisation) -> Organisation:
    """Return the developer that a conflict of interest is about; raises `Malformed` for any other organisation."""
    if developer.role is not Role.DEVELOPER or developer.id == house.id:
        raise Malformed(
            "a conflict of interest is about another organisation, a developer",
            where="developer",
            next_step="Choose a developer.",
        )
    return developer


def refuse_oneself(about: UUID | None, person: UUID | None) -> None:
    """Return if somebody ends what is not about themselves alone; raises `Refused`. Nobody named: the system."""
    if about is not None and about == person:
        raise Refused(
            "nobody ends what keeps themselves away", where="person", next_step="Let a colleague of yours decide."
        )


def refuse_employed(employer: Employer | None) -> None:
    """Return if somebody is an organisation's own, not a vendor's; raises `Refused`."""
    if employer is not None:
        raise Refused(
            "a vendor's person does not state what keeps the organisation's people away",
            where="person",
            next_step="Ask one of the organisation's own people.",
        )


def check_scope(scope: Scope) -> Scope:
    """Return a token's scope; raises `Refused` for the one that only sessions have."""
    if scope is Scope.PERSONAL:
        raise Refused("no token has the scope personal", where="scope", next_step="Choose another scope.")
    return scope


def token_end(now: datetime, days: int, active_until: datetime | None) -> datetime:
    """Return when a token of ``days`` ends, never after its person; raises `Malformed` outside 1..`TOKEN_DAYS_MAX`."""
    if not 1 <= days <= TOKEN_DAYS_MAX:
        raise Malformed(f"a token lasts 1 to {TOKEN_DAYS_MAX} days", where="days", next_step="Choose within that.")
    return _no_later(now + timedelta(days=days), active_until)


def link_end(now: datetime, minutes: int, active_until: datetime | None) -> datetime:
    """Return when a sign-in link ends; raises `Malformed` outside 1..`SIGN_IN_LINK_MINUTES_MAX`."""
    if not 1 <= minutes <= SIGN_IN_LINK_MINUTES_MAX:
        raise Malformed(
            f"a sign-in link lasts 1 to {SIGN_IN_LINK_MINUTES_MAX} minutes",
            where="minutes",
            next_step="Choose within that.",
        )
    return _no_later(now + timedelta(minutes=minutes), active_until)


def session_end(now: datetime, active_until: datetime | None) -> datetime:
    """Return when a session that begins now ends."""
    return _no_later(now + timedelta(hours=SESSION_HOURS), active_until)


def holds(holder: Holder, now: datetime) -> bool:
    """Tell whether a credential works at ``now``.

    Not from its end on, nor once ended, nor after idling, nor for a person who is gone or whose time, or whose
    employer's, is over.
    """
    ends = (holder.expires_at, idle_end(holder.last_seen_at), holder.active_until, holder.engaged_until)
    return holder.ended_at is None and holder.removed_at is None and all(end is None or now < end for end in ends)


def idle_end(last_seen_at: datetime | None) -> datetime | None:
    """Return when a session that is not used again ends; None for what does not end by idling."""
    return None if last_seen_at is None else last_seen_at + timedelta(minutes=SESSION_IDLE_MINUTES)


def unseen_since(now: datetime) -> datetime:
    """Return the last use of a credential from which on its next use is not written down yet."""
    return now - timedelta(seconds=SEEN_SECONDS)


def challenge_end(now: datetime) -> datetime:
    """Return when a challenge made now works no more."""
    return now + timedelta(minutes=CHALLENGE_MINUTES)


def answers(challenged: Challenged, purpose: Purpose, holder: bytes, person: PersonId | None, now: datetime) -> bool:
    """Tell whether a challenge may be answered: for its purpose, by its browser and person, in time, once."""
    return (
        challenged.purpose is purpose
        and challenged.holder == holder
        and challenged.person == person
        and challenged.used_at is None
        and now < challenged.expires_at
    )


def counts_forward(stored: int, told: int) -> bool:
    """Tell whether an authenticator's counter went forward, or it keeps none (WebAuthn Level 3, section 6.1.1)."""
    return told > stored or (told == 0 and stored == 0)


def refuse_more(count: int, most: int, noun: str) -> None:
    """Return if one more fits; raises `Conflict` where a person holds ``most`` already."""
    if count >= most:
        raise Conflict(f"a person has at most {most} {noun}", where=noun, next_step="End one first.")


def act_end(now: datetime) -> datetime:
    """Return when an act that moved now has waited too long for its next move."""
    return now + timedelta(minutes=ACT_MINUTES)


def act_state(stored: ActState, expires_at: datetime, now: datetime) -> ActState:
    """Return where an act stands at ``now``: one that could still move has expired at its end."""
    return PAIRED_ACT_MOVES[stored].get(ActMove.EXPIRE, stored) if now >= expires_at else stored


def move_act(state: ActState, move: ActMove) -> ActState:
    """Return the state that a move leads to; raises `Conflict` where the table has none."""
    if move not in PAIRED_ACT_MOVES[state]:
        raise Conflict(f"an act that is {state} cannot be moved: {move}", where="act", next_step="Ask for it anew.")
    return PAIRED_ACT_MOVES[state][move]


def check_about(kind: ActKind, *, names_one: bool) -> None:
    """Return if an act names what its kind needs; raises `Malformed`."""
    if names_one is (kind is ActKind.BULK_EXPORT):
        raise Malformed("an export names nothing, any other act one thing", where="about", next_step="Correct it.")


def check_about_this(act: PairedAct, about: UUID) -> None:
    """Return if an act is about what it is taken for; raises `Refused`."""
    if act.about != about:
        raise Refused("this act is about another one", where="act", next_step="Ask for one about this.")


def refuse_one(house: Role, *, claimed: bool) -> None:
    """Return if a coordinator alone may send somebody of ``house`` what signs them in, or remove them; else `Refused`.

    ``claimed``: somebody of it has, or was sent, what signs them in. Coordinators are always two, or else one could
    make their own second.
    """
    if claimed or house is Role.COORDINATOR:
        raise Refused(
            "this takes two people, or the organisation itself",
            next_step="Ask for an act of two people and name it, or let a person of the organisation do it.",
        )


def refuse_last(*, others: bool) -> None:
    """Return if somebody else of a developer's organisation can sign in; raises `Refused`."""
    if not others:
        raise Refused(
            "nobody else of this developer could sign in, and somebody must be able to withdraw and release",
            next_step="Let a colleague of theirs sign in and add a passkey first.",
        )


def check_second(act: PairedAct, person: PersonId) -> None:
    """Return if ``person`` may be the second of an act; raises `Refused` for the one who asked."""
    if person == act.asked_by:
        raise Refused("who asks for an act does not confirm it", where="act", next_step="Let somebody else confirm it.")


def check_taker(act: PairedAct, person: PersonId, kind: ActKind) -> None:
    """Return if ``person`` may take an act as ``kind``; raises `Refused`."""
    if person != act.asked_by:
        raise Refused("an act is taken by who asked for it", where="act", next_step="Ask for one of your own.")
    if kind is not act.kind:
        raise Refused(f"this act is to {act.kind}", where="act", next_step="Ask for another one.")


def refuse_barred(*, foreign_access: bool, barred: bool) -> None:
    """Return if somebody may use what an agreement covers; raises `Refused` naming the policy.

    ``barred``: the agreement bars foreign access.
    """
    if foreign_access and barred:
        raise Refused(
            "the agreement bars foreign access, and this person is marked for it",
            next_step="Ask the developer, or the coordinator who stated the mark.",
        )


def not_accepted() -> Refused:
    """Return the refusal of a credential, the same whatever was wrong with it."""
    return Refused(NOT_ACCEPTED, next_step="Sign in again, or ask your coordinator for a new token.")


def _to_come(end: datetime, now: datetime, *, where: str) -> datetime:
    if end.tzinfo is None:
        raise Malformed("an end needs a time zone", where=where, next_step="Add one, like +00:00.")
    if end <= now:
        raise Malformed("an end lies in the past", where=where, next_step="Choose one to come.")
    try:
        return end.astimezone(UTC)
    except OverflowError:
        raise Malformed("no calendar has that time", where=where, next_step="Choose an earlier one.") from None


def earliest(*ends: datetime | None) -> datetime | None:
    """Return the earliest of some ends, None if there is none."""
    return min((end for end in ends if end is not None), default=None)


def _no_later(end: datetime, active_until: datetime | None) -> datetime:
    return end if active_until is None else min(end, active_until)
