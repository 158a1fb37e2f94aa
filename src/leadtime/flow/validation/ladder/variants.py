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
from leadtime.foundation.digests import digest_of

INPUT_BYTES_MAX = 1 << 20
"""A variant is no larger, unless the input itself is."""

TRIES_WITHOUT_NEWS_MAX = 500
"""How often in a row nothing new may come out before it is given up."""

PARTS_MAX = 64
"""Of how many parts of an input it is asked which may change."""

TRIES_A_PART = 3
"""How often one part is changed by itself, each time otherwise, before it is left as it is."""

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
    ("number changed", of_text.change_number),
    ("word renamed", of_text.rename_word),
    ("group nested", of_text.nest_group),
    ("character changed", of_text.change_character),
    ("token copied", of_text.copy_token),
    ("token repeated", of_text.repeat_token),
    ("token deleted", of_text.delete_token),
    ("group unnested", of_text.unnest_group),
    ("line repeated", of_text.repeat_line),
    ("space widened", of_text.widen_space),
)
"""In turn, so that no kind crowds out the others; first what leads away from the input soonest."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """An input like a known one, and what was done to it."""

    kind: str
    content: bytes


def mutants(given: bytes, chance: random.Random, pool: Sequence[bytes]) -> Iterator[Mutant]:
    """Yield inputs like ``given``, each once and none of them ``given`` itself.

    Whatever the caller puts into ``pool`` meanwhile is changed further. First as much of the input as may change is
    changed, so that little is left in it to be known by; then one thing at a time, the kinds of change in turn. It ends
    where nothing new comes out.
    """
    seen = {digest_of(given)}
    bytes_max = max(INPUT_BYTES_MAX, len(given))
    tries_left = TRIES_WITHOUT_NEWS_MAX
    for mutant in itertools.chain(_apart(given, chance, pool), _near(given, chance, pool)):
        tries_left -= 1
        if mutant is not None and len(mutant.content) <= bytes_max and (name := digest_of(mutant.content)) not in seen:
            seen.add(name)
            tries_left = TRIES_WITHOUT_NEWS_MAX
            yield mutant
        if tries_left == 0:
            return


def _apart(given: bytes, chance: random.Random, pool: Sequence[bytes]) -> Iterator[Mutant | None]:
    """Yield the input with all of its parts changed, then half of them, and so on; what is taken up stays changed."""
    parts = _parts(given)
    change = of_text.change_part if of_text.is_text(given) else of_bytes.flip_bit
    able = [at for at, part in enumerate(parts) if change(part, chance) is not None]
    waiting = [(chance.sample(able, min(len(able), PARTS_MAX)), TRIES_A_PART)]
    while waiting:
        group, tries_left = waiting.pop(0)
        fresh = [(change(part, chance) or part) if at in group else part for at, part in enumerate(parts)]
        content = b"".join(fresh)
        yield Mutant("parts changed", content)
        if pool and pool[-1] == content:
            parts = fresh
        elif len(group) > 1:
            half = len(group) // 2
            waiting += [(group[:half], TRIES_A_PART), (group[half:], TRIES_A_PART)]
        elif tries_left > 1:
            waiting.append((group, tries_left - 1))


def _parts(content: bytes) -> list[bytes]:
    if of_text.is_text(content):
        return [token.encode() for token in of_text.tokens_of(content)]
    size = max(1, len(content) // PARTS_MAX)
    return [content[at : at + size] for at in range(0, len(content), size)]


def _near(given: bytes, chance: random.Random, pool: Sequence[bytes]) -> Iterator[Mutant | None]:
    """Yield inputs with one thing changed: of the input, of the last in the pool, or of any in it."""
    for number in itertools.count():
        base = chance.choice([given, pool[-1], chance.choice(pool)]) if pool else given
        kinds = kinds_for(base)
        kind, mutate = kinds[number % len(kinds)]
        content = mutate(base, chance)
        yield Mutant(kind, content) if content is not None else None


def kinds_for(content: bytes) -> Sequence[tuple[str, Mutate]]:
    """Return what can be done to an input: to text what leaves it text, to anything else what changes bytes."""
    return TEXT_KINDS if of_text.is_text(content) else BYTE_KINDS
