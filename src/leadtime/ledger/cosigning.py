"""Asking a witness for its cosignature, from the log's side (c2sp.org/tlog-witness)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from threading import Lock, Thread
from typing import Protocol

from leadtime.foundation.errors import LeadtimeError, Malformed, Unavailable
from leadtime.ledger.checkpoints import Checkpoint
from leadtime.ledger.cosignatures import cosigned_by
from leadtime.ledger.notes import Note, Signature, VerifierKey, parse_signatures, signatures_by
from leadtime.ledger.records import TreeHead
from leadtime.ledger.tree import EMPTY_ROOT, Nodes, prove_consistency, root_at
from leadtime.ledger.witness import Submission, WitnessAnswer

TRIES_MAX = 3
"""One with what we believe the witness to know, one with what it says, one if another submission came between."""

ANSWER_BYTES_MAX = 16_384
ANSWER_SECONDS_MAX = 1.0
"""For all tries together, to the last byte: a checkpoint is to be out 2 s after its leaves were committed."""

REST_SECONDS = 10
"""A witness that did not answer is left alone for so long, so that its silence does not delay every checkpoint."""

NOTHING = TreeHead(0, EMPTY_ROOT)

_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n\Z")


class Cosigner(Protocol):
    """A witness that can be asked: in this process (`witness.Witness`) or over HTTP."""

    @property
    def key(self) -> VerifierKey:
        """The key that its cosignatures verify under."""
        ...

    def add_checkpoint(self, request: bytes) -> WitnessAnswer:
        """Submit a checkpoint; raises `Unavailable` if no answer comes in time."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking one witness: a cosignature; or the larger size it knows; or a dispute; or a problem (why).

    ``silent``: the problem is that no answer came, whichever log had asked.
    """

    witness: VerifierKey
    signature: Signature | None = None
    ahead: int = 0
    disputed: bool = False
    problem: str = ""
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Resting:
    """Which witnesses are left alone for a while: one for all logs, so that a silent one is waited for only once.

    ``until``: by a witness's public key and a log's origin, which is empty where it answers no log.
    """

    until: dict[tuple[bytes, str], datetime] = field(default_factory=dict)

    def begin(self, asked: Asked, origin: str, now: datetime) -> None:
        """Leave a witness alone: for every log if it was silent, for this one if its answer was of no use."""
        self.until[asked.witness.public, "" if asked.silent else origin] = now + timedelta(seconds=REST_SECONDS)

    def is_over(self, witness: VerifierKey, origin: str, now: datetime) -> bool:
        """Tell whether a log may ask a witness at ``now``."""
        return all(self.until.get((witness.public, each), now) <= now for each in ("", origin))


def ask_all(
    witnesses: Sequence[Cosigner], note: Note, checkpoint: Checkpoint, nodes: Nodes, known: Mapping[bytes, TreeHead]
) -> tuple[Asked, ...]:
    """Ask witnesses at once; ``known`` is what each (by public key) was seen to cosign last.

    Who has not answered after `ANSWER_SECONDS_MAX` is silent: what it sends later is not taken.
    """
    proving = Lock()
    asks = [_Ask(each, note, checkpoint, nodes, proving, known.get(each.key.public, NOTHING)) for each in witnesses]
    answers = [_start(each) for each in asks]
    wait(answers, timeout=ANSWER_SECONDS_MAX)
    return tuple(
        answer.result() if answer.done() else Asked(ask.witness.key, problem="no answer came in time", silent=True)
        for ask, answer in zip(asks, answers, strict=True)
    )


def _start(ask: _Ask) -> Future[Asked]:
    """Ask in a thread that neither a turn nor the end of this process waits for."""
    answer: Future[Asked] = Future()

    def run() -> None:
        try:
            answer.set_result(ask.run())
        except BaseException as problem:  # noqa: BLE001  # raised where the answer is read
            answer.set_exception(problem)

    Thread(target=run, daemon=True).start()
    return answer


@dataclass(slots=True)
class _Ask:
    witness: Cosigner
    note: Note
    checkpoint: Checkpoint
    nodes: Nodes
    proving: Lock
    cosigned: TreeHead
    old: int = 0

    def run(self) -> Asked:
        key, self.old = self.witness.key, self.cosigned.size
        for _ in range(TRIES_MAX):
            if self.old > self.checkpoint.size:
                return Asked(key, ahead=self.old)
            answer = self._submit()
            if isinstance(answer, Asked):
                return answer
            if answer.status == HTTPStatus.OK:
                return self._take(answer.body)
            size = _SIZE.match(answer.body) if answer.status == HTTPStatus.CONFLICT else None
            if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY or (size and int(size[1]) == self.old):
                return self._dispute()
            if size is None:
                return Asked(key, problem=f"it answered {int(answer.status)}")
            self.old = int(size[1])
        return Asked(key, problem="what it knows changes with every answer")

    def _submit(self) -> WitnessAnswer | Asked:
        """Return the witness's answer, or why there is none."""
        try:
            with self.proving:  # a tree that reads tiles is not for several threads
                proof = prove_consistency(self.nodes, self.old, self.checkpoint.size)
        except LeadtimeError as problem:
            return Asked(self.witness.key, problem=problem.what)
        try:
            return self.witness.add_checkpoint(Submission(self.old, proof, self.note).raw)
        except LeadtimeError as problem:
            return Asked(self.witness.key, problem=problem.what, silent=isinstance(problem, Unavailable))

    def _dispute(self) -> Asked:
        """Return the dispute; one about the very history that the witness cosigned, or about none, is its own fault."""
        key = self.witness.key
        with self.proving:
            itself = self.old == self.cosigned.size and root_at(self.nodes, self.old) == self.cosigned.root
        return Asked(key, problem="it disputes what it cosigned itself") if itself else Asked(key, disputed=True)

    def _take(self, body: bytes) -> Asked:
        """Return the cosignature in an answer; one that does not verify is none."""
        key = self.witness.key
        try:
            if len(body) > ANSWER_BYTES_MAX:
                raise Malformed("its answer is too large", where="add-checkpoint")
            note = Note(self.note.text, parse_signatures(body.decode()))
            cosigned_by(note, [key])
        except (LeadtimeError, UnicodeDecodeError):
            return Asked(key, problem="its answer is no cosignature")
        for _, signature in signatures_by(note, [key]):
            return Asked(key, signature=signature)
        return Asked(key, problem="its answer is no cosignature")


def refuse_silence(asked: Sequence[Asked]) -> None:
    """Raise `Unavailable` if there are witnesses and not one answered."""
    if asked and all(each.problem for each in asked):
        raise Unavailable(
            f"no witness answers ({asked[0].problem}), so nothing is signed until one says what it saw last",
            where=asked[0].witness.name,
            next_step="Start it, or take it from the list of witnesses.",
        )
