"""Content kept for both sides and closed to us: age files for the developer's and the holder's own keys.

A record can be found by a word for six months, over keyed digests of its words: whoever lacks the installation's keys
learns nothing from them. It is kept for twelve. Opening one takes the reader's own key and any age program.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import timedelta

import pyrage
from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from leadtime.flow.gateway import limits
from leadtime.flow.gateway.records import Call, CallId, SealedRecord
from leadtime.flow.gateway.tables import recipients, sealed_records
from leadtime.flow.parties import OrganisationId
from leadtime.flow.window import ModelId, Standing, read_model
from leadtime.foundation.access import Act
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Malformed, Missing
from leadtime.foundation.keys import KeyRing

INDEX_BYTES = 8
KEY_CHARS_MAX = 200

_WORD = re.compile(r"\w{3,}")


@dataclass(frozen=True, slots=True)
class Sides:
    """The public keys of a record's two sides."""

    developer: str
    organisation: str


@dataclass(frozen=True, slots=True, repr=False)
class Content:
    """What was asked and answered, as far as `limits.SEALED_BYTES_MAX`; ``whole`` is False where it was cut there."""

    request: bytes
    answer: bytes
    whole: bool


def state_sealing_key(tx: Transaction, age_key: str) -> None:
    """State the public key that the viewer's organisation wants its side of records closed to, from now on.

    Raises `Malformed` for what is no X25519 recipient of age (``age1…``).
    """
    tx.require(Act.KEEP_SEALING_KEY)
    key = _checked(age_key)
    row = {"organisation": tx.viewer.organisation, "age_key": key, "stated_at": tx.now}
    statement = upsert(recipients).values(row)
    tx.connection.execute(
        statement.on_conflict_do_update(
            index_elements=["organisation"], set_={"age_key": key, "stated_at": row["stated_at"]}
        )
    )


def read_sealing_key(tx: Transaction) -> str | None:
    """Return the key that the viewer's organisation has stated, None: none yet."""
    tx.require(Act.KEEP_SEALING_KEY)
    query = select(recipients.c.age_key).where(recipients.c.organisation == tx.viewer.organisation)
    return tx.connection.scalar(query)


def find_sides(tx: Transaction, standing: Standing) -> Sides | None:
    """Return the keys of both sides of a grant's calls; None if one side has stated none, so that no call may be."""
    query = select(recipients.c.organisation, recipients.c.age_key).where(
        recipients.c.organisation.in_([standing.developer, standing.organisation])
    )
    keys = {OrganisationId(organisation): key for organisation, key in tx.connection.execute(query)}
    if standing.developer not in keys or standing.organisation not in keys:
        return None
    return Sides(keys[standing.developer], keys[standing.organisation])


def keep_sealed(tx: Transaction, call: Call, sides: Sides, content: Content) -> None:
    """Close a call's content to both sides and keep it; nothing of it is anywhere else."""
    to = [pyrage.x25519.Recipient.from_str(key) for key in (sides.developer, sides.organisation)]
    document = {
        "call": str(call.id),
        "at": call.at.isoformat(),
        "whole": content.whole,
        "request": content.request.decode(errors="replace"),
        "answer": content.answer.decode(errors="replace"),
    }
    standing = call.standing
    row = {
        "call": call.id,
        "model": standing.model,
        "developer": standing.developer,
        "organisation": standing.organisation,
        "at": call.at,
        "content": pyrage.encrypt(json.dumps(document).encode(), to),
        "words": _words(tx.keys, standing.model, f"{document['request']} {document['answer']}"),
    }
    tx.connection.execute(insert(sealed_records).values(row))


def read_sealed(tx: Transaction, call: CallId) -> SealedRecord:
    """Return one sealed record to either of its sides; raises `Missing` for anybody else."""
    query = select(sealed_records.c.at, sealed_records.c.content).where(sealed_records.c.call == call)
    row = tx.connection.execute(query).one_or_none()
    if row is None:
        raise Missing("there is no such record that you may see", where=str(call), next_step="Check the call's id.")
    return SealedRecord(call, *row)


def search_sealed(tx: Transaction, model: ModelId, word: str) -> tuple[CallId, ...]:
    """Return which calls' content held a word, newest first, to either of their sides.

    Only whole words of three letters or more, for six months. Raises `Malformed` for anything else.
    """
    read_model(tx, model)
    found = _WORD.fullmatch(word)
    if found is None or len(word) > limits.WORD_CHARS_MAX:
        raise Malformed("this is not one word of three letters or more", where="word", next_step="Search for one word.")
    query = (
        select(sealed_records.c.call)
        .where(sealed_records.c.model == model, sealed_records.c.words.contains(_words(tx.keys, model, word)))
        .order_by(sealed_records.c.call.desc())
        .limit(limits.SEARCH_RECORDS_MAX)
    )
    return tuple(CallId(call) for (call,) in tx.connection.execute(query))


def forget_sealed(tx: Transaction) -> None:
    """Remove word indexes after six months and records after twelve."""
    searched = tx.now - timedelta(days=limits.SEALED_SEARCH_DAYS)
    kept = tx.now - timedelta(days=limits.SEALED_KEEP_DAYS)
    old = sealed_records.c.words.is_not(None) & (sealed_records.c.at < searched)
    tx.connection.execute(update(sealed_records).where(old).values(words=None))
    tx.connection.execute(delete(sealed_records).where(sealed_records.c.at < kept))


def _words(keys: KeyRing, model: ModelId, text: str) -> list[int]:
    words: dict[str, None] = {}
    for found in _WORD.finditer(text.casefold()):
        if len(words) >= limits.SEALED_WORDS_MAX:
            break
        words[found.group()[: limits.WORD_CHARS_MAX]] = None
    digests = (keys.blind("gateway.word", f"{model}\0{word}") for word in words)
    return [int.from_bytes(digest[:INDEX_BYTES], signed=True) for digest in digests]


def _checked(age_key: str) -> str:
    key = age_key.strip()[: KEY_CHARS_MAX + 1]
    try:
        pyrage.x25519.Recipient.from_str(key)
    except pyrage.RecipientError:
        raise Malformed(
            "this is no public key of age", where="age_key", next_step="Run age-keygen and copy the line age1…."
        ) from None
    return key
