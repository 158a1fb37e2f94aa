"""Every secret operation in one module, so that a validated provider can replace the default as a whole.

AES-256-GCM (NIST SP 800-38D) for sealing and wrapping, Ed25519 (RFC 8032) for signatures,
HMAC-SHA-256 (RFC 2104) for blind indexes, HPKE (RFC 9180: X25519, HKDF-SHA256, AES-256-GCM) for what another machine
is to open. Keys lie in ``LEADTIME_HOME/keys``, outside the database and its backups.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from leadtime.foundation.errors import Malformed, Missing

KEY_BYTES = 32
NONCE_BYTES = 12
TOKEN_BYTES = 32


def new_data_key() -> bytes:
    """Return a fresh AES-256 key."""
    return secrets.token_bytes(KEY_BYTES)


def seal(key: bytes, plaintext: bytes, *, context: str) -> bytes:
    """Return ``nonce || ciphertext || tag`` of ``plaintext``, bound to ``context`` (it opens under no other)."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, context.encode())


def unseal(key: bytes, sealed: bytes, *, context: str) -> bytes:
    """Return what `seal` closed; raises `Malformed` if key, context or a single bit differs."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context.encode())
    except (InvalidTag, ValueError):
        raise Malformed(
            "sealed content does not open", where=context.partition(":")[0], next_step="Restore the matching keys."
        ) from None


def new_opening_key() -> bytes:
    """Return a fresh X25519 private key, 32 bytes: it opens what others sealed to its public key."""
    return X25519PrivateKey.generate().private_bytes_raw()


def sealing_key_of(opening_key: bytes) -> bytes:
    """Return the raw 32-byte public key that others seal to."""
    return X25519PrivateKey.from_private_bytes(opening_key).public_key().public_bytes_raw()


def seal_to(sealing_key: bytes, plaintext: bytes, *, context: str) -> bytes:
    """Return ``plaintext`` so that only the holder of the opening key opens it, bound to ``context`` (HPKE, base mode).

    It does not say who sealed it: sign what is inside.
    """
    return _hpke().encrypt(plaintext, X25519PublicKey.from_public_bytes(sealing_key), info=context.encode())


def open_sealed(opening_key: bytes, sealed: bytes, *, context: str) -> bytes:
    """Return what `seal_to` closed; raises `Malformed` if key, context or a single bit differs."""
    try:
        return _hpke().decrypt(sealed, X25519PrivateKey.from_private_bytes(opening_key), info=context.encode())
    except (InvalidTag, ValueError):
        raise Malformed(
            "a sealed message does not open", where=context.partition(":")[0], next_step="Look at who sent it."
        ) from None


def _hpke() -> Suite:
    return Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def new_token(prefix: str) -> str:
    """Return a fresh secret of 256 bits as ``prefix_`` and URL-safe text; show it once and keep only `token_hash`."""
    return f"{prefix}_{secrets.token_urlsafe(TOKEN_BYTES)}"


def token_hash(token: str) -> bytes:
    """Return the SHA-256 of a token; tokens carry 256 bits of chance, so no slow hash is needed."""
    return hashlib.sha256(token.encode()).digest()


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether ``signature`` is the Ed25519 signature of ``message`` under the raw 32-byte ``public_key``."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def new_signing_key() -> bytes:
    """Return a fresh Ed25519 private key: its 32-byte seed."""
    return secrets.token_bytes(KEY_BYTES)


def public_key_of(signing_key: bytes) -> bytes:
    """Return the raw 32-byte public key of an Ed25519 seed."""
    return Ed25519PrivateKey.from_private_bytes(signing_key).public_key().public_bytes_raw()


def sign(signing_key: bytes, message: bytes) -> bytes:
    """Return the 64-byte Ed25519 signature of ``message`` by a seed."""
    return Ed25519PrivateKey.from_private_bytes(signing_key).sign(message)


@dataclass(frozen=True, slots=True, repr=False)
class KeyRing:
    """An installation's own keys: one wraps data keys, one makes blind indexes, one signs."""

    wrapping: bytes
    blinding: bytes
    signing: bytes

    def blind(self, domain: str, value: str) -> bytes:
        """Return the keyed index of ``value``: equal values of a domain meet; without the key none can be tested."""
        return hmac.digest(self.blinding, f"{domain}\0{value}".encode(), "sha256")

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature of ``message``."""
        return sign(self.signing, message)

    @property
    def public_key(self) -> bytes:
        """Return the raw 32-byte Ed25519 public key."""
        return public_key_of(self.signing)

    @property
    def opening_key(self) -> bytes:
        """Return the X25519 private key that opens what other machines seal to this installation."""
        return hmac.digest(self.wrapping, b"leadtime.opening-key/1", "sha256")

    @property
    def key_id(self) -> str:
        """Return the first 16 hexadecimal digits of the public key's SHA-256."""
        return hashlib.sha256(self.public_key).hexdigest()[:16]


def create_keys(directory: Path) -> KeyRing:
    """Return the key ring in ``directory``, making it (0700, files 0600) on the first call."""
    if not (directory / "signing.key").exists():
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("wrapping", "blinding", "signing"):
            _write_once(directory / f"{name}.key", base64.b64encode(secrets.token_bytes(KEY_BYTES)))
    return read_keys(directory)


def read_keys(directory: Path) -> KeyRing:
    """Return the key ring in ``directory``; raises `Missing` if it was never made and `Malformed` if it is damaged."""
    try:
        parts = [
            base64.b64decode((directory / f"{name}.key").read_bytes(), validate=True)
            for name in ("wrapping", "blinding", "signing")
        ]
    except FileNotFoundError:
        raise Missing(
            "this installation has no keys yet", where=str(directory), next_step="Run leadtime init."
        ) from None
    except ValueError:
        parts = []
    if len(parts) != len(KeyRing.__slots__) or any(len(part) != KEY_BYTES for part in parts):
        raise Malformed("a key file is damaged", where=str(directory), next_step="Restore the keys from their backup.")
    return KeyRing(*parts)


def _write_once(path: Path, content: bytes) -> None:
    """Write a file that must not exist yet, durably; a second creator keeps the first one's key."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
