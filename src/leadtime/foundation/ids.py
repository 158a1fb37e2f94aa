"""Ids that sort by time: UUID version 7 (RFC 9562, section 5.7)."""

from __future__ import annotations

import secrets
from datetime import datetime
from uuid import UUID

from leadtime.foundation.errors import Malformed


def new_id(at: datetime) -> UUID:
    """Return a fresh UUIDv7 whose first 48 bits are ``at`` in milliseconds and whose rest cannot be guessed."""
    milliseconds = int(at.timestamp() * 1000) & ((1 << 48) - 1)
    chance = secrets.randbits(74)
    value = milliseconds << 80 | 0x7 << 76 | (chance >> 62) << 64 | 0b10 << 62 | chance & ((1 << 62) - 1)
    return UUID(int=value)


def parse_id(text: str, *, where: str) -> UUID:
    """Return the UUID that ``text`` spells, or raise `Malformed` naming ``where``."""
    try:
        return UUID(text)
    except ValueError:
        raise Malformed(
            "this is not an id", where=where, next_step="Copy the id from the receipt or the page."
        ) from None
