"""How a case and a delivery move, when an embargo stands, and what may be delivered to whom."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from leadtime.flow.coordination.records import (
    Case,
    CaseFile,
    CaseMove,
    CaseState,
    DeliveryMove,
    DeliveryRequest,
    DeliveryState,
    Embargo,
    EventKind,
)
from leadtime.flow.intake import ReportId
from leadtime.flow.parties import OrganisationId
from leadtime.foundation.access import Role, Viewer
from leadtime.foundation.errors import Conflict, Malformed, Missing, Refused
from leadtime.foundation.lines import check_prose

CASE_MOVES: Mapping[CaseState, Mapping[CaseMove, CaseState]] = {
    CaseState.OPEN: {
        CaseMove.DELIVER: CaseState.DELIVERED,
        CaseMove.NAME_FIX: CaseState.FIX_NAMED,
        CaseMove.PUBLISH: CaseState.PUBLISHED,
        CaseMove.CLOSE: CaseState.CLOSED,
    },
    CaseState.DELIVERED: {
        CaseMove.DELIVER: CaseState.DELIVERED,
        CaseMove.ACKNOWLEDGE: CaseState.ACKNOWLEDGED,
        CaseMove.NAME_FIX: CaseState.FIX_NAMED,
        CaseMove.PUBLISH: CaseState.PUBLISHED,
        CaseMove.CLOSE: CaseState.CLOSED,
    },
    CaseState.ACKNOWLEDGED: {
        CaseMove.DELIVER: CaseState.ACKNOWLEDGED,
        CaseMove.ACKNOWLEDGE: CaseState.ACKNOWLEDGED,
        CaseMove.NAME_FIX: CaseState.FIX_NAMED,
        CaseMove.PUBLISH: CaseState.PUBLISHED,
        CaseMove.CLOSE: CaseState.CLOSED,
    },
    CaseState.FIX_NAMED: {
        CaseMove.DELIVER: CaseState.FIX_NAMED,
        CaseMove.ACKNOWLEDGE: CaseState.FIX_NAMED,
        CaseMove.NAME_FIX: CaseState.FIX_NAMED,
        CaseMove.PUBLISH: CaseState.PUBLISHED,
        CaseMove.CLOSE: CaseState.CLOSED,
    },
    CaseState.PUBLISHED: {
        CaseMove.DELIVER: CaseState.PUBLISHED,
        CaseMove.ACKNOWLEDGE: CaseState.PUBLISHED,
        CaseMove.NAME_FIX: CaseState.PUBLISHED,
        CaseMove.PUBLISH: CaseState.PUBLISHED,
        CaseMove.CLOSE: CaseState.CLOSED,
        CaseMove.REOPEN: CaseState.OPEN,
    },
    CaseState.CLOSED: {CaseMove.REOPEN: CaseState.OPEN},
}
"""State -> move -> next state. A fix can be named, and a case published, without any maintainer having answered."""

DELIVERY_MOVES: Mapping[DeliveryState, Mapping[DeliveryMove, DeliveryState]] = {
    DeliveryState.SENT: {
        DeliveryMove.SEND: DeliveryState.SENT,
        DeliveryMove.ACKNOWLEDGE: DeliveryState.ACKNOWLEDGED,
        DeliveryMove.NAME_FIX: DeliveryState.FIX_NAMED,
        DeliveryMove.CLOSE: DeliveryState.CLOSED,
    },
    DeliveryState.ACKNOWLEDGED: {
        DeliveryMove.SEND: DeliveryState.ACKNOWLEDGED,
        DeliveryMove.ACKNOWLEDGE: DeliveryState.ACKNOWLEDGED,
        DeliveryMove.NAME_FIX: DeliveryState.FIX_NAMED,
        DeliveryMove.CLOSE: DeliveryState.CLOSED,
    },
    DeliveryState.FIX_NAMED: {
        DeliveryMove.SEND: DeliveryState.FIX_NAMED,
        DeliveryMove.ACKNOWLEDGE: DeliveryState.FIX_NAMED,
        DeliveryMove.NAME_FIX: DeliveryState.FIX_NAMED,
        DeliveryMove.CLOSE: DeliveryState.CLOSED,
    },
    DeliveryState.CLOSED: {DeliveryMove.SEND: DeliveryState.SENT, DeliveryMove.CLOSE: DeliveryState.CLOSED},
}
"""State -> move -> next state of one delivery; to send again gives a fresh link, and reopens a closed one."""

OPEN_DELIVERIES = frozenset({DeliveryState.SENT, DeliveryState.ACKNOWLEDGED})
"""States that count against a maintainer's pace: work that is still theirs."""

