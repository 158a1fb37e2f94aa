"""The leaves of calls: what they commit to, field by field, so that each can be opened without the others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from leadtime.flow.gateway.records import (
    Asked,
    Call,
    Caller,
    CallId,
    Ended,
    Proof,
    Refusal,
    Reservation,
    Settlement,
)
from leadtime.flow.window import Standing, Variant, log_of
from leadtime.foundation.digests import canonical_json
from leadtime.foundation.keys import KeyRing
from leadtime.ledger.leaves import CALL, VOID, Leaf, new_leaf
from leadtime.ledger.records import LeafId, LogName

REFUSAL = "refusal"
SETTLED = "settled"

Logged = tuple[LogName, Leaf]
"""A leaf and the log that it goes to."""


@dataclass(frozen=True, slots=True)
class Request:
    """The bytes of a request as its caller sent them: how many, and their SHA-256 (never stored)."""

    size_bytes: int
    sha256: bytes


def witness_call(
    keys: KeyRing,
    standing: Standing,
    variant: Variant,
    asked: Asked,
    *,
    caller: Caller,
    reservation: Reservation,
    request: Request,
    at: datetime,
    proof: Proof | None = None,
) -> tuple[Call, Logged]:
    """Return a call and the leaf whose id it has; it commits to who asks for what, and to the request's digest."""
    amount = reservation.amount
    fields = {
        **_who(standing, caller),
        "variant": variant.name.encode(),
        "address": asked.address.value.encode(),
        "request": request.sha256,
        "reserved": canonical_json(
            {"request_bytes": request.size_bytes, "tokens": amount.tokens, "micro_usd": amount.micro_usd}
        ),
    }
    log = log_of(standing.model)
    leaf = new_leaf(keys, log, kind=CALL, at=at, fields=fields)
    call = Call(
        id=CallId(leaf.id),
        standing=standing,
        asked=asked,
        variant=variant,
        caller=caller,
        reservation=reservation,
        at=at,
        request_bytes=request.size_bytes,
        proof=proof,
    )
    return call, (log, leaf)


def witness_refusal(
    keys: KeyRing,
    standing: Standing,
    caller: Caller,
    refusal: Refusal,
    *,
    address: str,
    at: datetime,
    uncounted: int = 0,
) -> Logged:
    """Return the leaf of a refusal; ``uncounted`` is how many of the grant's refusals before it have none."""
    fields = {
        **_who(standing, caller),
        "address": address.encode(),
        "reason": refusal.reason.value.encode(),
        "sentence": refusal.what.encode(),
        "uncounted": str(uncounted).encode(),
    }
    log = log_of(standing.model)
    return log, new_leaf(keys, log, kind=REFUSAL, at=at, fields=fields)


def witness_settlement(keys: KeyRing, settlement: Settlement, answer_sha256: bytes) -> Logged:
    """Return the leaf of a call's end; a call that was never sent upstream has a leaf that says so."""
    answered, amount, call = settlement.answered, settlement.charge.amount, settlement.call
    log = log_of(call.standing.model)
    fields = {
        "ended": canonical_json({"ended": answered.ended.value, "status": answered.status}),
        "answer": answer_sha256,
        "charged": canonical_json(
            {"answer_bytes": answered.answer_bytes, "tokens": amount.tokens, "micro_usd": amount.micro_usd}
        ),
        "upstream": canonical_json({"model": answered.upstream_model, "fingerprint": answered.fingerprint}),
    }
    kind = VOID if answered.ended is Ended.NOT_SENT else SETTLED
    return log, new_leaf(keys, log, kind=kind, at=settlement.at, fields=fields, about=LeafId(call.id))


def _who(standing: Standing, caller: Caller) -> dict[str, bytes]:
    return {
        "grant": str(standing.grant).encode(),
        "terms": f"{standing.agreement} {standing.agreement_version} {standing.purpose}".encode(),
        "organisation": str(standing.organisation).encode(),
        "person": str(standing.person).encode(),
        "network": caller.network.encode(),
    }
