"""Inputs like a given one, one after the other: pure, and the same for the same chance.

Each is a known input with one thing changed, in the manner of fuzzers' mutators (AFL's havoc stage, libFuzzer's
``MutationDispatcher``). Nothing here looks for a better crash, only for the same one by another input.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from leadtime.flow.validation.ladder import byte_mutators as of_bytes
from leadtime.flow.validation.ladder import text_mutators as of_text

INPUT_BYTES_MAX = 1 << 20
"""A variant is no larger, unless the input itself is."""

TRIES_WITHOUT_NEWS_MAX = 500
"""How often in a row nothing new may come out before it is given up."""

Mutate = Callable[[bytes, random.Random], bytes | None]
"""Changes one thing; None where there is nothing of its kind to change."""

BYTE_KINDS: Sequence[tuple[str, Mutate]] = (
    ("bit flipped", of_bytes.flip_bit),
    ("integer at an edge", of_bytes.edge_integer),
    ("block repeated", of_bytes.repeat_block),
    ("block deleted", of_bytes.delete_block),
    ("block copied", of_bytes.copy_block),
)
TEXT_KINDS: Sequence[tuple[str, Mutate]] = (
    ("space widened", of_text.widen_space),
    ("character changed", of_text.change_character),
    ("number changed", of_text.change_number),
    ("token repeated", of_text.repeat_token),
    ("word renamed", of_text.rename_word),
    ("group nested", of_text.nest_group),
    ("token copied", of_text.copy_token),
    ("line repeated", of_text.repeat_line),
    ("token deleted", of_text.delete_token),
    ("group unnested", of_text.unnest_group),
)
"""In turn, so that no kind crowds out the others."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """An input like a known one, and what was done to it."""

    kind: str
    content: bytes


def mutants(given: bytes, chance: random.Random, pool: Sequence[bytes]) -> Iterator[Mutant]:
    """Yield inputs like ``given``, each once and none of them ``given`` itself, the kinds of change in turn.

    What the caller puts into ``pool`` meanwhile is changed further, too. It ends where nothing new comes out.
    """
    seen = {given}
    bytes_max = max(INPUT_BYTES_MAX, len(given))
    tries_left = TRIES_WITHOUT_NEWS_MAX
    for number in itertools.count():
        base = chance.choice([given, *pool])
        kinds = kinds_for(base)
        kind, mutate = kinds[number % len(kinds)]
        content = mutate(base, chance)
        tries_left -= 1
        if content is not None and content not in seen and len(content) <= bytes_max:
            seen.add(content)
            tries_left = TRIES_WITHOUT_NEWS_MAX
            yield Mutant(kind, content)
        if tries_left == 0:
            return


def kinds_for(content: bytes) -> Sequence[tuple[str, Mutate]]:
    """Return what can be done to an input: to text what leaves it text, to anything else what changes bytes."""
    return TEXT_KINDS if of_text.is_text(content) else BYTE_KINDS
