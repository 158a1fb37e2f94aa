"""The two messages of a run: what to run, sealed to one runner, and what it came to, sealed to the installation. Pure.

Each is signed by its sender inside the seal, and bound to the run, the runner and the direction, so that none can be
opened by, replayed to, or attributed to anybody else, whoever writes into the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from leadtime.foundation.errors import Malformed
from leadtime.foundation.keys import (
    KeyRing,
    new_opening_key,
    new_signing_key,
    open_sealed,
    public_key_of,
    seal_to,
    sealing_key_of,
    sign,
    verify,
)
from leadtime.workflows.farm.records import KEY_BYTES, PublicKeys

RUN, ANSWER = "leadtime.run/1", "leadtime.run-answer/1"
SIGNATURE_BYTES = 64


@dataclass(frozen=True, slots=True, repr=False)
class OwnKeys:
    """One end's secret keys: the one that opens, the one that signs."""

    opening: bytes
    signing: bytes

    @property
    def public(self) -> PublicKeys:
        """Return what the other end is shown."""
        return PublicKeys(sealing_key_of(self.opening), public_key_of(self.signing))

    def as_bytes(self) -> bytes:
        """Return both, as they lie in a file."""
        return self.opening + self.signing


def new_keys() -> OwnKeys:
    """Return fresh keys."""
    return OwnKeys(new_opening_key(), new_signing_key())


def read_own(raw: bytes, *, where: str) -> OwnKeys:
    """Return the keys that `OwnKeys.as_bytes` spelt; raises `Malformed` for anything else."""
    if len(raw) != 2 * KEY_BYTES:
        raise Malformed("a key file is damaged", where=where, next_step="Make a new key and have it admitted.")
    return OwnKeys(raw[:KEY_BYTES], raw[KEY_BYTES:])


def keys_of(ring: KeyRing) -> OwnKeys:
    """Return an installation's keys as this end."""
    return OwnKeys(ring.opening_key, ring.signing)


def close(kind: str, content: bytes, *, run: UUID, role: str, by: OwnKeys, to: PublicKeys) -> bytes:
    """Return a message of ``kind`` (`RUN`, `ANSWER`) about a run of the runner ``role``: signed, then sealed."""
    context = _context(kind, run, role)
    return seal_to(to.sealing, sign(by.signing, context.encode() + b"\0" + content) + content, context=context)


def open_up(kind: str, message: bytes, *, run: UUID, role: str, by: PublicKeys, to: OwnKeys) -> bytes:
    """Return what `close` closed; raises `Malformed` if kind, run, runner, sender, receiver or a bit differs."""
    context = _context(kind, run, role)
    signed = open_sealed(to.opening, message, context=context)
    signature, content = signed[:SIGNATURE_BYTES], signed[SIGNATURE_BYTES:]
    if not verify(by.signing, context.encode() + b"\0" + content, signature):
        raise Malformed("a sealed message is not signed by whom it names", where=kind, next_step="Look at who sent it.")
    return content


def _context(kind: str, run: UUID, role: str) -> str:
    return f"{kind}:{run}:{role}"
