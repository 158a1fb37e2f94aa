"""Bounds of private matching; each name ends in its unit."""

from __future__ import annotations

ELEMENT_BYTES = 32
"""An element is a digest: equal things, equal bytes, and nothing of them to be read."""

ASKED_MIN = 8
"""A request holds at least so many elements, filled up with random ones."""

ASKED_MAX = 1_024
"""Elements of one request; always a power of two."""

HELD_MIN = 1_024
"""A set is filled up with random elements to at least so many, and else to the next power of two."""

HELD_MAX = 1 << 20
"""Elements of a set before it is filled up: about three minutes of one core to prepare."""

FALSE_MATCH_MAX = 1e-9
"""Chance that a whole request of `ASKED_MAX` elements that are not held comes back with any match."""

POINT_BYTES = 33
"""A compressed point of P-256."""

REQUEST_BYTES_MAX = 64 << 10
ANSWER_BYTES_MAX = 12 << 20
