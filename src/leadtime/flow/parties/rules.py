"""Who may be enrolled, how long a credential lasts, and whether one still holds."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from leadtime.flow.parties.records import Holder
from leadtime.foundation.access import Role
from leadtime.foundation.errors import Malformed, Refused

NAME_CHARS_MAX = 200
EMAIL_CHARS_MAX = 254
"""RFC 5321, section 4.5.3.1.3, less the angle brackets."""

TOKEN_DAYS_MAX = 365
SIGN_IN_LINK_MINUTES_MAX = 24 * 60
SESSION_HOURS = 12
"""How long a redeemed sign-in link lasts as a session."""

_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
_EMAIL = re.compile(r"[^\s@<>\"(),:;\\\[\]]+@[^\s@<>\"(),:;\\\[\]]+\.[^\s@<>\"(),:;\\\[\].]+\Z")

NOT_ACCEPTED = "this credential is not accepted"
"""The one sentence for every credential that does not hold, so that none tells what another would."""


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
    if active_until is None:
        return None
    if active_until.tzinfo is None:
        raise Malformed("an end needs a time zone", where="active_until", next_step="Add one, like +00:00.")
    if active_until <= now:
        raise Malformed("an end lies in the past", where="active_until", next_step="Choose one to come.")
    return active_until.astimezone(UTC)


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
    """Tell whether a credential works at ``now``: not from its end on, nor once ended, nor for a person who is gone."""
    return (
        now < holder.expires_at
        and holder.ended_at is None
        and holder.removed_at is None
        and (holder.active_until is None or now < holder.active_until)
    )


def not_accepted() -> Refused:
    """Return the refusal of a credential, the same whatever was wrong with it."""
    return Refused(NOT_ACCEPTED, next_step="Sign in again, or ask your coordinator for a new token.")


def _no_later(end: datetime, active_until: datetime | None) -> datetime:
    return end if active_until is None else min(end, active_until)
