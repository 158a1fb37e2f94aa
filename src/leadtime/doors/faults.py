"""The outermost net: a fault of ours is logged once, whole, and told to nobody."""

from __future__ import annotations

import structlog
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leadtime.doors.problems import PROBLEM_JSON, TooLarge, problem_of_fault

log = structlog.get_logger()


class Faults:
    """ASGI middleware that answers 500 where a route failed in a way nobody meant."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; an answer that has begun is cut, since its end would be a lie."""
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
            problem = problem_of_fault()
            answer = JSONResponse(problem.as_json(), status_code=problem.status, media_type=PROBLEM_JSON)
            await answer(scope, receive, send)
