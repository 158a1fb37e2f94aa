"""Passes an upstream's answer on to its caller, measured, at the caller's pace, within every bound."""

from __future__ import annotations

import json
from http import HTTPStatus

from aiohttp import ClientResponse

from leadtime.doors.model_api.answers import Events, GarbageError, Measured, without_usage_alone
from leadtime.doors.model_api.asked import Exchange, Header
from leadtime.doors.model_api.reading import METERED_STREAMS
from leadtime.doors.model_api.shapes import CREDENTIAL_REFUSED, Wrong
from leadtime.doors.model_api.upstream import answer_headers
from leadtime.flow.gateway import Call, Ended, LiveCall, Standings, limits, text_bytes_max

CREDENTIAL_STATUSES = frozenset({401, 403, 407})
STREAM_TYPE = "text/event-stream"


class CutError(Exception):
    """The answer may not go on; what was passed on so far stands."""

    def __init__(self, ended: Ended) -> None:
        super().__init__(ended)
        self.ended = ended


class Passing:
    """One answer on its way; what it shows about itself is in ``measured``, and kept whole only where it is sealed."""

    def __init__(
        self, exchange: Exchange, standings: Standings, call: Call, live: LiveCall, marks: list[Header]
    ) -> None:
        self._exchange = exchange
        self._standings = standings
        self._call = call
        self._live = live
        self._marks = marks
        self._text_bytes_max = text_bytes_max(call.reservation)
        self.measured = Measured(call.asked.address)
        self.kept: bytearray | None = None
        self.status = 0

    async def run(self, answer: ClientResponse, *, wants_usage: bool) -> Ended:
        """Pass the answer on and return how it ended; raises `CutError`, `GarbageError`, and what reading raises."""
        self.status = answer.status
        if answer.status in CREDENTIAL_STATUSES:
            await self._exchange.refuse(CREDENTIAL_REFUSED, self._marks)
            return Ended.UPSTREAM_REFUSED
        if answer.status >= HTTPStatus.BAD_REQUEST:
            return await self._refused(answer)
        if answer.status != HTTPStatus.OK or "content-encoding" in answer.headers:
            raise GarbageError
        if not self._call.asked.stream:
            return await self._whole(answer)
        if not answer.headers.get("content-type", "").startswith(STREAM_TYPE):
            raise GarbageError
        return await self._stream(answer, strip=self._call.asked.address in METERED_STREAMS and not wants_usage)

    async def _refused(self, answer: ClientResponse) -> Ended:
        """Pass an upstream's own error on if it is one; anything else is told in a sentence of ours."""
        body = await _read(answer, limits.ERROR_BYTES_MAX)
        if _is_object(body):
            self.measured.bytes += len(body)
            self.measured.sha256.update(body)
            await self._exchange.answer(answer.status, [*answer_headers(answer), *self._marks], body)
        else:
            sentence = f"the model's upstream answered with status {answer.status} and no explanation"
            again = answer.status == HTTPStatus.TOO_MANY_REQUESTS or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR
            status = answer.status if answer.status == HTTPStatus.TOO_MANY_REQUESTS else HTTPStatus.BAD_GATEWAY.value
            headers = [header for header in answer_headers(answer) if header[0].startswith(b"retry-after")]
            await self._exchange.refuse(Wrong(status, "upstream_failed", sentence, again), [*headers, *self._marks])
        return Ended.UPSTREAM_REFUSED

    async def _whole(self, answer: ClientResponse) -> Ended:
        body = await _read(answer, limits.ANSWER_BYTES_MAX)
        self.measured.see_document(body)
        self._count(body)
        self._check()
        await self._exchange.answer(HTTPStatus.OK.value, [*answer_headers(answer), *self._marks], body)
        return Ended.WHOLE

    async def _stream(self, answer: ClientResponse, *, strip: bool) -> Ended:
        await self._exchange.begin(HTTPStatus.OK.value, [*answer_headers(answer), *self._marks])
        events = Events()
        async for piece in answer.content.iter_any():
            whole = events.feed(piece)
            if whole:
                self.measured.see_events(whole)
                await self._pass_on(without_usage_alone(whole) if strip else whole)
        rest = events.end()
        if rest.strip():
            self.measured.see_events(rest)
            await self._pass_on(rest)
        await self._exchange.end()
        return Ended.WHOLE

    async def _pass_on(self, piece: bytes) -> None:
        self._count(piece)
        self._check()
        if piece:
            await self._exchange.piece(piece)

    def _count(self, piece: bytes) -> None:
        self.measured.bytes += len(piece)
        self.measured.sha256.update(piece)
        if self.kept is not None and len(self.kept) < limits.SEALED_BYTES_MAX:
            self.kept += piece[: limits.SEALED_BYTES_MAX - len(self.kept)]

    def _check(self) -> None:
        """Raise `CutError` where nothing more may be passed on."""
        if self.measured.bytes > limits.ANSWER_BYTES_MAX:
            raise CutError(Ended.TOO_LARGE)
        if self.measured.text_bytes > self._text_bytes_max and not self._call.asked.echoes:
            raise CutError(Ended.OVER_RESERVED)
        if not self._standings.may_go_on(self._live):
            raise CutError(Ended.STALE)


async def _read(answer: ClientResponse, bytes_max: int) -> bytes:
    """Return a body of a bounded size; raises `CutError` beyond it."""
    body = bytearray()
    async for piece in answer.content.iter_any():
        body += piece
        if len(body) > bytes_max:
            raise CutError(Ended.TOO_LARGE)
    return bytes(body)


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        return False
