"""A leaf: what happened, when, and salted commitments to the rest; opening one tells nothing of another. Pure.

An entry is canonical JSON, at most 8 KiB: ``{"schema": "leadtime.leaf/1", "id", "kind", "at", "about"?, "commitments":
{name: hex of SHA-256(salt || value)}}``. A salt is 256 bits, derived by HMAC-SHA-256 for each log, leaf and field, so
that nothing has to be kept to open a leaf but the values themselves, which their owner keeps (sealed, or not at all).
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

from leadtime.foundation.digests import canonical_json
from leadtime.foundation.errors import Malformed
from leadtime.foundation.ids import new_id, parse_id
from leadtime.foundation.keys import KeyRing
from leadtime.foundation.strict_json import Json, JsonBounds, read_json
from leadtime.ledger.records import LeafId, LogName

SCHEMA = "leadtime.leaf/1"
LEAF_BYTES_MAX = 8_192
FIELDS_MAX = 32
OPENING_BYTES_MAX = 1 << 20
SALT_BYTES = 32

CALL = "call"
"""The kind of a leaf that stands for one request to an offered model."""

VOID = "void"
"""The kind of a leaf which says that the call it is ``about`` was never sent upstream."""

FORFEITED = "forfeited"
"""The kind of a leaf which says that nobody knows whether the call it is ``about`` was sent: its gateway died."""

_BOUNDS = JsonBounds(bytes_max=LEAF_BYTES_MAX, depth_max=2, values_max=2 * FIELDS_MAX)
_WORD = re.compile(r"[a-z][a-z0-9_.-]{0,63}\Z")
_COMMITMENT = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class Leaf:
    """One entry of a log; ``about`` is another leaf that it speaks of, ``commitments`` are 32 bytes each, by name."""

    id: LeafId
    kind: str
    at: datetime
    commitments: Mapping[str, bytes]
    about: LeafId | None = None

    @property
    def entry(self) -> bytes:
        """Return the bytes that are logged and hashed."""
        document: dict[str, object] = {
            "schema": SCHEMA,
            "id": str(self.id),
            "kind": self.kind,
            "at": _spell(self.at),
            "commitments": {name: value.hex() for name, value in self.commitments.items()},
        }
        if self.about is not None:
            document["about"] = str(self.about)
        return canonical_json(document)


@dataclass(frozen=True, slots=True)
class OpenedField:
    """One field of a leaf laid open: the value, and the salt that shows it is the one committed to."""

    name: str
    salt: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Opening:
    """What an auditor is given to see what one leaf committed to, in all its fields or some."""

    leaf: LeafId
    fields: tuple[OpenedField, ...]


def new_leaf(
    keys: KeyRing,
    log: LogName,
    *,
    kind: str,
    at: datetime,
    fields: Mapping[str, bytes],
    about: LeafId | None = None,
    of: UUID | None = None,
) -> Leaf:
    """Return a fresh leaf that commits to ``fields``; the values are not kept, the caller does that if it may.

    ``of``: the thing whose one leaf this is, and whose id it takes; None: an id of its own. Raises `Malformed` for more
    than 32 fields, and for names or a kind that are not short lower-case words.
    """
    leaf = LeafId(of or new_id(at))
    _check_words(kind, fields)
    return Leaf(
        id=leaf,
        kind=kind,
        at=at.astimezone(UTC),
        commitments={name: commit(salt, fields[name]) for name, salt in _salts(keys, log, leaf, fields)},
        about=about,
    )


def open_leaf(keys: KeyRing, log: LogName, leaf: LeafId, fields: Mapping[str, bytes]) -> Opening:
    """Return the opening of one leaf's fields for their values, which the caller kept."""
    salts = _salts(keys, log, leaf, sorted(fields))
    return Opening(leaf, tuple(OpenedField(name, salt, fields[name]) for name, salt in salts))


def verify_opening(leaf: Leaf, opening: Opening) -> bool:
    """Tell whether every field of ``opening`` is what ``leaf`` committed to; False for an empty one."""
    return (
        leaf.id == opening.leaf
        and bool(opening.fields)
        and all(
            len(field.salt) == SALT_BYTES
            and hmac.compare_digest(leaf.commitments.get(field.name, b""), commit(field.salt, field.value))
            for field in opening.fields
        )
    )


def commit(salt: bytes, value: bytes) -> bytes:
    """Return the commitment to a value: SHA-256 over its salt of 32 bytes and itself."""
    return sha256(salt + value).digest()


def parse_leaf(entry: bytes) -> Leaf:
    """Return the leaf that a log entry spells; raises `Malformed` for any other bytes, and for a second spelling."""
    document = read_json(entry, _BOUNDS)
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise _not_a_leaf("$.schema")
    kind, about, commitments = document.get("kind"), document.get("about"), document.get("commitments")
    if not isinstance(kind, str) or not isinstance(commitments, dict):
        raise _not_a_leaf("$")
    _check_words(kind, commitments)
    leaf = Leaf(
        id=LeafId(parse_id(_text(document, "id"), where="$.id")),
        kind=kind,
        at=_instant(_text(document, "at")),
        commitments={name: _commitment(value) for name, value in commitments.items()},
        about=None if about is None else LeafId(parse_id(_text(document, "about"), where="$.about")),
    )
    if leaf.entry != entry:
        raise _not_a_leaf("$")
    return leaf


def opening_as_json(opening: Opening) -> bytes:
    """Return an opening as it is handed to an auditor: ``{leaf, fields: {name: {salt, value}}}``, both in hex."""
    fields = {field.name: {"salt": field.salt.hex(), "value": field.value.hex()} for field in opening.fields}
    return canonical_json({"leaf": str(opening.leaf), "fields": fields})


def parse_opening(raw: bytes) -> Opening:
    """Return the opening that ``raw`` spells; raises `Malformed` for anything else."""
    document = read_json(raw, JsonBounds(bytes_max=OPENING_BYTES_MAX, depth_max=3, values_max=4 * FIELDS_MAX))
    fields = document.get("fields") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(fields, dict) or len(fields) > FIELDS_MAX:
        raise Malformed("this is not an opening", where="$", next_step="Ask for it again.")
    leaf = LeafId(parse_id(_text(document, "leaf"), where="$.leaf"))
    return Opening(leaf, tuple(_opened(name, field) for name, field in sorted(fields.items())))


def _opened(name: str, field: Json) -> OpenedField:
    try:
        if isinstance(field, dict):
            return OpenedField(name, bytes.fromhex(_text(field, "salt")), bytes.fromhex(_text(field, "value")))
    except ValueError:
        pass
    raise Malformed("this is not an opening", where="$.fields", next_step="Ask for it again.")


def _salts(keys: KeyRing, log: LogName, leaf: LeafId, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    place = f"{log}\0{leaf}\0"
    return ((name, keys.blind("ledger.salt", place + name)) for name in names)


def _check_words(kind: str, fields: Mapping[str, object]) -> None:
    if len(fields) > FIELDS_MAX or not all(_WORD.match(word) for word in (kind, *fields)):
        raise _not_a_leaf("$.commitments")


def _commitment(value: Json) -> bytes:
    if not isinstance(value, str) or not _COMMITMENT.match(value):
        raise _not_a_leaf("$.commitments")
    return bytes.fromhex(value)


def _text(document: Mapping[str, Json], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise _not_a_leaf(f"$.{name}")
    return value


def _spell(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _not_a_leaf("$.at") from None


def _not_a_leaf(where: str) -> Malformed:
    return Malformed(f"this is not a {SCHEMA}", where=where, next_step="Read the log with the release that wrote it.")
