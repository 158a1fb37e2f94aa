"""Change one thing of an input that is no text: a bit, a number of some width, a block; pure."""

from __future__ import annotations

import random
import struct
from collections.abc import Mapping

BLOCK_MAX = 64
REPEATS_MAX = 16
WIDTHS: Mapping[int, str] = {1: "B", 2: "H", 4: "I", 8: "Q"}


def flip_bit(content: bytes, chance: random.Random) -> bytes | None:
    """Flip one bit."""
    if not content:
        return None
    at = chance.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :]


def delete_block(content: bytes, chance: random.Random) -> bytes | None:
    """Take a block away."""
    if not content:
        return None
    at, end = block(len(content), chance)
    return content[:at] + content[end:]


def repeat_block(content: bytes, chance: random.Random) -> bytes | None:
    """Write a block again behind itself, once or more often."""
    if not content:
        return None
    at, end = block(len(content), chance)
    return content[:end] + content[at:end] * times(chance) + content[end:]


def edge_integer(content: bytes, chance: random.Random) -> bytes | None:
    """Put a number at the edge of its width, or beside what it was, where a number of 1 to 8 bytes may stand."""
    width = chance.choice([width for width in WIDTHS if width <= len(content)] or [0])
    if not width:
        return None
    at = chance.randrange(len(content) - width + 1)
    form = chance.choice("<>") + WIDTHS[width]
    (was,) = struct.unpack(form, content[at : at + width])
    top = 1 << 8 * width
    value = chance.choice([0, 1, top - 1, top // 2, top // 2 - 1, was + 1, was - 1, was * 2]) % top
    return content[:at] + struct.pack(form, value) + content[at + width :]


def copy_block(content: bytes, chance: random.Random) -> bytes | None:
    """Write one block of the input over another place of it."""
    if not content:
        return None
    at, end = block(len(content), chance)
    to = chance.randrange(len(content))
    return content[:to] + content[at:end] + content[to + end - at :]


def block(length: int, chance: random.Random) -> tuple[int, int]:
    """Return where a block begins and ends, at least one long."""
    at = chance.randrange(length)
    return at, min(length, at + chance.choice([1, 2, 4, chance.randint(1, BLOCK_MAX)]))


def times(chance: random.Random) -> int:
    """Return how often something is written again: mostly once."""
    return chance.choice([1, 1, 2, REPEATS_MAX])
