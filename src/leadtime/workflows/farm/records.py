"""What the farm is made of: a runner's keys, a runner as the installation knows it."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self
from uuid import UUID

from leadtime.foundation.errors import Malformed

KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class PublicKeys:
    """What one end shows the other: the key that is sealed to (X25519), and the one that it signs with (Ed25519)."""

    sealing: bytes
    signing: bytes

    def as_text(self) -> str:
        """Return both as one word."""
        return base64.urlsafe_b64encode(self.sealing + self.signing).decode()

    @classmethod
    def from_text(cls, text: str, *, where: str) -> Self:
        """Return the keys that `as_text` wrote; raises `Malformed` for anything else."""
        try:
            raw = base64.b64decode(text, altchars=b"-_", validate=True)
        except ValueError:
            raw = b""
        if len(raw) != 2 * KEY_BYTES:
            raise Malformed("this is not a public key", where=where, next_step="Copy it whole from the other host.")
        return cls(raw[:KEY_BYTES], raw[KEY_BYTES:])


class What(StrEnum):
    """What a runner is to do with what it is given."""

    PROVE = "prove"
    SURVEY = "survey"
    JUDGE = "judge"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a runner: for which entity, at which attempt (a higher one counts), what, by which message."""

    entity: UUID
    attempt: int
    what: What
    message: bytes


@dataclass(frozen=True, slots=True)
class Runner:
    """A runner that was admitted; ``silent_seconds``: since it was last heard of, None if it never was.

    ``unopened_at``: when it could not open what was sealed to it, None if it has opened a run since.
    """

    name: str
    role: str
    keys: PublicKeys
    added_at: datetime
    slots: int
    silent_seconds: float | None
    runs: int
    unopened_at: datetime | None
