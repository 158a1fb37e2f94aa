"""The gateway as one ASGI application: the addresses of both providers' clients, and two for operations."""

from __future__ import annotations

import json
from collections.abc import Mapping

import structlog
from starlette.types import Receive, Scope, Send

from leadtime.doors.model_api.asked import Exchange, Written
from leadtime.doors.model_api.calls import CallDoor
from leadtime.doors.model_api.shapes import FAULT, NO_ADDRESS, NO_METHOD, model_list, one_model
from leadtime.flow.gateway import Address

log = structlog.get_logger()

ADDRESSES: Mapping[str, Address] = {address.value: address for address in Address}
MODELS = "/v1/models"
HEALTH = "/healthz"
JSON = (b"content-type", b"application/json")


class GatewayApp:
    """Routes requests to the door; a fault of ours is logged without content and told to nobody."""

    def __init__(self, door: CallDoor) -> None:
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        exchange = Exchange(scope, receive, send)
        try:
            await self._route(exchange)
        except Exception as error:
            log.exception("fault", path=exchange.path, kind=type(error).__name__)
            if exchange.written is not Written.NOTHING:
                raise
            await exchange.refuse(FAULT)

    async def _route(self, exchange: Exchange) -> None:
        address = ADDRESSES.get(exchange.path)
        if address is not None:
            if exchange.method != "POST":
                await exchange.refuse(NO_METHOD)
                return
            await self._door.answer(exchange, address)
        elif exchange.path == HEALTH:
            await exchange.answer(200, [JSON], b'{"status":"ok"}')
        elif exchange.path == MODELS or exchange.path.startswith(f"{MODELS}/"):
            await self._models(exchange)
        else:
            await exchange.refuse(NO_ADDRESS)

    async def _models(self, exchange: Exchange) -> None:
        """Tell which models a grant covers; nothing of it reaches an upstream, so it is neither metered nor logged."""
        if exchange.method != "GET":
            await exchange.refuse(NO_METHOD)
            return
        holder = await self._door.entrance.enter(exchange)
        if holder is None:
            return
        name = exchange.path.removeprefix(MODELS).removeprefix("/")
        found = one_model(holder.standing, name) if name else model_list(holder.standing)
        if found is None:
            await exchange.refuse(NO_ADDRESS)
        else:
            await exchange.answer(200, [JSON], json.dumps(found).encode())


async def _live(receive: Receive, send: Send) -> None:
    """Answer the server's own start and stop; the gateway's are `running.running`'s."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
