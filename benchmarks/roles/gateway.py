"""The programs that ``benchmarks/gateway.py`` runs beside each other: mock upstream, client, proxies of ours."""

from __future__ import annotations

import asyncio
import json
import signal
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import httpx
import psycopg
import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from leadtime.doors.model_api import running as gateway_running
from leadtime.doors.model_api.running import running
from leadtime.doors.serving import serve, settle_memory
from leadtime.flow import window
from leadtime.flow.gateway import Call, Committer, Refusal
from leadtime.flow.gateway.witness import Logged
from leadtime.flow.window import GrantWanted, Limits, Terms, Upstream, Variant, WindowKind, WireFormat
from leadtime.foundation.access import Role
from leadtime.foundation.clock import SystemClock
from leadtime.foundation.database import Database
from leadtime.foundation.database.connect import Address, address_in, make_engine, make_roles_and
from leadtime.foundation.database.ddl import schema_statements
from leadtime.foundation.database.embedded import start_embedded
from leadtime.foundation.database.roles import APP, OWNER
from leadtime.foundation.keys import KeyRing
from leadtime.workflows.reads import note_reads
from leadtime.workflows.whole_schema import whole_schema
from tests.flow.parties.factories import enrol

HOST = "127.0.0.1"
TOKENS = 200
BODY = {"model": "orion-1/plain", "messages": [{"role": "user", "content": "Say something about the sea. " * 10}]}
USAGE = {"prompt_tokens": 80, "completion_tokens": 200, "total_tokens": 280}
MANY = 10**12


def chunk(delta: dict[str, str], **more: object) -> bytes:
    """Return one event of a streamed chat completion."""
    choices = [{"index": 0, "delta": delta, "finish_reason": None}]
    body = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "mock", "choices": choices}
    return b"data: " + json.dumps({**body, **more}).encode() + b"\n\n"


def framed(event: bytes) -> bytes:
    """Return an event as one piece of a chunked body."""
    return f"{len(event):x}\r\n".encode() + event + b"\r\n"


WHOLE = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "mock",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "The sea is wide. " * 20}, "finish_reason": "stop"}
        ],
        "usage": USAGE,
    }
).encode()
ANSWER = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: "
    + str(len(WHOLE)).encode()
    + b"\r\n\r\n"
    + WHOLE
)
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
STREAM_EVENTS = [framed(chunk({"content": f" word {number}"})) for number in range(TOKENS)]
STREAM_END = framed(chunk({}, choices=[], usage=USAGE)) + framed(b"data: [DONE]\n\n") + b"0\r\n\r\n"


