"""Checkpoints (c2sp.org/tlog-checkpoint): the note that states a log's size and root. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass

from leadtime.foundation.errors import Malformed, Refused
from leadtime.ledger.notes import Note, VerifierKey, parse_note, signed_by
from leadtime.ledger.tree import HASH_BYTES, SIZE_MAX

LINES_MIN = 3
LINES_MAX = 16

_SIZE = re.compile(r"(?:0|[1-9][0-9]{0,18})\Z")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself: who it is (``origin``), how many leaves it has, and their root."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Return the text of its note."""
        root = base64.b64encode(self.root).decode()
        return "".join(f"{line}\n" for line in (self.origin, str(self.size), root, *self.extensions))


def parse_checkpoint(text: str) -> Checkpoint:
    """Return the checkpoint that a note's text states; raises `Malformed` for any other text.

    Its signatures have been checked already, or it is not to be believed.
    """
    lines = text.split("\n")
    if lines.pop() or not LINES_MIN <= len(lines) <= LINES_MAX or not all(lines):
        raise _not_a_checkpoint("it is not three or more lines")
    origin, size, root, *extensions = lines
    if not _SIZE.match(size) or int(size) >= SIZE_MAX:
        raise _not_a_checkpoint("its second line is not a size")
    try:
        decoded = base64.b64decode(root, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    checkpoint = Checkpoint(origin, int(size), decoded, tuple(extensions))
    if len(decoded) != HASH_BYTES or checkpoint.text != text:
        raise _not_a_checkpoint("its third line is not a root hash")
    return checkpoint


def open_checkpoint(raw: bytes, *, origin: str, keys: Iterable[VerifierKey]) -> tuple[Checkpoint, Note]:
    """Return a checkpoint of the log ``origin`` that one of ``keys`` signed, and its note.

    Raises `Malformed`, or `Refused` if no known key signed, one's signature fails, or it is another log's.
    """
    note = parse_note(raw)
    signed_by(note, keys)
    checkpoint = parse_checkpoint(note.text)
    if checkpoint.origin != origin:
        raise Refused("this checkpoint is of another log", where="origin", next_step="Check which log you ask.")
    return checkpoint, note


def _not_a_checkpoint(why: str) -> Malformed:
    return Malformed(f"this is not a checkpoint: {why}", where="checkpoint", next_step="Fetch it again.")
