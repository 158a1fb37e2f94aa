"""Signed notes (c2sp.org/signed-note): a text, and lines that say who signed it. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from hashlib import sha256

from leadtime.foundation import keys as crypto
from leadtime.foundation.errors import Malformed, Refused

NOTE_BYTES_MAX = 65_536
SIGNATURES_MAX = 32
KEY_ID_BYTES = 4
PUBLIC_KEY_BYTES = 32
VERIFIER_KEY_CHARS_MAX = 512

_DASH = "\u2014 "
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f]")
_KEY_ID = re.compile("[0-9a-f]{8}")


class Algorithm(IntEnum):
    """What a key signs, by its byte in key ids: the text itself, or a witness's dated statement about it."""

    ED25519 = 0x01
    COSIGNATURE = 0x04


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with the name that it signs under."""

    name: str
    algorithm: Algorithm
    public: bytes

    @property
    def key_id(self) -> bytes:
        """Return the four bytes that name this key in signatures; an identifier, not a fingerprint."""
        return sha256(self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public).digest()[:KEY_ID_BYTES]

    def __str__(self) -> str:
        """Return the vkey: ``name+hash+base64(algorithm || key)``."""
        return f"{self.name}+{self.key_id.hex()}+{_base64(bytes([self.algorithm]) + self.public)}"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: who claims to have signed, with which key, and the algorithm's own bytes."""

    name: str
    key_id: bytes
    content: bytes

    @property
    def line(self) -> str:
        """Return the line with its newline."""
        return f"{_DASH}{self.name} {_base64(self.key_id + self.content)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text that ends in a newline, and its signatures; believe the text only after checking one."""

    text: str
    signatures: tuple[Signature, ...]

    @property
    def raw(self) -> bytes:
        """Return the note as it is sent."""
        return f"{self.text}\n{''.join(signature.line for signature in self.signatures)}".encode()

    def with_signatures(self, added: Iterable[Signature]) -> Note:
        """Return the note with further signatures; one that a key has given before is replaced."""
        by_key = {(each.name, each.key_id): each for each in (*self.signatures, *added)}
        return replace(self, signatures=tuple(by_key.values()))


def parse_verifier_key(text: str) -> VerifierKey:
    """Return the key that a vkey spells; raises `Malformed` if it is not one or its hash is not its own."""
    name, _, rest = text.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    content = _unbase64(encoded)
    key = content and _key_of(name, content)
    if len(text) > VERIFIER_KEY_CHARS_MAX or not key or not _KEY_ID.fullmatch(key_id) or key.key_id.hex() != key_id:
        raise Malformed(
            "this is not a verifier key", where="key", next_step="Copy the whole line: name+hash+base64, Ed25519."
        )
    return key


def parse_note(raw: bytes) -> Note:
    """Return the note that ``raw`` is; raises `Malformed` if it is too large, not a note, or not signed at all."""
    if len(raw) > NOTE_BYTES_MAX:
        raise _not_a_note(f"it is larger than {NOTE_BYTES_MAX} bytes")
    try:
        whole = raw.decode()
    except UnicodeDecodeError:
        raise _not_a_note("it is not UTF-8") from None
    if _CONTROL.search(whole):
        raise _not_a_note("it holds control characters")
    text, gap, tail = whole.rpartition("\n\n")
    if not gap or not tail.endswith("\n"):
        raise _not_a_note("no signature follows a text")
    return Note(f"{text}\n", parse_signatures(tail))


def parse_signatures(lines: str) -> tuple[Signature, ...]:
    """Return the signatures of signature lines, each ending in a newline; raises `Malformed` for anything else."""
    parts = lines.split("\n")
    if parts.pop() or not 1 <= len(parts) <= SIGNATURES_MAX:
        raise _not_a_note(f"it has not between 1 and {SIGNATURES_MAX} signature lines")
    return tuple(_parse_signature(part) for part in parts)


def is_name(name: str) -> bool:
    """Tell whether a key may be called ``name``: not empty, without spaces, plus signs and control characters."""
    return bool(name) and "+" not in name and not any(char.isspace() or ord(char) < ord(" ") for char in name)


def sign_text(text: str, *, name: str, signing_key: bytes) -> Signature:
    """Return the Ed25519 signature of a note's text by a seed."""
    key = VerifierKey(name, Algorithm.ED25519, crypto.public_key_of(signing_key))
    return Signature(name, key.key_id, crypto.sign(signing_key, text.encode()))


def signatures_by(note: Note, keys: Iterable[VerifierKey]) -> Iterator[tuple[VerifierKey, Signature]]:
    """Yield the first signature that each of ``keys`` claims to have made, unchecked; unknown ones are ignored."""
    claimed: dict[tuple[str, bytes], Signature] = {}
    for signature in note.signatures:
        claimed.setdefault((signature.name, signature.key_id), signature)
    for key in keys:
        found = claimed.get((key.name, key.key_id))
        if found is not None:
            yield key, found


def signed_by(note: Note, keys: Iterable[VerifierKey]) -> tuple[VerifierKey, ...]:
    """Return which of the Ed25519 ``keys`` signed the note.

    Raises `Refused` if a known key's signature does not verify, or if none of the keys signed.
    """
    found = tuple(signatures_by(note, (key for key in keys if key.algorithm is Algorithm.ED25519)))
    for key, signature in found:
        if not crypto.verify(key.public, note.text.encode(), signature.content):
            raise Refused(f"the signature of {key.name} does not verify", where="signature")
    if not found:
        raise Refused("no known key signed this note", where="signature", next_step="Check which key you trust.")
    return tuple(key for key, _ in found)


def _parse_signature(line: str) -> Signature:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    content = _unbase64(encoded)
    if not line.startswith(_DASH) or not is_name(name) or content is None or len(content) <= KEY_ID_BYTES:
        raise _not_a_note("a signature line is not one")
    return Signature(name, content[:KEY_ID_BYTES], content[KEY_ID_BYTES:])


def _key_of(name: str, content: bytes) -> VerifierKey | None:
    algorithm, public = content[0], content[1:]
    if not is_name(name) or len(public) != PUBLIC_KEY_BYTES or algorithm not in set(Algorithm):
        return None
    return VerifierKey(name, Algorithm(algorithm), public)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _unbase64(text: str) -> bytes | None:
    """Return the bytes of the one base64 spelling of them; None for any other."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return content if _base64(content) == text else None


def _not_a_note(why: str) -> Malformed:
    return Malformed(f"this is not a signed note: {why}", where="note", next_step="Fetch it again.")
