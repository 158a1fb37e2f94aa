"""A witness (c2sp.org/tlog-witness): cosigns a log's checkpoint if, and only if, it grew from the last one it cosigned.

The decisions are pure; what is remembered lies behind `Memory`, which must be durable before an answer leaves.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from leadtime.foundation import keys as crypto
from leadtime.foundation.clock import Clock
from leadtime.foundation.errors import Conflict, Malformed, Refused
from leadtime.ledger.checkpoints import Checkpoint, parse_checkpoint
from leadtime.ledger.cosignatures import cosign
from leadtime.ledger.notes import NOTE_BYTES_MAX, Algorithm, Note, VerifierKey, parse_note, signed_by
from leadtime.ledger.tree import EMPTY_ROOT, HASH_BYTES, PROOF_HASHES_MAX, consistent

PLAIN = "text/plain; charset=utf-8"
SIZE_TYPE = "text/x.tlog.size"
REQUEST_BYTES_MAX = NOTE_BYTES_MAX + 4096
"""A note, the old size, and 63 lines of 45 bytes."""

_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})\Z")


@dataclass(frozen=True, slots=True)
class Submission:
    """One ``add-checkpoint`` request: the size the log believes the witness to know, the proof from it, the note."""

    old: int
    proof: tuple[bytes, ...]
    note: Note

    @property
    def raw(self) -> bytes:
        """Return the body of the request."""
        lines = [f"old {self.old}", *(base64.b64encode(each).decode() for each in self.proof), "", ""]
        return "\n".join(lines).encode() + self.note.raw


@dataclass(frozen=True, slots=True)
class WitnessAnswer:
    """What a witness answers: an HTTP status, the body and its type."""

    status: HTTPStatus
    body: bytes
    content_type: str = PLAIN


@dataclass(frozen=True, slots=True)
class Seen:
    """What a witness knows of a log: the size and root that it cosigned last."""

    size: int
    root: bytes


NOTHING_SEEN = Seen(0, EMPTY_ROOT)


class Memory(Protocol):
    """What a witness remembers, for each log."""

    def latest(self, origin: str) -> Seen:
        """Return what was cosigned last for ``origin``, `NOTHING_SEEN` at first."""
        ...

    def advance(self, origin: str, *, known: Seen, to: Seen) -> None:
        """Replace ``known`` by ``to`` in one step, durable on return; raises `Conflict` if it is not what is known."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class Witness:
    """A cosigner with its name and seed, and the keys of the logs that it watches, by their origins."""

    name: str
    signing_key: bytes
    logs: Mapping[str, Sequence[VerifierKey]]
    memory: Memory
    clock: Clock

    @property
    def key(self) -> VerifierKey:
        """Return what its cosignatures verify under."""
        return VerifierKey(self.name, Algorithm.COSIGNATURE, crypto.public_key_of(self.signing_key))

    def add_checkpoint(self, request: bytes) -> WitnessAnswer:
        """Answer one ``add-checkpoint`` request; never raises for what the request holds."""
        try:
            submission = parse_submission(request)
            checkpoint = parse_checkpoint(submission.note.text)
        except Malformed as problem:
            return _say(HTTPStatus.BAD_REQUEST, problem.what)
        keys = self.logs.get(checkpoint.origin)
        if keys is None:
            return _say(HTTPStatus.NOT_FOUND, "this witness does not watch that log")
        try:
            signed_by(submission.note, keys)
        except Refused as problem:
            return _say(HTTPStatus.FORBIDDEN, problem.what)
        known = self.memory.latest(checkpoint.origin)
        refusal = judge(submission, checkpoint, known)
        if refusal is not None:
            return refusal
        try:
            self.memory.advance(checkpoint.origin, known=known, to=Seen(checkpoint.size, checkpoint.root))
        except Conflict:
            return _behind(self.memory.latest(checkpoint.origin))
        line = cosign(submission.note.text, name=self.name, signing_key=self.signing_key, at=self.clock.now()).line
        return WitnessAnswer(HTTPStatus.OK, line.encode())


def judge(submission: Submission, checkpoint: Checkpoint, known: Seen) -> WitnessAnswer | None:
    """Return why a signed checkpoint is not cosigned by a witness that knows ``known``; None if it is."""
    if submission.old > checkpoint.size:
        return _say(HTTPStatus.BAD_REQUEST, "the old size is above the checkpoint's")
    if submission.old != known.size:
        return _behind(known)
    if checkpoint.size == known.size and checkpoint.root != known.root:
        return _behind(known)
    holds = consistent(
        submission.proof, old=known.size, old_root=known.root, new=checkpoint.size, new_root=checkpoint.root
    )
    return None if holds else _say(HTTPStatus.UNPROCESSABLE_ENTITY, "the consistency proof does not verify")


def parse_submission(request: bytes) -> Submission:
    """Return the request that ``request`` spells; raises `Malformed` for any other."""
    if len(request) > REQUEST_BYTES_MAX:
        raise _not_a_submission(f"it is larger than {REQUEST_BYTES_MAX} bytes")
    head, gap, note = request.partition(b"\n\n")
    first, *rest = head.decode("utf-8", "replace").split("\n")
    found = _OLD.match(first)
    if not gap or found is None:
        raise _not_a_submission("its first line is not an old size")
    if len(rest) > PROOF_HASHES_MAX:
        raise _not_a_submission(f"its proof is longer than {PROOF_HASHES_MAX} lines")
    return Submission(int(found[1]), tuple(_hash(line) for line in rest), parse_note(note))


def _hash(line: str) -> bytes:
    try:
        found = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if len(found) != HASH_BYTES:
        raise _not_a_submission("a line of its proof is not a hash")
    return found


def _behind(known: Seen) -> WitnessAnswer:
    return WitnessAnswer(HTTPStatus.CONFLICT, f"{known.size}\n".encode(), SIZE_TYPE)


def _say(status: HTTPStatus, sentence: str) -> WitnessAnswer:
    return WitnessAnswer(status, f"{sentence}\n".encode())


def _not_a_submission(why: str) -> Malformed:
    return Malformed(f"this is not a submission: {why}", where="add-checkpoint", next_step="See c2sp.org/tlog-witness.")
