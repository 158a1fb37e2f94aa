"""Keep the beginning and the end of an output of any length in bounded memory."""

from __future__ import annotations

HEAD_BYTES = 256 * 1024
TAIL_BYTES = 256 * 1024


class Capture:
    """The first and last bytes of a stream, and how many there were.

    Memory stays under ``head_bytes + 2 * tail_bytes`` and one piece, whatever is fed.
    """

    def __init__(self, head_bytes: int = HEAD_BYTES, tail_bytes: int = TAIL_BYTES) -> None:
        self._head_bytes = head_bytes
        self._tail_bytes = tail_bytes
        self._head = bytearray()
        self._tail = bytearray()
        self.total_bytes = 0

    def feed(self, piece: bytes) -> None:
        """Take the next bytes of the stream."""
        self.total_bytes += len(piece)
        room = self._head_bytes - len(self._head)
        self._head += piece[:room]
        self._tail += piece[room:] if room < len(piece) else b""
        if len(self._tail) > 2 * self._tail_bytes:
            del self._tail[: -self._tail_bytes]

    def kept(self) -> bytes:
        """Return what was kept; where bytes are missing in the middle, a line says how many."""
        tail = bytes(self._tail[-self._tail_bytes :]) if self._tail_bytes else b""
        missing = self.total_bytes - len(self._head) - len(tail)
        gap = b"\n[... %d bytes left out ...]\n" % missing if missing else b""
        return bytes(self._head) + gap + tail