REPRODUCED = "reproduced"
"""The one verdict that shows a flaw; all others leave open whether there is one."""

EMBARGO_DAYS_MAX = 180
LINK_DAYS_MAX = 180
OPEN_DELIVERIES_DEFAULT = 5
"""For a maintainer who has stated no pace of its own."""

OPEN_DELIVERIES_MAX = 1_000
NOTE_CHARS_MAX = 2_000
TITLE_CHARS_MAX = 300
VERSION_CHARS_MAX = 200
PATCH_BYTES_MAX = 256 << 10
"""Of a patch that is handed in: a form holds it, and a person reads it."""

PATCHES_MAX = 20
"""That one organisation hands in to a case; each takes minutes of a worker."""

REACH_OPERATORS_MAX = 10_000_000

_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+\-/]{0,63}\Z")
TOLD_TO_FINDERS = frozenset(
    {
        EventKind.OPENED,
        EventKind.EMBARGO_SET,
        EventKind.EMBARGO_LIFTED,
        EventKind.DELIVERED,
        EventKind.ACKNOWLEDGED,
        EventKind.FIX_NAMED,
        EventKind.PUBLISHED,
        EventKind.CLOSED,
        EventKind.REOPENED,
    }
)
"""What a finder's history of a case tells: when it came to where it stands, not who did it or what they wrote."""

MACHINES_OWN_ZONES = frozenset({"localtime", "posixrules", "Factory"})
"""Names that a machine's zone files hold beside the IANA zones, and that mean something else on another machine."""

_LOCAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?\Z")
_NUMBER_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U, so that a number survives being read out."""


def move_case(state: CaseState, move: CaseMove) -> CaseState:
    """Return the state that a move leads to; raises `Conflict` where the table has none."""
    if move not in CASE_MOVES[state]:
        raise Conflict(f"a case that is {state} cannot {move}", where="case", next_step="Read the case again.")
    return CASE_MOVES[state][move]


def move_delivery(state: DeliveryState, move: DeliveryMove) -> DeliveryState:
    """Return the state that a move leads to; raises `Conflict` where the table has none."""
    if move not in DELIVERY_MOVES[state]:
        raise Conflict(
            f"a delivery that is {state} cannot {move}", where="delivery", next_step="Read the delivery again."
        )
    return DELIVERY_MOVES[state][move]


def case_number(case: UUID, opened_at: datetime) -> str:
    """Return what people call a case, like ``LT-2026-7K3M-9QXR``.

    Its letters come from the id's chance, not from a counter: a counter would tell every participant, and every reader
    of an advisory, how many cases there are (I6).
    """
    letters = "".join(_NUMBER_DIGITS[case.int >> shift & 31] for shift in range(35, -1, -5))
    return f"LT-{opened_at.astimezone(UTC).year}-{letters[:4]}-{letters[4:]}"


def parse_embargo(local: str, zone: str, now: datetime) -> Embargo:
    """Return the embargo that ends at a local time of an IANA zone.

    Raises `Malformed` for a time that the zone does not have, that it has twice (unless an offset says which), or that
    lies more than `EMBARGO_DAYS_MAX` days ahead, and `Refused` for one in the past.
    """
    ends_at = _instant(local, _zone(zone)).astimezone(UTC)
    if ends_at <= now:
        raise Refused("an embargo cannot end in the past", where="ends_at", next_step="Lift it instead.")
    if ends_at > now + timedelta(days=EMBARGO_DAYS_MAX):
        raise Malformed(
            f"an embargo lasts at most {EMBARGO_DAYS_MAX} days", where="ends_at", next_step="Choose an earlier end."
        )
    return Embargo(ends_at=ends_at, zone=zone)


def is_proof(verdict: str) -> bool:
    """Tell whether a validation's verdict is proof enough for people outside (I5)."""
    return verdict == REPRODUCED


