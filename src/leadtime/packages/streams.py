"""Streams that keep an archive reader from being made to read without end, or to hold too much in memory."""

from __future__ import annotations

import io
import lzma
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO

from leadtime.foundation.errors import Malformed
from leadtime.packages import limits

_STEP = "Use a release whose archive is well made."


class ForwardStream:
    """A decompressed tar that can only be read onwards; what `tarfile` needs of a file and no more.

    Within `headers` at most ``HEADER_BYTES_MAX`` are given, since tarfile holds an extended header in memory whole;
    over all at most ``UNPACKED_BYTES_MAX``. Raises `Malformed` beyond either, and for a step backwards.
    """

    def __init__(self, stream: IO[bytes], *, where: str) -> None:
        self._stream = stream
        self._where = where
        self._position = 0
        self._header_bytes_left: int | None = None

    @contextmanager
    def headers(self) -> Iterator[None]:
        """Bound what is read as headers until the block ends."""
        self._header_bytes_left = limits.HEADER_BYTES_MAX
        try:
            yield
        finally:
            self._header_bytes_left = None

    def tell(self) -> int:
        """Return how many bytes have been passed."""
        return self._position

    def seek(self, position: int) -> int:
        """Pass over bytes up to ``position``; the end of the stream may come first."""
        if position < self._position:
            raise Malformed("a member of the archive points backwards", where=self._where, next_step=_STEP)
        while self._position < position and self._take(min(position - self._position, limits.COPY_BYTES)):
            pass
        return self._position

    def read(self, size: int) -> bytes:
        """Return ``size`` bytes, fewer only at the end."""
        if self._header_bytes_left is not None:
            self._header_bytes_left -= size
            if self._header_bytes_left < 0:
                raise Malformed(
                    f"a member's headers take more than {limits.HEADER_BYTES_MAX} bytes",
                    where=self._where,
                    next_step=_STEP,
                )
        pieces = []
        left = size
        while left and (piece := self._take(min(left, limits.COPY_BYTES))):
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)

    def _take(self, size: int) -> bytes:
        piece = self._stream.read(size)
        self._position += len(piece)
        if self._position > limits.UNPACKED_BYTES_MAX:
            raise Malformed(
                f"the archive unpacks to more than {limits.UNPACKED_BYTES_MAX} bytes",
                where=self._where,
                next_step=_STEP,
            )
        return piece


class BoundedZip(io.BufferedIOBase):
    """A zip's own bytes; refuses the one read by which `zipfile` takes in the whole central directory if too large."""

    def __init__(self, stream: BinaryIO, *, where: str) -> None:
        self._stream = stream
        self._where = where

    def seekable(self) -> bool:
        """Say that a zip is read from its end."""
        return True

    def tell(self) -> int:
        """Return the position in the archive."""
        return self._stream.tell()

    def seek(self, position: int, whence: int = io.SEEK_SET) -> int:
        """Move within the archive."""
        return self._stream.seek(position, whence)

    def read(self, size: int | None = -1) -> bytes:
        """Return ``size`` bytes, or the rest of the archive if that is small enough to be held."""
        piece = self._stream.read(limits.CENTRAL_DIRECTORY_BYTES_MAX + 1 if size is None or size < 0 else size)
        if len(piece) > limits.CENTRAL_DIRECTORY_BYTES_MAX:
            raise Malformed(
                f"the archive's directory takes more than {limits.CENTRAL_DIRECTORY_BYTES_MAX} bytes",
                where=self._where,
                next_step=_STEP,
            )
        return piece


class XzStream(io.RawIOBase):
    """Decompresses xz with bounded memory: the standard reader would allot the dictionary that the file asks for."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=limits.XZ_MEMORY_BYTES_MAX)

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` decompressed bytes; empty at the end of the first xz stream."""
        while not self._decompressor.eof:
            fed = self._stream.read(limits.COPY_BYTES) if self._decompressor.needs_input else b""
            if self._decompressor.needs_input and not fed:
                raise EOFError("the xz stream ends early")
            if piece := self._decompressor.decompress(fed, max_length=size):
                return piece
        return b""
