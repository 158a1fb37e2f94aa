"""An NDJSON stream in, an NDJSON stream out: never the whole in memory, and no deadlock with a client that only sends.

Many clients read nothing before they have sent everything. So answers wait in a file that begins in memory and moves to
disk, instead of stopping the reading.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from tempfile import SpooledTemporaryFile

from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from leadtime.doors import limits
from leadtime.doors.problems import TooLarge, problem_of
from leadtime.doors.visible import visible_line

NDJSON = "application/x-ndjson"
SPOOL_MEMORY_BYTES_MAX = 1 << 20
PIECE_BYTES = 1 << 16

Answer = Callable[[int, bytes], dict[str, object]]


class WhileReading(StreamingResponse):
    """A streamed answer that is sent while the request's body is still read.

    The framework's own would listen for the client's leaving by taking messages that belong to the body.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer, and nothing else."""
        del scope, receive
        await self.stream_response(send)


class _Spool:
    """Answers that were written and not yet sent, first in, first out."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=SPOOL_MEMORY_BYTES_MAX)  # noqa: SIM115  # closed by `close`
        self._written = 0
        self._sent = 0
        self._changed = asyncio.Event()
        self._ended = False

    def write(self, content: bytes) -> None:
        """Append an answer."""
        self._file.seek(self._written)
        self._written += self._file.write(content)
        self._changed.set()

    def end(self) -> None:
        """Say that nothing more will come."""
        self._ended = True
        self._changed.set()

    def close(self) -> None:
        """Forget everything."""
        self._file.close()

    async def pieces(self) -> AsyncIterator[bytes]:
        """Return what was written, as it comes, until the end."""
        while True:
            self._changed.clear()
            self._file.seek(self._sent)
            if piece := self._file.read(PIECE_BYTES):
                self._sent += len(piece)
                yield piece
            elif self._ended:
                return
            else:
                await self._changed.wait()


async def answer_lines(stream: AsyncIterator[bytes], answer: Answer) -> AsyncIterator[bytes]:
    """Return one line of JSON for each line of the stream that is not empty.

    A line longer than a report may be, or a line beyond the bound of lines, ends the stream with a problem.
    """
    spool = _Spool()
    reading = asyncio.create_task(_read(stream, answer, spool))
    try:
        async for piece in spool.pieces():
            yield piece
        await reading
    finally:
        reading.cancel()
        spool.close()


async def _read(stream: AsyncIterator[bytes], answer: Answer, spool: _Spool) -> None:
    number = 0
    try:
        async for line in lines_of(stream):
            number += 1
            if line.strip():
                spool.write(_encoded(await run_in_threadpool(answer, number, line)))
    except TooLarge as error:
        spool.write(_encoded({"line": number + 1, "problem": problem_of(error).as_json()}))
    finally:
        spool.end()


async def lines_of(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Return the lines of a stream of bytes; raises `TooLarge` for a line or a number of lines beyond its bound."""
    held = bytearray()
    count = 0
    async for piece in stream:
        # Only the new piece is searched: a long line in many small pieces costs its length, not its square.
        *ends, rest = piece.split(b"\n")
        for end in ends:
            held += end
            count += 1
            if count > limits.BATCH_LINES_MAX:
                raise TooLarge(
                    f"a batch has at most {limits.BATCH_LINES_MAX} lines", where="body", next_step="Send the rest anew."
                )
            yield bytes(held)
            held.clear()
        held += rest
        if len(held) > limits.REPORT_BYTES_MAX:
            raise TooLarge(
                f"a line has more than {limits.REPORT_BYTES_MAX} bytes", where="body", next_step="Shorten it."
            )
    if held:
        yield bytes(held)


def _encoded(answer: dict[str, object]) -> bytes:
    return visible_line(json.dumps(answer, ensure_ascii=False)).encode() + b"\n"
