"""Cosignatures (c2sp.org/tlog-cosignature, ``cosignature/v1``): a witness's dated word that a log only grew. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from leadtime.foundation import keys as crypto
from leadtime.foundation.errors import Refused
from leadtime.ledger.notes import Algorithm, Note, Signature, VerifierKey, signatures_by

TIME_BYTES = 8
SIGNATURE_BYTES = 64
SECONDS_MAX = 253_402_300_799
"""The end of the year 9999, the last that dates are told in; the standard's own bound is 2**63 - 1."""


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A witness's signature that verified, and when it was given."""

    key: VerifierKey
    at: datetime


def cosign(text: str, *, name: str, signing_key: bytes, at: datetime) -> Signature:
    """Return the cosignature of a checkpoint's text by a witness's seed."""
    seconds = int(at.timestamp())
    key = VerifierKey(name, Algorithm.COSIGNATURE, crypto.public_key_of(signing_key))
    content = seconds.to_bytes(TIME_BYTES, "big") + crypto.sign(signing_key, _statement(text, seconds))
    return Signature(name, key.key_id, content)


def cosigned_by(note: Note, witnesses: Iterable[VerifierKey]) -> tuple[Cosignature, ...]:
    """Return the cosignatures on a checkpoint by those of ``witnesses`` that gave one.

    Raises `Refused` if a known witness's cosignature does not verify.
    """
    known = (key for key in witnesses if key.algorithm is Algorithm.COSIGNATURE)
    return tuple(_check(note, key, signature) for key, signature in signatures_by(note, known))


def _check(note: Note, key: VerifierKey, signature: Signature) -> Cosignature:
    seconds = int.from_bytes(signature.content[:TIME_BYTES], "big")
    bad = len(signature.content) != TIME_BYTES + SIGNATURE_BYTES or seconds > SECONDS_MAX
    if bad or not crypto.verify(key.public, _statement(note.text, seconds), signature.content[TIME_BYTES:]):
        raise Refused(f"the cosignature of {key.name} does not verify", where="signature")
    return Cosignature(key, datetime.fromtimestamp(seconds, UTC))


def _statement(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()
