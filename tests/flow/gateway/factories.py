"""A standing, a call and what is asked, all within what was agreed; each test changes one thing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from leadtime.flow.gateway.records import Address, Amount, Asked, Call, Caller, CallId, Reservation
from leadtime.flow.window import (
    AgreementId,
    BarredUse,
    GrantId,
    Limits,
    ModelId,
    RecordMode,
    Standing,
    Variant,
    WindowId,
    WindowKind,
    WireFormat,
)

NOW = datetime(2026, 8, 3, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)

FULL = Variant("Safeguards on", "orion-1-upstream", None, 2_000_000, 8_000_000)
REDUCED = Variant("reduced", "orion-1-reduced")

STANDING = Standing(
    grant=GrantId(UUID(int=1)),
    window=WindowId(UUID(int=2)),
    kind=WindowKind.GOVERNMENT,
    model=ModelId(UUID(int=3)),
    model_name="orion-1",
    developer=UUID(int=4),  # type: ignore[arg-type]
    organisation=UUID(int=5),  # type: ignore[arg-type]
    person=UUID(int=6),  # type: ignore[arg-type]
    agreement=AgreementId(UUID(int=7)),
    agreement_version=1,
    purpose="find flaws",
    barred=frozenset(BarredUse),
    variants=(FULL, REDUCED),
    limits=Limits(),
    budget=Limits(),
    networks=(("192.0.2.0/24",), ()),
    key_thumbprint=None,
    record_mode=RecordMode.COMMITMENTS,
    wire_format=WireFormat.OPENAI,
    upstream="http://127.0.0.1:9999/v1",
    begins_at=NOW,
    ends_at=NOW + DAY,
    ended=None,
)
CALLER = Caller("192.0.2.7")
ASKED = Asked(Address.CHAT, "orion-1/reduced", stream=False, input_tokens_max=100, out_max=50)
RESERVATION = Reservation(Amount(1, 150, 600, 1), 100, 50, None)


def standing(**changed: object) -> Standing:
    return replace(STANDING, **changed)


def asked(**changed: object) -> Asked:
    return replace(ASKED, **changed)


def call(number: int = 1, **changed: object) -> Call:
    wanted = {
        "id": CallId(UUID(int=100 + number)),
        "standing": STANDING,
        "asked": ASKED,
        "variant": FULL,
        "caller": CALLER,
        "reservation": RESERVATION,
        "at": NOW,
        "request_bytes": 90,
        **changed,
    }
    return Call(**wanted)  # type: ignore[arg-type]