def check_request(request: DeliveryRequest) -> None:
    """Return if a delivery may go out, else raise `Refused`.

    To maintainers only; reproduced first, unless a named coordinator gives a reason (I5); within the maintainer's pace,
    unless a named coordinator records active exploitation (I8).
    """
    if request.to_role is not Role.MAINTAINER:
        raise Refused(
            "deliveries go to maintainers", where="organisation", next_step="Choose an organisation of that role."
        )
    if (request.reason or request.exploitation) and not request.by_person:
        raise Refused("only a named person gives a reason", where="reason", next_step="Let a coordinator deliver it.")
    if not request.reproduced and not request.reason:
        raise Refused(
            "nobody but its finder has reproduced this flaw",
            where="vulnerability",
            next_step="Wait for the validation, or give the reason for sending it unproven.",
        )
    if request.open_deliveries >= request.pace.open_deliveries_max and not request.exploitation:
        raise Refused(
            f"this maintainer takes {request.pace.open_deliveries_max} open deliveries at a time",
            where="organisation",
            next_step="Wait for an answer, or record the active exploitation.",
        )


def check_pace(open_deliveries_max: int) -> int:
    """Return how many open deliveries a maintainer takes; 0 is a pause. Raises `Malformed` outside its bounds."""
    if not 0 <= open_deliveries_max <= OPEN_DELIVERIES_MAX:
        raise Malformed(
            f"a pace is 0 to {OPEN_DELIVERIES_MAX} open deliveries",
            where="open_deliveries_max",
            next_step="Choose within that.",
        )
    return open_deliveries_max


def check_reach(operators: int) -> int:
    """Return how many operators run the software; raises `Malformed` outside its bounds."""
    if not 0 <= operators <= REACH_OPERATORS_MAX:
        raise Malformed(f"a reach is 0 to {REACH_OPERATORS_MAX} operators", where="operators", next_step="Count again.")
    return operators


def check_note(text: str, *, where: str) -> str:
    """Return a note without the space around it, empty if there is none; raises `Malformed` if it is too long."""
    return check_prose(text, where=where, chars_max=NOTE_CHARS_MAX) if text.strip() else ""


def check_reason(reason: str) -> str:
    """Return the reason of an act that needs one; raises `Malformed` if it is missing or too long."""
    return check_prose(reason, where="reason", chars_max=NOTE_CHARS_MAX)


def check_patch(state: CaseState, size_bytes: int, *, handed_in: int) -> None:
    """Return if another patch may be handed in to a case, by an organisation that has ``handed_in`` some.

    Raises `Conflict` for a closed case, `Malformed` for a patch that is too long, `Refused` for one too many.
    """
    if state is CaseState.CLOSED:
        raise Conflict("a closed case takes no patch", where="case", next_step="Ask a coordinator to open it again.")
    if size_bytes > PATCH_BYTES_MAX:
        raise Malformed(
            f"a patch has at most {PATCH_BYTES_MAX} bytes, this one has {size_bytes}",
            where="patch",
            next_step="Send only what fixes this flaw.",
        )
    if handed_in >= PATCHES_MAX:
        raise Refused(
            f"an organisation hands in at most {PATCHES_MAX} patches to a case",
            where="patch",
            next_step="Try a patch on your own machine with leadtime validate --patch.",
        )


def later_embargo(one: Embargo | None, other: Embargo | None) -> Embargo | None:
    """Return the embargo that keeps both promises: the one that ends later; of two that end at once the first."""
    given = [each for each in (one, other) if each is not None]
    return max(given, key=lambda embargo: embargo.ends_at, default=None)


def state_after_taking_in(survivor: CaseState, absorbed: CaseState, deliveries: Iterable[DeliveryState]) -> CaseState:
    """Return a case's state once it has taken in another with its open ``deliveries``.

    A closed case that takes in one that is not is open again: whoever closed it did not know of the other.
    """
    state = survivor
    if state is CaseState.CLOSED and absorbed is not CaseState.CLOSED:
        state = move_case(state, CaseMove.REOPEN)
    for delivery in deliveries:
        for move in _MADE_BY[delivery]:
            state = move_case(state, move)
    return state


def further(one: DeliveryState, other: DeliveryState) -> DeliveryState:
    """Return the state of two deliveries of one flaw to one maintainer that became one: how far its work has come."""
    return max(one, other, key=_PROGRESS.index)


