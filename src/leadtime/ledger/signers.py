"""The keys that sign a log's checkpoints, and their rotation: for a while old and new key both sign.

They lie in ``LEADTIME_HOME/keys/ledger/{log}/signers.json`` (0600). What others may know of them is the log's file
``keys``: one verifier key a line, an old one followed by `` until `` and the instant from which it no longer counts.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from leadtime.foundation import keys as crypto
from leadtime.foundation.digests import canonical_json
from leadtime.foundation.errors import Malformed, Missing, Refused
from leadtime.foundation.strict_json import Json, JsonBounds, read_json
from leadtime.ledger.disk import FileDisk
from leadtime.ledger.notes import Algorithm, Signature, VerifierKey, parse_verifier_key, sign_text
from leadtime.ledger.records import Log

KEYS = "keys"
SIGNERS = "signers.json"
SIGNERS_MAX = 8
KEYS_BYTES_MAX = 16_384

_UNTIL = " until "
_BOUNDS = JsonBounds(bytes_max=KEYS_BYTES_MAX, depth_max=3, values_max=64)


@dataclass(frozen=True, slots=True)
class DatedKey:
    """A verifier key, and from when on it no longer counts; None: it is the one in use."""

    key: VerifierKey
    until: datetime | None


@dataclass(frozen=True, slots=True, repr=False)
class Signer:
    """One signing key of a log; ``until`` is None for the one in use."""

    origin: str
    signing_key: bytes
    until: datetime | None = None

    @property
    def key(self) -> VerifierKey:
        """Return what others verify with."""
        return VerifierKey(self.origin, Algorithm.ED25519, crypto.public_key_of(self.signing_key))

    def sign(self, text: str) -> Signature:
        """Return this key's signature of a checkpoint's text."""
        return sign_text(text, name=self.origin, signing_key=self.signing_key)


def signers_home(home: Path, log: Log) -> FileDisk:
    """Return where the signing keys of ``log`` lie in an installation's home."""
    return FileDisk(home / "keys" / "ledger" / log.name, mode=0o600)


def make_signers(disk: FileDisk, log: Log) -> tuple[Signer, ...]:
    """Return a log's signers, making the first one if there is none."""
    try:
        return read_signers(disk, log)
    except Missing:
        disk.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        signers = (Signer(log.origin, crypto.new_signing_key()),)
        _keep(disk, signers)
        return signers


def read_signers(disk: FileDisk, log: Log) -> tuple[Signer, ...]:
    """Return a log's signers, the one in use first; raises `Missing` if none was made, `Malformed` if damaged."""
    document = read_json(disk.read(SIGNERS), _BOUNDS)
    rows = document if isinstance(document, list) else []
    signers = tuple(_signer_of(row, log.origin) for row in rows)
    if not signers or signers[0].until is not None:
        raise _damaged()
    return signers


def rotate(disk: FileDisk, log: Log, *, now: datetime, until: datetime) -> tuple[Signer, ...]:
    """Make a new signing key; the one in use signs beside it until ``until``. Return the signers, the new one first.

    Raises `Refused` for an instant that is past, or while too many old keys still sign.
    """
    kept = [each for each in make_signers(disk, log) if each.until is None or each.until > now]
    if until <= now:
        raise Refused("both keys have to sign for a while", where="until", next_step="Name a later instant.")
    if len(kept) >= SIGNERS_MAX:
        raise Refused(f"{SIGNERS_MAX} keys sign this log already", where="keys", next_step="Wait until some expired.")
    dated = [replace(each, until=until) if each.until is None else each for each in kept]
    signers = (Signer(log.origin, crypto.new_signing_key()), *dated)
    _keep(disk, signers)
    return signers


def signing_at(signers: Sequence[Signer], now: datetime) -> tuple[Signer, ...]:
    """Return those that sign at ``now``."""
    return tuple(each for each in signers if each.until is None or each.until > now)


def publish_keys(signers: Sequence[Signer]) -> bytes:
    """Return the content of the log's file ``keys``."""
    lines = [str(each.key) + (f"{_UNTIL}{each.until.isoformat()}" if each.until else "") for each in signers]
    return "".join(f"{line}\n" for line in lines).encode()


def parse_keys(raw: bytes) -> tuple[DatedKey, ...]:
    """Return the keys that a log's file ``keys`` lists; raises `Malformed` for anything else."""
    if len(raw) > KEYS_BYTES_MAX:
        raise Malformed(f"the list of keys is larger than {KEYS_BYTES_MAX} bytes", where=KEYS)
    lines = [line for line in raw.decode("utf-8", "replace").split("\n") if line]
    if not 1 <= len(lines) <= SIGNERS_MAX:
        raise Malformed(f"the list of keys has not between 1 and {SIGNERS_MAX} lines", where=KEYS)
    return tuple(_dated_key(line) for line in lines)


def counting_at(keys: Sequence[DatedKey], now: datetime) -> tuple[VerifierKey, ...]:
    """Return the keys that count at ``now``."""
    return tuple(each.key for each in keys if each.until is None or each.until > now)


def _dated_key(line: str) -> DatedKey:
    key, _, until = line.partition(_UNTIL)
    try:
        return DatedKey(parse_verifier_key(key), datetime.fromisoformat(until).astimezone(UTC) if until else None)
    except ValueError:
        raise Malformed("a key's last instant is not one", where=KEYS) from None


def _keep(disk: FileDisk, signers: Sequence[Signer]) -> None:
    rows = [
        {
            "seed": base64.b64encode(each.signing_key).decode(),
            "until": each.until.isoformat() if each.until else None,
        }
        for each in signers
    ]
    disk.replace(SIGNERS, canonical_json(rows))


def _signer_of(row: Json, origin: str) -> Signer:
    try:
        if isinstance(row, dict) and isinstance(row["seed"], str):
            until = datetime.fromisoformat(str(row["until"])) if row["until"] else None
            seed = base64.b64decode(row["seed"], validate=True)
            if len(seed) == crypto.KEY_BYTES and (until is None or until.tzinfo is not None):
                return Signer(origin, seed, until)
    except (KeyError, ValueError, binascii.Error):
        pass
    raise _damaged()


def _damaged() -> Malformed:
    return Malformed("a log's signing keys are damaged", where=SIGNERS, next_step="Restore them from their backup.")