class UpstreamConnection(asyncio.Protocol):
    """Answers every request at once; a stream token by token, each a write of its own."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.rest = b""

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        self.rest += data
        while (end := self.rest.find(b"\r\n\r\n")) >= 0:
            head = self.rest[:end].lower()
            place = head.find(b"content-length:")
            size = int(head[place + 15 :].split(b"\r\n", 1)[0]) if place >= 0 else 0
            if len(self.rest) < end + 4 + size:
                return
            body, self.rest = self.rest[end + 4 : end + 4 + size], self.rest[end + 4 + size :]
            if b'"stream":true' in body or b'"stream": true' in body:
                asyncio.ensure_future(self.stream())  # noqa: RUF006  # it ends with its connection
            else:
                self.transport.write(ANSWER)

    async def stream(self) -> None:
        """Write the tokens, letting others have their turn between them."""
        self.transport.write(STREAM_HEAD)
        for number, event in enumerate(STREAM_EVENTS):
            if self.transport.is_closing():
                return
            self.transport.write(event)
            if number % 4 == 0:
                await asyncio.sleep(0)
        self.transport.write(STREAM_END)


async def upstream(port: int) -> None:
    """Serve the mock upstream until killed."""
    server = await asyncio.get_running_loop().create_server(UpstreamConnection, HOST, port, backlog=1024)
    await server.serve_forever()


class ClientConnection(asyncio.Protocol):
    """Sends one request after another and times each answer."""

    def __init__(self, request: bytes, tally: Tally) -> None:
        self.request, self.tally = request, tally

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.send()

    def send(self) -> None:
        """Send a request."""
        self.got, self.size, self.first = bytearray(), -1, 0.0
        self.began = time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        """Note the first token and the end of an answer."""
        self.got += data
        if not self.first and b"\r\n\r\n" in self.got and len(self.got) > self.got.index(b"\r\n\r\n") + 4:
            self.first = time.perf_counter()
        if self.is_whole():
            self.tally.note(bytes(self.got[:12]), self.began, self.first, bytes(self.got[:600]))
            self.send()

    def is_whole(self) -> bool:
        """Tell whether the answer has ended, by its length or its last chunk."""
        if self.size < 0:
            end = self.got.find(b"\r\n\r\n")
            if end < 0:
                return False
            head = bytes(self.got[:end]).lower()
            place = head.find(b"content-length:")
            self.size = end + 4 + int(head[place + 15 :].split(b"\r\n", 1)[0]) if place >= 0 else 0
        return len(self.got) >= self.size if self.size else self.got.endswith(b"0\r\n\r\n")


class Tally:
    """What all connections of a client saw since `begin`."""

    def __init__(self) -> None:
        self.begun_at = float("inf")
        self.took: list[float] = []
        self.first: list[float] = []
        self.wrong = 0
        self.sample = ""

    def note(self, status: bytes, began: float, first: float, text: bytes) -> None:
        """Count one answer."""
        now = time.perf_counter()
        if now < self.begun_at:
            return
        if status != b"HTTP/1.1 200":
            self.wrong += 1
            self.sample = text.decode(errors="replace")
            return
        self.took.append((now - began) * 1000)
        self.first.append((first - began) * 1000)


async def client(port: int, secret: str, connections: int, seconds: float, *, stream: bool) -> None:
    """Load a proxy for so long, and print the figures as JSON."""
    body = json.dumps({**BODY, **({"stream": True} if stream else {})}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: {HOST}:{port}\r\nauthorization: Bearer {secret}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    tally, loop = Tally(), asyncio.get_running_loop()
    for _ in range(connections):
        await loop.create_connection(lambda: ClientConnection(head.encode() + body, tally), HOST, port)
    await asyncio.sleep(0.3)
    tally.begun_at = time.perf_counter()
    await asyncio.sleep(seconds)
    while not tally.took and not tally.wrong and time.perf_counter() < tally.begun_at + 60:  # noqa: ASYNC110  # a tool
        await asyncio.sleep(0.1)
    lasted = time.perf_counter() - tally.begun_at
    print(
        json.dumps(
            {
                "rate": len(tally.took) / lasted,
                "median_ms": statistics.median(tally.took or [0.0]),
                "first_ms": statistics.median(tally.first or [0.0]),
                "wrong": tally.wrong,
                "sample": tally.sample,
            }
        )
    )


class UnrecordedCommitter(Committer):
    """Lets every call through at once and writes nothing: what the gateway costs without its record."""

    async def let_through(self, call: Call, leaf: Logged) -> Refusal | None:  # noqa: ARG002  # the name is the other's
        """Let it through."""
        return None

    def settle(self, settlement: object, answer_sha256: bytes) -> None:
        """Forget it."""


async def leadtime(port: int, upstream_port: int, folder: Path) -> None:
    """Serve the gateway over a database of its own, durable as in earnest, until SIGTERM."""
    database, address = make_database(folder)
    (folder / "secret").write_text(offer(database, f"http://{HOST}:{upstream_port}/v1"))
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with running(database, address, url=f"http://{HOST}:{port}") as gateway:
        settle_memory()
        await serve(gateway.app, HOST, port, stop, before_stopping=gateway.end_calls)


def make_database(folder: Path) -> tuple[Database, Address]:
    """Return a fresh database, fsync on, with the whole schema; ``folder/database`` tells others how to reach it."""
    server = start_embedded(folder / "pg")
    make_roles_and("leadtime", server)
    with psycopg.connect(server.conninfo(OWNER, "leadtime")) as owner:
        for statement in schema_statements(whole_schema()):
            owner.execute(statement)
        owner.execute("create table bench_commits (number int)")
        owner.execute(f"grant insert on bench_commits to {APP}")
    address = address_in(server, "leadtime")
    parts = psycopg.conninfo.conninfo_to_dict(address.app)
    real = Path(str(parts["host"])).readlink()
    (folder / "database").write_text(psycopg.conninfo.make_conninfo(**{**parts, "host": str(real)}))
    keys = KeyRing(wrapping=b"w" * 32, blinding=b"b" * 32, signing=b"s" * 32)
    return Database(make_engine(address), SystemClock(), keys, note_reads=note_reads), address


def offer(database: Database, url: str) -> str:
    """Return the secret of a grant with budgets that hold everything."""
    developer, agency = (enrol(database, role) for role in (Role.DEVELOPER, Role.AGENCY))
    limits = Limits(requests=MANY, tokens=MANY, micro_usd=MANY, concurrency=1_000)
    terms = Terms("BENCH", ("find flaws",), limits=limits)
    variant = Variant("plain", "mock", None, 2_000_000, 8_000_000)
    with database.transaction(developer[2]) as tx:
        model = window.enrol_model(
            tx, name="orion-1", variants=(variant,), upstream=Upstream(url, "sk"), wire_format=WireFormat.OPENAI
        )
        agreement = window.agree(tx, model.id, agency[0].id, terms)
        opened = window.open_window(tx, model.id, WindowKind.GOVERNMENT)
        entry = window.offer_to(tx, opened.id, agreement.id)
    with database.transaction(agency[2]) as tx:
        grant = window.grant(tx, entry.id, agency[1].id, GrantWanted("find flaws", limits=limits))
        return window.issue_credential(tx, grant.id).secret


async def starlette(port: int, upstream_port: int) -> None:
    """Serve a plain proxy: no key, no budget, no record."""
    client = httpx.AsyncClient(base_url=f"http://{HOST}:{upstream_port}", limits=httpx.Limits(max_connections=1000))

    async def chat(request: Request) -> Response:
        body = await request.body()
        sent = client.build_request("POST", "/v1/chat/completions", content=body)
        answer = await client.send(sent, stream=True)
        if answer.headers["content-type"].startswith("text/event-stream"):
            return StreamingResponse(pieces(answer), media_type="text/event-stream")
        return Response(await answer.aread(), media_type="application/json")

    async def pieces(answer: httpx.Response) -> AsyncIterator[bytes]:
        async for piece in answer.aiter_raw():
            yield piece
        await answer.aclose()

    app = Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])])
    server = Server(app, address=HOST, port=port, interface=Interfaces.ASGI, log_enabled=False, backlog=1024)
    with suppress(asyncio.CancelledError):
        await server.serve()


def main(role: str, *arguments: str) -> None:
    """Run one role."""
    if role == "upstream":
        uvloop.run(upstream(int(arguments[0])))
    elif role == "client":
        port, secret, connections, seconds, kind = arguments
        uvloop.run(client(int(port), secret, int(connections), float(seconds), stream=kind == "stream"))
    elif role == "starlette":
        uvloop.run(starlette(int(arguments[0]), int(arguments[1])))
    else:
        if role == "unrecorded":
            gateway_running.Committer = UnrecordedCommitter  # type: ignore[misc]
        uvloop.run(leadtime(int(arguments[0]), int(arguments[1]), Path(arguments[2])))


if __name__ == "__main__":
    main(*sys.argv[1:])
