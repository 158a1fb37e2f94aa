"""Change one thing of an input that is text: numbers, words, brackets, lines; pure.

It stays text, and most of it what a parser expects, so that it gets as far as the input did that it was made of.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping

from leadtime.flow.validation.ladder.byte_mutators import BLOCK_MAX, block, times

TOKENS_MAX = 20_000
BRACKETS: Mapping[str, str] = {"(": ")", "[": "]", "{": "}"}
_TEXT = re.compile(rb"[\t\n\r\x20-\x7e\x80-\xff]*\Z")
_TOKEN = re.compile(r"\d+|\w+|\s+|[^\w\s]")
_NUMBER = re.compile(r"[0-9]{1,30}")


def is_text(content: bytes) -> bool:
    """Tell whether an input is UTF-8 without control characters but tabs and ends of lines."""
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return _TEXT.match(content) is not None


def change_part(content: bytes, chance: random.Random) -> bytes | None:
    """Change a token by itself: another number for a number, other letters for a word; None for anything else."""
    return change_number(content, chance) or change_character(content, chance)


def change_number(content: bytes, chance: random.Random) -> bytes | None:
    """Put another number where one stands in decimal: an edge, or something near it."""
    tokens = tokens_of(content)
    places = [at for at, token in enumerate(tokens) if _NUMBER.fullmatch(token)]
    if not places:
        return None
    at = chance.choice(places)
    was = int(tokens[at])
    edges = [0, 1, was + 1, abs(was - 1), was * 2, was // 2, was + chance.randrange(1, 1000), 2**15, 2**16, 2**31 - 1]
    return _with(tokens, at, str(chance.choice(edges)))


def change_character(content: bytes, chance: random.Random) -> bytes | None:
    """Put another letter where a letter stands, or another digit for a digit."""
    text = content.decode()
    places = [at for at, letter in enumerate(text) if letter.isascii() and letter.isalnum()]
    if not places:
        return None
    at = chance.choice(places)
    letters = "0123456789" if text[at].isdigit() else "abcdefghijklmnopqrstuvwxyz"
    fresh = chance.choice(letters)
    return (text[:at] + (fresh.upper() if text[at].isupper() else fresh) + text[at + 1 :]).encode()


def rename_word(content: bytes, chance: random.Random) -> bytes | None:
    """Write a word differently wherever it stands."""
    tokens = tokens_of(content)
    words = sorted({token for token in tokens if token[0].isalpha()})
    if not words:
        return None
    word = chance.choice(words)
    fresh = chance.choice([f"{word}x", f"x{word}", word.swapcase(), word[::-1]])
    return "".join(fresh if token == word else token for token in tokens).encode()


def repeat_token(content: bytes, chance: random.Random) -> bytes | None:
    """Write some tokens again behind themselves, once or more often."""
    tokens = tokens_of(content)
    if not tokens:
        return None
    at, end = block(len(tokens), chance)
    return "".join((*tokens[:end], *tokens[at:end] * times(chance), *tokens[end:])).encode()


def delete_token(content: bytes, chance: random.Random) -> bytes | None:
    """Take some tokens away."""
    tokens = tokens_of(content)
    if not tokens:
        return None
    at, end = block(len(tokens), chance)
    return "".join((*tokens[:at], *tokens[end:])).encode()


def copy_token(content: bytes, chance: random.Random) -> bytes | None:
    """Put a token of the input where another one stands."""
    tokens = tokens_of(content)
    return _with(tokens, chance.randrange(len(tokens)), chance.choice(tokens)) if tokens else None


def nest_group(content: bytes, chance: random.Random) -> bytes | None:
    """Put a bracketed group into brackets of its own kind, or write it twice."""
    tokens = tokens_of(content)
    groups = _groups(tokens)
    if not groups:
        return None
    at, end = chance.choice(groups)
    group = tokens[at : end + 1]
    deeper = times(chance)
    fresh = chance.choice([[group[0]] * deeper + group + [group[-1]] * deeper, [*group, ",", *group]])
    return "".join((*tokens[:at], *fresh, *tokens[end + 1 :])).encode()


def unnest_group(content: bytes, chance: random.Random) -> bytes | None:
    """Take the brackets of a group away, or the group."""
    tokens = tokens_of(content)
    groups = _groups(tokens)
    if not groups:
        return None
    at, end = chance.choice(groups)
    inner = chance.choice([tokens[at + 1 : end], []])
    return "".join((*tokens[:at], *inner, *tokens[end + 1 :])).encode()


def widen_space(content: bytes, chance: random.Random) -> bytes | None:
    """Put white space between two tokens, or at the end."""
    tokens = tokens_of(content)
    at = chance.randrange(len(tokens) + 1)
    return "".join((*tokens[:at], chance.choice([" ", "\n", "\t", "  "]), *tokens[at:])).encode()


def repeat_line(content: bytes, chance: random.Random) -> bytes | None:
    """Write a line again behind itself, once or more often."""
    lines = content.splitlines(keepends=True)
    if not lines:
        return None
    at = chance.randrange(len(lines))
    return b"".join((*lines[: at + 1], *[lines[at]] * times(chance), *lines[at + 1 :]))


def tokens_of(content: bytes) -> list[str]:
    """Return a text's numbers, words, white space and other characters; blocks of it where they are too many."""
    text = content.decode()
    found = _TOKEN.findall(text)
    return found if len(found) <= TOKENS_MAX else [text[at : at + BLOCK_MAX] for at in range(0, len(text), BLOCK_MAX)]


def _with(tokens: list[str], at: int, fresh: str) -> bytes:
    return "".join((*tokens[:at], fresh, *tokens[at + 1 :])).encode()


def _groups(tokens: list[str]) -> list[tuple[int, int]]:
    """Return where each bracketed group begins and ends, as far as brackets match."""
    groups: list[tuple[int, int]] = []
    open_at: list[int] = []
    for at, token in enumerate(tokens):
        if token in BRACKETS:
            open_at.append(at)
        elif open_at and token == BRACKETS[tokens[open_at[-1]]]:
            groups.append((open_at.pop(), at))
    return groups
