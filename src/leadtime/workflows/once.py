"""One request, one effect: the answer to a key that a client chose is kept beside the effect, in its transaction.

A client that lost the answer asks again with the same key and gets the same answer; nothing is done twice
(the ``Idempotency-Key`` header, draft-ietf-httpapi-idempotency-key-header-07).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Column, Integer, LargeBinary, Uuid, delete, insert, select

from leadtime.foundation.access import Viewer
from leadtime.foundation.database import Transaction
from leadtime.foundation.database.schema import instant, own, sealed, table
from leadtime.foundation.digests import Digest
from leadtime.foundation.errors import Conflict, Malformed, Refused
from leadtime.foundation.keys import seal, unseal

KEY_CHARS_MAX = 200
ANSWERS_KEPT_DAYS = 7
"""How long the answer to a key can be asked for again."""

answers = table(
    "answers",
    Column("organisation", Uuid, primary_key=True),
    Column("key", LargeBinary, primary_key=True),
    Column("asked", LargeBinary, nullable=False),
    Column("status", Integer, nullable=False),
    sealed("body"),
    instant("answered_at"),
    visible=own(),
)
"""``key`` is the SHA-256 of person and key, ``asked`` a digest of the request; no body holds a secret."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered: an HTTP status and the bytes of the body."""

    status: int
    body: bytes


def find_answer(tx: Transaction, key: str, asked: Digest) -> Answer | None:
    """Return the answer that this person's key already got; of two requests at once the second waits for the first.

    Raises `Malformed` for an empty or overlong key and `Conflict` if it was used for another request.
    """
    if not 1 <= len(key) <= KEY_CHARS_MAX or not key.isprintable():
        raise Malformed(
            f"a key has 1 to {KEY_CHARS_MAX} printable characters", where="Idempotency-Key", next_step="Shorten it."
        )
    hashed = _hashed(tx.viewer, key)
    tx.lock("answer", hashed.hex())
    row = tx.connection.execute(
        select(answers.c.asked, answers.c.status, answers.c.body).where(
            answers.c.organisation == tx.viewer.organisation,
            answers.c.key == hashed,
            answers.c.answered_at > tx.now - timedelta(days=ANSWERS_KEPT_DAYS),
        )
    ).one_or_none()
    if row is None:
        return None
    if row.asked != asked.encode():
        raise Conflict(
            "this key was used for another request", where="Idempotency-Key", next_step="Choose a fresh key."
        )
    return Answer(row.status, unseal(tx.keys.wrapping, row.body, context=_context(hashed)))


def keep_answer(tx: Transaction, key: str, asked: Digest, answer: Answer) -> None:
    """Keep an answer beside the effect it tells of, and forget the organisation's outdated ones."""
    if tx.viewer.organisation is None:
        raise Refused("only a named person's request is answered once", next_step="Sign in.")
    now = tx.now
    hashed = _hashed(tx.viewer, key)
    tx.connection.execute(delete(answers).where(answers.c.answered_at <= now - timedelta(days=ANSWERS_KEPT_DAYS)))
    row = {
        "organisation": tx.viewer.organisation,
        "key": hashed,
        "asked": asked.encode(),
        "status": answer.status,
        "body": seal(tx.keys.wrapping, answer.body, context=_context(hashed)),
        "answered_at": now,
    }
    tx.connection.execute(insert(answers).values(row))


def _hashed(viewer: Viewer, key: str) -> bytes:
    return hashlib.sha256(f"{viewer.person}\0{key}".encode()).digest()


def _context(hashed: bytes) -> str:
    return f"answer:{hashed.hex()}"
