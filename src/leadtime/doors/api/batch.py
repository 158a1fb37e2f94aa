"""An NDJSON stream in, an NDJSON stream out: never the whole in memory, and no deadlock with a client that only sends.

Many clients read nothing before they have sent everything. So answers wait in a file that begins in memory and moves to
disk, instead of stopping the reading. Lines that come while others are answered are answered together next: a client
that sends one line gets its answer at once, one that sends many gets them in few transactions.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a stream that is not empty; ``number`` counts from 1."""

    number: int
    content: bytes


Answer = Callable[[Sequence[Line]], Iterable[dict[str, object]]]
"""Gives one answer for each of several lines, in their order."""


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


class _Waiting:
    """Lines that were read and not yet answered: so many, and so many bytes, that reading waits."""

    def __init__(self) -> None:
        self._lines: deque[Line] = deque()
        self._bytes = 0
        self._changed = asyncio.Condition()
        self._ended = False
        self.read = 0

    async def fill(self, stream: AsyncIterator[bytes]) -> None:
        """Read the stream to its end; raises `TooLarge` as `lines_of` does."""
        try:
            async for line in lines_of(stream):
                self.read += 1
                if line.strip():
                    await self._put(Line(self.read, line))
        finally:
            async with self._changed:
                self._ended = True
                self._changed.notify_all()

    async def _put(self, line: Line) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: not self._is_full)
            self._lines.append(line)
            self._bytes += len(line.content)
            self._changed.notify_all()

    @property
    def _is_full(self) -> bool:
        return len(self._lines) >= limits.TOGETHER_REPORTS_MAX or self._bytes >= limits.TOGETHER_BYTES_MAX

    async def take(self) -> Sequence[Line]:
        """Return every line that waits, at least one; none at the end."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._lines or self._ended)
            taken = tuple(self._lines)
            self._lines.clear()
            self._bytes = 0
            self._changed.notify_all()
        return taken


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
    waiting = _Waiting()
    filling = asyncio.create_task(waiting.fill(stream))
    try:
        while lines := await waiting.take():
            for told in await run_in_threadpool(_all, answer, lines):
                spool.write(encoded(told))
        await filling
    except TooLarge as error:
        spool.write(encoded({"line": waiting.read + 1, "problem": problem_of(error).as_json()}))
    finally:
        filling.cancel()
        spool.end()


def _all(answer: Answer, lines: Sequence[Line]) -> list[dict[str, object]]:
    return list(answer(lines))


async def lines_of(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Return the lines of a stream of bytes; raises `TooLarge` for a line or a number of lines beyond its bound."""
    held = bytearray()
    count = 0
    async for piece in stream:
        # Only the new piece is searched: a long line in many small pieces costs its length, not its square.
        *ends, rest = piece.split(b"\n")
        for end in ends:
            held += end
            _check_line(held)
            count += 1
            if count > limits.BATCH_LINES_MAX:
                raise TooLarge(
                    f"a batch has at most {limits.BATCH_LINES_MAX} lines", where="body", next_step="Send the rest anew."
                )
            yield bytes(held)
            held.clear()
        held += rest
        _check_line(held)
    if held:
        yield bytes(held)


def _check_line(held: bytearray) -> None:
    if len(held) > limits.REPORT_BYTES_MAX:
        raise TooLarge(f"a line has more than {limits.REPORT_BYTES_MAX} bytes", where="body", next_step="Shorten it.")


def encoded(answer: dict[str, object]) -> bytes:
    """Return an answer as one line of JSON that can be looked at."""
    return visible_line(json.dumps(answer, ensure_ascii=False)).encode() + b"\n"
