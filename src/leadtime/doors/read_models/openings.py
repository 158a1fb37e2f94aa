"""The opening of one leaf of a model's log, for its developer to hand to an auditor; no other leaf is opened by it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import RowMapping, text

from leadtime.flow import window
from leadtime.flow.window import ModelId
from leadtime.foundation.database import Transaction
from leadtime.foundation.digests import canonical_json
from leadtime.foundation.errors import Missing
from leadtime.ledger import LeafId, Opening, open_leaf

_EVENT = text("""
    select kind, coalesce(organisation::text, '') as organisation, coalesce(person::text, '') as person, note
    from window_events where model = :model and id = :leaf""")
_CALL = text("""
    select access_grant::text as "grant", organisation::text as organisation, person::text as person, variant, address,
        request_bytes, reserved_tokens, reserved_micro_usd
    from gateway_calls where model = :model and id = :leaf""")


def open_model_leaf(tx: Transaction, model: ModelId, leaf: UUID) -> Opening:
    """Return what a leaf committed to, with its salts: of an event all, of a call what is kept of it.

    What is not kept (a request's digest, where it came from) stays closed. Raises `Missing` or `Refused` to whom the
    model's log is not, and `Missing` where nothing of the leaf is kept for the viewer.
    """
    log = window.log_of(model)
    window.enter_log(tx, log)
    asked = {"model": model, "leaf": leaf}
    event = tx.connection.execute(_EVENT, asked).mappings().one_or_none()
    call = None if event else tx.connection.execute(_CALL, asked).mappings().one_or_none()
    if event is not None:
        fields = {name: str(value).encode() for name, value in event.items()}
    elif call is not None:
        fields = _of_call(call)
    else:
        raise Missing("nothing is kept that opens this leaf", where=str(leaf), next_step="Check the leaf's id.")
    return open_leaf(tx.keys, log, LeafId(leaf), fields)


def opened(opening: Opening) -> dict[str, object]:
    """Return an opening as it is handed over: ``{leaf, fields: {name: {salt, value}}}``, both in hex."""
    return {
        "leaf": str(opening.leaf),
        "fields": {each.name: {"salt": each.salt.hex(), "value": each.value.hex()} for each in opening.fields},
    }


def _of_call(row: RowMapping) -> dict[str, bytes]:
    reserved = {
        "request_bytes": row["request_bytes"],
        "tokens": row["reserved_tokens"],
        "micro_usd": row["reserved_micro_usd"],
    }
    kept = ("grant", "organisation", "person", "variant", "address")
    return {**{name: row[name].encode() for name in kept}, "reserved": canonical_json(reserved)}