_PROGRESS = (DeliveryState.CLOSED, DeliveryState.SENT, DeliveryState.ACKNOWLEDGED, DeliveryState.FIX_NAMED)
_MADE_BY: Mapping[DeliveryState, tuple[CaseMove, ...]] = {
    DeliveryState.CLOSED: (),
    DeliveryState.SENT: (CaseMove.DELIVER,),
    DeliveryState.ACKNOWLEDGED: (CaseMove.DELIVER, CaseMove.ACKNOWLEDGE),
    DeliveryState.FIX_NAMED: (CaseMove.DELIVER, CaseMove.NAME_FIX),
}
"""A delivery's state -> the moves of its case that led to it."""


def link_end(now: datetime, days: int) -> datetime:
    """Return when a delivery's link ends; raises `Malformed` outside 1..`LINK_DAYS_MAX`."""
    if not 1 <= days <= LINK_DAYS_MAX:
        raise Malformed(f"a link lasts 1 to {LINK_DAYS_MAX} days", where="link_days", next_step="Choose within that.")
    return now + timedelta(days=days)


def link_holds(state: DeliveryState, link_expires_at: datetime, now: datetime) -> bool:
    """Tell whether a delivery's link lets somebody in at ``now``: before its end, and until the delivery is closed."""
    return now < link_expires_at and state is not DeliveryState.CLOSED


def link_not_accepted() -> Refused:
    """Return the refusal of a link, the same whatever was wrong with it."""
    return Refused("this link is not accepted", next_step="Ask the coordinator who sent it for a fresh one.")


def case_for_finder(case: Case) -> Case:
    """Return a case as a finder sees it: its title is another's words, how far the software reaches not theirs."""
    return replace(case, title=case.number, reach=None)


def file_for_finder(file: CaseFile, own: AbstractSet[ReportId], organisation: OrganisationId) -> CaseFile:
    """Return of a case what a finder sees whose ``own`` reports are in it.

    A report joins by its evidence alone, and evidence can be made to match: so it opens state, embargo and the finder's
    own reports, and nothing that another finder, a maintainer or a coordinator wrote.
    """
    return CaseFile(
        case=case_for_finder(file.case),
        reports=tuple(report for report in file.reports if report in own),
        participants=tuple(each for each in file.participants if each.organisation == organisation),
        deliveries=(),
        history=tuple(
            replace(event, organisation=None, person=None, note="")
            for event in file.history
            if event.kind in TOLD_TO_FINDERS
        ),
    )


def check_answerer(viewer: Viewer, organisation: UUID) -> None:
    """Return if the viewer may answer a delivery to ``organisation``: its own people, or a coordinator for it.

    Another maintainer of the same case gets `Missing`, as for a delivery that is not there.
    """
    if viewer.role is Role.MAINTAINER and viewer.organisation != organisation:
        raise Missing("there is no such delivery", where="delivery", next_step="Check the link.")


def _zone(name: str) -> ZoneInfo:
    problem = Malformed("this is no IANA time zone", where="zone", next_step="Write it like Europe/Berlin or UTC.")
    if not _ZONE.match(name) or name in MACHINES_OWN_ZONES:
        raise problem
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise problem from None


def _instant(local: str, zone: ZoneInfo) -> datetime:
    try:
        written = datetime.fromisoformat(local) if _LOCAL.match(local) else None
        readings = () if written is None else _readings(written, zone)
    except (ValueError, OverflowError):
        written, readings = None, ()
    if written is None:
        raise Malformed("this is no local time", where="ends_at", next_step="Write it like 2026-12-01T17:00.")
    if not readings:
        raise Malformed("this zone has no such time then", where="ends_at", next_step="Check the clock change.")
    if len(readings) > 1:
        raise Malformed(
            "this zone has that time twice", where="ends_at", next_step="Add the offset that is meant, like +01:00."
        )
    return readings[0]


def _readings(written: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Return the instants at which the zone's clocks show what is written: none, one, or two in an autumn night."""
    local = written.replace(tzinfo=None)
    instants = {local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    shown = {instant for instant in instants if instant.astimezone(zone).replace(tzinfo=None, fold=0) == local}
    if written.tzinfo is not None:
        shown &= {written.astimezone(UTC)}
    return tuple(shown)
