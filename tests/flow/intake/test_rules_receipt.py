from __future__ import annotations

import base64
import contextlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from leadtime.flow.intake.records import Receipt, ReportId
from leadtime.flow.intake.rules import (
    check_receipt,
    read_receipt_json,
    receipt_as_json,
    sign_receipt,
)
from leadtime.foundation.digests import Digest, canonical_json
from leadtime.foundation.errors import Malformed
from leadtime.foundation.keys import KeyRing

KEYS = KeyRing(wrapping=b"w" * 32, blinding=b"b" * 32, signing=b"s" * 32)
UNSIGNED = Receipt(
    id=ReportId(UUID(int=1)),
    reference="A-1",
    received_at=datetime(2026, 8, 3, 11, 0, tzinfo=timezone(timedelta(hours=2))),
    digest=Digest("sha256:00"),
    key_id=KEYS.key_id,
    signature=b"",
)
RECEIPT = sign_receipt(UNSIGNED, KEYS)


def test_a_receipt_names_the_report_and_is_signed() -> None:
    assert receipt_as_json(RECEIPT) == {
        "id": "00000000-0000-0000-0000-000000000001",
        "reference": "A-1",
        "received_at": "2026-08-03T09:00:00Z",
        "digest": "sha256:00",
        "key_id": KEYS.key_id,
        "signature": base64.b64encode(RECEIPT.signature).decode(),
    }
    assert check_receipt(RECEIPT, KEYS.public_key)
    assert not check_receipt(UNSIGNED, KEYS.public_key)


def test_anybody_can_check_it_with_json_and_ed25519_alone() -> None:
    sent = receipt_as_json(RECEIPT)
    signature = base64.b64decode(sent.pop("signature") or "")
    message = json.dumps(sent, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    Ed25519PublicKey.from_public_bytes(KEYS.public_key).verify(signature, message)


@pytest.mark.parametrize(
    "changed",
    [
        replace(RECEIPT, id=ReportId(UUID(int=2))),
        replace(RECEIPT, reference=None),
        replace(RECEIPT, received_at=RECEIPT.received_at + timedelta(microseconds=1)),
        replace(RECEIPT, digest=Digest("sha256:01")),
        replace(RECEIPT, key_id="0"),
        replace(RECEIPT, signature=bytes(64)),
        replace(RECEIPT, signature=b""),
    ],
)
def test_any_change_breaks_it(changed: Receipt) -> None:
    assert not check_receipt(changed, KEYS.public_key)


def test_another_key_does_not_confirm_it() -> None:
    other = KeyRing(wrapping=b"w" * 32, blinding=b"b" * 32, signing=b"t" * 32)
    assert not check_receipt(RECEIPT, other.public_key)


@given(st.none() | st.text(min_size=1, max_size=20).filter(str.strip), st.datetimes(timezones=st.just(UTC)))
def test_it_travels_as_json_and_back(reference: str | None, at: datetime) -> None:
    receipt = sign_receipt(
        Receipt(ReportId(UUID(int=9)), reference, at, Digest("sha256:1"), key_id="k", signature=b""), KEYS
    )
    assert read_receipt_json(canonical_json(receipt_as_json(receipt))) == receipt


@pytest.mark.parametrize(
    ("change", "what", "where"),
    [
        ({"id": "x"}, "this is not a receipt", "$"),
        ({"id": None}, "a field is missing", "$.id"),
        ({"received_at": "x"}, "this is not a receipt", "$"),
        ({"received_at": 1}, "this must be text", "$.received_at"),
        ({"digest": None}, "a field is missing", "$.digest"),
        ({"key_id": None}, "a field is missing", "$.key_id"),
        ({"signature": "x"}, "this is not a receipt", "$"),
        ({"reference": "x" * 201}, "this has more than 200 characters", "$.reference"),
        ({"signature": "x" * 301}, "this has more than 300 characters", "$.signature"),
        ({"x": ["x"] * 100}, "this holds more than 100 values", "$"),
        ({"x": [[]]}, "this is nested more than 2 levels deep", "$"),
        ({"x": "x" * 16 * 1024}, "this is larger than 16384 bytes", "$"),
    ],
)
def test_what_is_no_receipt_is_refused(change: dict[str, object], what: str, where: str) -> None:
    with pytest.raises(Malformed) as caught:
        read_receipt_json(json.dumps({**receipt_as_json(RECEIPT), **change}).encode())
    assert (caught.value.what, caught.value.where) == (what, where)
    assert caught.value.next_step


@given(st.binary(max_size=100))
def test_whatever_bytes_come_only_malformed_is_raised(raw: bytes) -> None:
    with contextlib.suppress(Malformed):
        read_receipt_json(raw)
