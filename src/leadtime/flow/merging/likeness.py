"""What two reports may say alike before anything is run: the same input, the same place, the same words. Pure.

A claim is its finder's word, so none joins anything: claims lead a coordinator's suggestions (`read_alike`). Words are
compared by MinHash (Broder 1997) in bands: two texts meet with a chance of 1 - (1 - s^4)^4, where s is the share of the
runs of three words that they have in common: 0.97 at 0.9, 0.65 at 0.7, 0.23 at 0.5, 0.03 at 0.3.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from leadtime.flow.intake import NamedFile
from leadtime.flow.merging.fingerprints import LINES_STEP, Clue, file_path, function_name, weakness_family
from leadtime.flow.merging.records import LinkKind

WORDS_MAX = 2_000
"""Words of a text that are looked at; the rest of a longer one says nothing."""

WORDS_MIN = 12
"""A text with fewer words is a phrase that anybody would write."""

WORD_CHARS_MAX = 64
RUN_WORDS = 3
BANDS, BAND_ROWS = 4, 4
_ROWS = struct.Struct(f"<{BANDS * BAND_ROWS}I")

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that a report says of one ``project``; two reports that say the same of it may be one flaw."""

    kind: LinkKind
    project: str
    said: tuple[str | int, ...]


def claims_of(project: str, clues: Iterable[Clue], text: str, ran: NamedFile | None) -> tuple[Claim, ...]:
    """Return what a report claims, each once: of its input, of places with a weakness, and its words; none of nothing.

    ``ran`` is the input that its reproducer feeds to the project.
    """
    if not project:
        return ()
    digests = [hashlib.sha256(ran.content).hexdigest()] if ran is not None and ran.content else []
    found = [
        *(Claim(LinkKind.SAME_INPUT, project, (digest,)) for digest in digests),
        *(Claim(LinkKind.SAME_PLACE, project, said) for clue in clues for said in places_of(clue)),
        *(Claim(LinkKind.LIKE_WORDS, project, band) for band in bands_of(text)),
    ]
    return tuple(dict.fromkeys(found))


def places_of(clue: Clue) -> tuple[tuple[str | int, ...], ...]:
    """Return the places that a clue names together with a kind of weakness: a file's function, and windows of lines.

    A file counts by its name, since folders differ between checkouts; lines up to `LINES_STEP` apart share a window.
    """
    file, function = file_path(clue.file).rpartition("/")[2], function_name(clue.function)
    weakness = weakness_family(clue.weakness)
    if not file or not weakness:
        return ()
    found: list[tuple[str | int, ...]] = [("function", file, function, weakness)] if function else []
    if clue.line is not None:
        window = clue.line // LINES_STEP
        found += [("lines", file, begin, weakness) for begin in (window - 1, window)]
    return tuple(found)


def bands_of(text: str) -> tuple[tuple[int, ...], ...]:
    """Return a text's bands, each with its number first; none for a text of less than `WORDS_MIN` words."""
    words = [
        word[0][:WORD_CHARS_MAX] for word, _ in zip(_WORD.finditer(text.casefold()), range(WORDS_MAX), strict=False)
    ]
    if len(words) < WORDS_MIN:
        return ()
    runs = {" ".join(words[begin : begin + RUN_WORDS]) for begin in range(len(words) - RUN_WORDS + 1)}
    hashed = (_ROWS.unpack(hashlib.blake2b(run.encode(), digest_size=_ROWS.size).digest()) for run in runs)
    least = tuple(map(min, zip(*hashed, strict=True)))
    return tuple((band, *least[band * BAND_ROWS : (band + 1) * BAND_ROWS]) for band in range(BANDS))
