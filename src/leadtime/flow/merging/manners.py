"""How a program fails: crashes, hangs and recursions are compared each among themselves."""

from __future__ import annotations

from enum import StrEnum


class Manner(StrEnum):
    """How a program fails; evidence of one manner is never compared with another's."""

    CRASH = "crash"
    HANG = "hang"
    RECURSION = "recursion"


RECURSIONS = ("stack-overflow", "recursionerror", "java.lang.stackoverflowerror")
MANNERS = {**dict.fromkeys(("timeout", "hang"), Manner.HANG), **dict.fromkeys(RECURSIONS, Manner.RECURSION)}
"""Crash class (lower case) -> manner; every other class is a crash."""


def manner_of(crash_class: str) -> Manner:
    """Return how a program fails whose crash is of this class."""
    return MANNERS.get(crash_class.lower(), Manner.CRASH)
