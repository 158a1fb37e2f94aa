"""The outermost net: a fault of ours is logged once, whole, and told to nobody."""

from __future__ import annotations

import structlog
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leadtime.doors.problems import PROBLEM_JSON, Problem, TooLarge, problem_of, problem_of_fault
from leadtime.foundation.errors import Malformed

log = structlog.get_logger()

UNNAMEABLE = Malformed("an address holds no NUL character", where="address", next_step="Correct it.")


class Faults:
    """ASGI middleware that answers 500 where a route failed in a way nobody meant."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; an answer that has begun is cut, since its end would be a lie."""
        if scope["type"] == "http" and _holds_nul(scope):
            await _answer(problem_of(UNNAMEABLE), scope, receive, send)
            return
        answering = False

        async def noticed(message: Message) -> None:
            nonlocal answering
            answering = True
            await send(message)

        try:
            await self._app(scope, receive, noticed)
        except TooLarge:
            raise
        except Exception as error:
            route = scope.get("route")
            log.exception(
                "fault", method=scope.get("method"), route=getattr(route, "path", ""), kind=type(error).__name__
            )
            if answering or scope["type"] != "http":
                raise
            await _answer(problem_of_fault(), scope, receive, send)


def _holds_nul(scope: Scope) -> bool:
    """Tell whether an address holds the one character that no row and no file can be named with."""
    return "\0" in scope["path"] or b"%00" in scope["query_string"]


async def _answer(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    answer = JSONResponse(problem.as_json(), status_code=problem.status, media_type=PROBLEM_JSON)
    await answer(scope, receive, send)
