"""Every call to an offered model: within what was agreed, reserved and witnessed before it goes out, settled after.

Takes: a credential, a caller, what a request asks for; from the upstream what it answered and says it used.
Gives: a `Call` that may go out or a `Refusal`; to developers and holders `CallSeen`, `AlarmSeen`, sealed records.
Decides: what a call may use at most, whether every budget holds it, what it is charged (`rules`); when it is cut.
Refuses: what is outside the agreement, over a budget, unproven, or beyond what anybody can bound; and everything
    while standing or record cannot be read or written.
Standard: DPoP (RFC 9449); age (C2SP, X25519) for sealed records; server-sent events as WHATWG HTML.
"""

from leadtime.flow.gateway.batch import Connection
from leadtime.flow.gateway.commit import Committer
from leadtime.flow.gateway.live import LiveCall, Standings, StandingSource
from leadtime.flow.gateway.marks import Blocking, Marks
from leadtime.flow.gateway.proof import Presented, judge_proof
from leadtime.flow.gateway.read import calls_by_hour, list_alarms, list_calls, used_by_grants
from leadtime.flow.gateway.records import (
    Address,
    Alarm,
    AlarmKind,
    AlarmSeen,
    Amount,
    Answered,
    Asked,
    Call,
    Caller,
    CallId,
    CallSeen,
    Charge,
    Ended,
    Fingerprint,
    ProcessId,
    Proof,
    Reason,
    Refusal,
    Reservation,
    Settlement,
    Usage,
)
from leadtime.flow.gateway.refusals import RefusalCount
from leadtime.flow.gateway.rules import (
    charge_of,
    name_of,
    output_maximum,
    refusal_of_asked,
    refusal_of_caller,
    reservation_of,
    text_bytes_max,
    variant_of,
)
from leadtime.flow.gateway.sealed import (
    Content,
    Sides,
    find_sides,
    forget_sealed,
    keep_sealed,
    read_sealed,
    read_sealing_key,
    search_sealed,
    state_sealing_key,
)
from leadtime.flow.gateway.source import DatabaseStandings
from leadtime.flow.gateway.sweep import sweep
from leadtime.flow.gateway.witness import Logged, Request, witness_call, witness_refusal, witness_settlement

__all__ = [
    "Address",
    "Alarm",
    "AlarmKind",
    "AlarmSeen",
    "Amount",
    "Answered",
    "Asked",
    "Blocking",
    "Call",
    "CallId",
    "CallSeen",
    "Caller",
    "Charge",
    "Committer",
    "Connection",
    "Content",
    "DatabaseStandings",
    "Ended",
    "Fingerprint",
    "LiveCall",
    "Logged",
    "Marks",
    "Presented",
    "ProcessId",
    "Proof",
    "Reason",
    "Refusal",
    "RefusalCount",
    "Request",
    "Reservation",
    "Settlement",
    "Sides",
    "StandingSource",
    "Standings",
    "Usage",
    "calls_by_hour",
    "charge_of",
    "find_sides",
    "forget_sealed",
    "judge_proof",
    "keep_sealed",
    "list_alarms",
    "list_calls",
    "name_of",
    "output_maximum",
    "read_sealed",
    "read_sealing_key",
    "refusal_of_asked",
    "refusal_of_caller",
    "reservation_of",
    "search_sealed",
    "state_sealing_key",
    "sweep",
    "text_bytes_max",
    "used_by_grants",
    "variant_of",
    "witness_call",
    "witness_refusal",
    "witness_settlement",
]
