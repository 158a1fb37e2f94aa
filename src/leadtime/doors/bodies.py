"""No body is read further than its address takes; what says it is larger is not read at all."""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leadtime.doors import limits
from leadtime.doors.problems import PROBLEM_JSON, TooLarge, problem_of

BODY_BYTES_MAX: Mapping[str, int] = {
    r"/api/v1/reports/?": limits.REPORT_BYTES_MAX,
    r"/api/v1/reports/batch/?": limits.BATCH_BYTES_MAX,
    r"/api/v1/inventories/?": limits.INVENTORY_BYTES_MAX,
    r"/inventories/?": limits.INVENTORY_BYTES_MAX,
    r"/api/v1/sources/[a-z-]{1,40}/?": limits.SOURCE_BYTES_MAX,
}
"""Address (a whole-match pattern) -> bytes that it takes; every other address takes `limits.FORM_BYTES_MAX`."""

_BOUNDS = tuple((re.compile(address), bytes_max) for address, bytes_max in BODY_BYTES_MAX.items())


def body_bytes_max(path: str) -> int:
    """Return how many bytes of body the address takes."""
    return next((bytes_max for address, bytes_max in _BOUNDS if address.fullmatch(path)), limits.FORM_BYTES_MAX)


class BoundedBodies:
    """ASGI middleware that answers 413 as soon as a body is known to be too large."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a ``receive`` that counts."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        bytes_max = body_bytes_max(scope["path"])
        stated = Headers(scope=scope).get("content-length", "0")
        if not stated.isdecimal() or int(stated) > bytes_max:
            await _refuse(bytes_max, scope, receive, send)
            return
        taken = 0
        answering = False

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > bytes_max:
                raise _too_large(bytes_max)
            return message

        async def noticed(message: Message) -> None:
            nonlocal answering
            answering = True
            await send(message)

        try:
            await self._app(scope, counted, noticed)
        except TooLarge:
            if answering:
                raise
            await _refuse(bytes_max, scope, receive, send)


def _too_large(bytes_max: int) -> TooLarge:
    return TooLarge(
        f"the body has more than the {bytes_max} bytes that this address takes", where="body", next_step="Send less."
    )


async def _refuse(bytes_max: int, scope: Scope, receive: Receive, send: Send) -> None:
    problem = problem_of(_too_large(bytes_max))
    answer = JSONResponse(
        problem.as_json(), status_code=problem.status, media_type=PROBLEM_JSON, headers={"connection": "close"}
    )
    await answer(scope, receive, send)
