"""What a check says about one rule that failed."""

from __future__ import annotations

from dataclasses import dataclass

MESSAGE_CHARS_MAX = 300
"""A message may quote the document, and so an attacker, at any length."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One rule that failed: its name in the standard, the place (JSON Pointer, RFC 6901) and what is wrong there."""

    rule: str
    where: str
    what: str


def failure(rule: str, where: str, what: str) -> Failure:
    """Return a failure whose message is cut to a length that a person reads."""
    return Failure(rule, where[:MESSAGE_CHARS_MAX], what[:MESSAGE_CHARS_MAX])
