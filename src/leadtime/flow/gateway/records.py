"""What *gateway* gives: calls, what they reserve and use, why they are refused or end, and what is odd about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from leadtime.flow.window import Limits, Standing, Variant, WireFormat

CallId = NewType("CallId", UUID)
"""A call's own id, which is its leaf's too and travels to the upstream."""

ProcessId = NewType("ProcessId", UUID)
"""One gateway process, from its start to its end."""


class Address(StrEnum):
    """What the gateway answers at, as both providers' clients ask it."""

    CHAT = "/v1/chat/completions"
    COMPLETIONS = "/v1/completions"
    EMBEDDINGS = "/v1/embeddings"
    RESPONSES = "/v1/responses"
    MESSAGES = "/v1/messages"
    COUNT_TOKENS = "/v1/messages/count_tokens"

    @property
    def wire_format(self) -> WireFormat:
        """Return whose form this address takes."""
        ours = (Address.MESSAGES, Address.COUNT_TOKENS)
        return WireFormat.ANTHROPIC if self in ours else WireFormat.OPENAI


class Reason(StrEnum):
    """Why a call is refused; the word that a leaf holds and programs can branch on."""

    ENDED = "ended"
    NETWORK = "network"
    PURPOSE = "purpose"
    MODEL = "model"
    FORM = "form"
    PROOF = "proof"
    UNBOUNDED = "unbounded"
    NO_KEYS = "no keys"
    REQUESTS = "requests"
    TOKENS = "tokens"
    MONEY = "money"
    CONCURRENCY = "concurrency"


class Ended(StrEnum):
    """How a call that was let through came to its end."""

    OPEN = "open"
    WHOLE = "whole"
    UPSTREAM_REFUSED = "upstream refused"
    UPSTREAM_FAILED = "upstream failed"
    GARBAGE = "garbage"
    SILENT = "silent"
    TOO_LARGE = "too large"
    TOO_LONG = "too long"
    OVER_RESERVED = "over what was reserved"
    CALLER_LEFT = "caller left"
    ACCESS_ENDED = "access ended"
    STALE = "standing could not be read"
    STOPPED = "gateway stopped"
    NOT_SENT = "not sent"
    FORFEITED = "forfeited"


@dataclass(frozen=True, slots=True)
class Amount:
    """So much of what budgets count; ``live`` is calls at once. Money is in millionths of a US dollar."""

    requests: int = 0
    tokens: int = 0
    micro_usd: int = 0
    live: int = 0

    def __add__(self, other: Amount) -> Amount:
        """Return both together."""
        return Amount(
            self.requests + other.requests,
            self.tokens + other.tokens,
            self.micro_usd + other.micro_usd,
            self.live + other.live,
        )

    def __sub__(self, other: Amount) -> Amount:
        """Return what is left without the other."""
        return Amount(
            self.requests - other.requests,
            self.tokens - other.tokens,
            self.micro_usd - other.micro_usd,
            self.live - other.live,
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for, as its address reads it; ``out_max`` None: the caller states no maximum.

    ``input_tokens_max`` bounds what goes in; ``out_times`` is how many answers of ``out_max`` tokens may come;
    ``unbounded`` names the part whose tokens nobody can bound beforehand, ``elsewhere`` the part that reaches beyond
    this one call; ``echoes``: the answer repeats the prompt, so that its length says nothing.
    """

    address: Address
    model: str
    stream: bool
    input_tokens_max: int
    out_max: int | None
    out_times: int = 1
    unbounded: str = ""
    elsewhere: str = ""
    echoes: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """What is known of who calls: network address, and the purpose that it states (empty: its grant's)."""

    network: str
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call refused because it is outside the agreement: one sentence, and what to do."""

    reason: Reason
    what: str
    next_step: str


@dataclass(frozen=True, slots=True)
class Reservation:
    """What a call may use at most; ``out_max`` is the maximum put into the request, None: it stays as it came."""

    amount: Amount
    input_tokens: int
    output_tokens: int
    out_max: int | None


@dataclass(frozen=True, slots=True)
class Usage:
    """What an upstream says that a call used; ``input`` counts cached input too."""

    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back: status (0: nothing did), all bytes, those of text, and the upstream's own word."""

    ended: Ended
    status: int
    answer_bytes: int
    text_bytes: int
    usage: Usage | None
    upstream_model: str = ""
    fingerprint: str = ""


class AlarmKind(StrEnum):
    """What an alarm to the developer is about."""

    UPSTREAM_CHANGED = "upstream changed"
    USAGE_ABOVE_RESERVED = "usage above what was reserved"
    USAGE_BELOW_FLOOR = "usage below what was streamed"
    CREDENTIAL_REFUSED = "upstream refused the credential"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One odd thing about an upstream, in one sentence."""

    kind: AlarmKind
    what: str


@dataclass(frozen=True, slots=True)
class Charge:
    """What a call is charged in the end, and what was odd about the report it was charged by."""

    amount: Amount
    alarms: tuple[Alarm, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """One budget that calls draw on, a grant's own or an agreement's; ``name`` is what a refusal calls it."""

    id: UUID
    name: str
    limits: Limits


@dataclass(frozen=True, slots=True)
class Balance:
    """How much of an account is used or reserved, by every process."""

    used: Amount = Amount()


@dataclass(frozen=True, slots=True)
class Wanted:
    """One call before the balances: what it reserves, on which accounts."""

    reservation: Reservation
    accounts: tuple[Account, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """A DPoP proof that held; ``id`` is a digest of key and ``jti``, good once until ``expires_at``."""

    id: bytes
    expires_at: datetime


@dataclass(frozen=True, slots=True, repr=False)
class Call:
    """One call on its way to be let through; its id is its leaf's."""

    id: CallId
    standing: Standing
    asked: Asked
    variant: Variant
    caller: Caller
    reservation: Reservation
    at: datetime
    request_bytes: int
    proof: Proof | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Settlement:
    """How a call ended, and what it is charged of what it had reserved."""

    call: Call
    answered: Answered
    charge: Charge
    at: datetime


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What an upstream calls itself in its answers."""

    model: str
    system: str = ""


@dataclass(frozen=True, slots=True)
class CallSeen:
    """One line of the access log, as a model's developer reads it: no content."""

    id: CallId
    at: datetime
    organisation: UUID
    person: UUID
    grant: UUID
    variant: str
    address: str
    ended: Ended
    status: int
    request_bytes: int
    answer_bytes: int
    reserved: Amount
    charged: Amount
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class AlarmSeen:
    """One alarm, as a model's developer reads it."""

    at: datetime
    variant: str
    alarm: Alarm
    call: CallId


@dataclass(frozen=True, slots=True, repr=False)
class SealedRecord:
    """One call's content, closed to everybody but the holders of the two keys (age, X25519)."""

    call: CallId
    at: datetime
    content: bytes
