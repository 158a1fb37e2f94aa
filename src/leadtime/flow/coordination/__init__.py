"""A case: who takes part, until when it is quiet, what was delivered to whom, and what they answered.

Takes: a vulnerability from *merging*, a coordinator's decisions, a maintainer's answers and patches.
Gives: `Case`, `CaseFile`, `Delivery`, and the one secret of a `DeliveryLink`.
Decides: how cases and deliveries move (`rules.CASE_MOVES`, `rules.DELIVERY_MOVES`), which embargo can be.
Refuses: a delivery of what was not reproduced (I5) or beyond a maintainer's pace (I8), unless a named coordinator
    gives a reason; an embargo in the past, or at a time that its zone does not have.
Standard: TLP 2.0 (FIRST); IANA time zones; ISO/IEC 29147:2018, section 7 for the order of a disclosure.
"""

from leadtime.flow.coordination.absorb import absorb_case, share_promises
from leadtime.flow.coordination.answer import acknowledge, enter_delivery, name_fixed_version
from leadtime.flow.coordination.deliver import deliver
from leadtime.flow.coordination.embargo import lift_embargo, set_embargo
from leadtime.flow.coordination.open_case import open_case
from leadtime.flow.coordination.outcome import close_case, note_published, note_reach, reopen_case
from leadtime.flow.coordination.pace import read_pace, state_pace
from leadtime.flow.coordination.participants import add_participant
from leadtime.flow.coordination.patches import hand_in_patch, list_patches, note_judgement, read_patch
from leadtime.flow.coordination.read import find_case, list_cases, read_case, read_delivery
from leadtime.flow.coordination.records import (
    Case,
    CaseEvent,
    CaseFile,
    CaseId,
    CaseMove,
    CasePage,
    CaseState,
    Delivery,
    DeliveryEntry,
    DeliveryId,
    DeliveryLink,
    DeliveryMove,
    DeliveryState,
    Embargo,
    EventKind,
    FixedVersion,
    HandedIn,
    Pace,
    Participant,
    Patch,
    PatchFile,
    PatchId,
)
from leadtime.flow.coordination.rules import NOTE_CHARS_MAX, TITLE_CHARS_MAX

__all__ = [
    "NOTE_CHARS_MAX",
    "TITLE_CHARS_MAX",
    "Case",
    "CaseEvent",
    "CaseFile",
    "CaseId",
    "CaseMove",
    "CasePage",
    "CaseState",
    "Delivery",
    "DeliveryEntry",
    "DeliveryId",
    "DeliveryLink",
    "DeliveryMove",
    "DeliveryState",
    "Embargo",
    "EventKind",
    "FixedVersion",
    "HandedIn",
    "Pace",
    "Participant",
    "Patch",
    "PatchFile",
    "PatchId",
    "absorb_case",
    "acknowledge",
    "add_participant",
    "close_case",
    "deliver",
    "enter_delivery",
    "find_case",
    "hand_in_patch",
    "lift_embargo",
    "list_cases",
    "list_patches",
    "name_fixed_version",
    "note_judgement",
    "note_published",
    "note_reach",
    "open_case",
    "read_case",
    "read_delivery",
    "read_pace",
    "read_patch",
    "reopen_case",
    "set_embargo",
    "share_promises",
    "state_pace",
]
