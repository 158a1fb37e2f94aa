"""A model's upstream, scripted: a real HTTP server whose answer is chosen by the model's name in the request."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiohttp import web

Script = Callable[["Upstream", web.Request, dict], Awaitable[web.StreamResponse]]

USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
WORDS = ("All ", "is ", "well", " here", ".")
MIB = 1 << 20


@dataclass
class Seen:
    """One request that reached the upstream."""

    path: str
    headers: dict[str, str]
    document: dict
    raw: bytes


@dataclass
class Upstream:
    """What the scripts did; ``left`` counts callers that went away in mid-answer."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    open: int = 0
    most_open: int = 0
    left: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    fingerprint: str = "fp_1"
    written_bytes: int = 0
    go: threading.Event = field(default_factory=threading.Event)

    def wait_until_left(self) -> None:
        """Return when somebody has closed a connection in mid-answer."""
        assert self.left.acquire(timeout=10), "nobody left"


def chat(upstream: Upstream, document: dict, **message: object) -> dict:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": document["model"],
        "system_fingerprint": upstream.fingerprint,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "".join(WORDS), **message},
                "finish_reason": "stop",
            }
        ],
        "usage": USAGE,
        "x_unknown": {"kept": True},
    }


def chunk(upstream: Upstream, document: dict, delta: dict, **more: object) -> bytes:
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": document["model"],
        "system_fingerprint": upstream.fingerprint,
        "choices": [{"index": 0, "delta": delta, "finish_reason": None}],
        **more,
    }
    return b"data: " + json.dumps(body).encode() + b"\n\n"


async def begin_stream(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"content-type": "text/event-stream; charset=utf-8"})
    await answer.prepare(request)
    return answer


async def plain(upstream: Upstream, request: web.Request, document: dict) -> web.StreamResponse:
    if document.get("stream"):
        return await stream(upstream, request, document)
    return web.json_response(chat(upstream, document), headers={"x-request-id": "req-7", "set-cookie": "a=b"})


async def stream(upstream: Upstream, request: web.Request, document: dict) -> web.StreamResponse:
    answer = await begin_stream(request)
    for word in WORDS:
        await answer.write(chunk(upstream, document, {"content": word}))
    if (document.get("stream_options") or {}).get("include_usage"):
        await answer.write(chunk(upstream, document, {}, choices=[], usage=USAGE))
    await answer.write(b"data: [DONE]\n\n")
    return answer


async def tools(upstream: Upstream, request: web.Request, document: dict) -> web.StreamResponse:
    called = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at": "sky"}'}}
    if not document.get("stream"):
        return web.json_response(chat(upstream, document, content=None, tool_calls=[called]))
    answer = await begin_stream(request)
    first = {**called, "index": 0, "function": {"name": "look", "arguments": ""}}
    await answer.write(chunk(upstream, document, {"tool_calls": [first]}))
    for part in ('{"at": ', '"sky"}'):
        await answer.write(chunk(upstream, document, {"tool_calls": [{"index": 0, "function": {"arguments": part}}]}))
    await answer.write(chunk(upstream, document, {}, choices=[], usage=USAGE))
    await answer.write(b"data: [DONE]\n\n")
    return answer


async def lies(upstream: Upstream, request: web.Request, document: dict) -> web.StreamResponse:
    """Streams a long text and says that it was one token."""
    answer = await begin_stream(request)
    for _ in range(20):
        await answer.write(chunk(upstream, document, {"content": "a long lie " * 20}))
    await answer.write(chunk(upstream, document, {}, choices=[], usage={"prompt_tokens": 1, "completion_tokens": 1}))
    return answer


async def greedy(upstream: Upstream, request: web.Request, document: dict) -> web.StreamResponse:
    """Says that it used far more than it could."""
    return web.json_response({**chat(upstream, document), "usage": {"prompt_tokens": 10, "completion_tokens": 900_000}})


async def endless(upstream: Upstream, request: web.Request, document: dict) -> web.StreamResponse:
    """Streams until its reader goes away."""
    answer = await begin_stream(request)
    try:
        while True:
            await answer.write(chunk(upstream, document, {"content": "more " * 50}))
            upstream.written_bytes += 250
    finally:
        upstream.left.release()


async def drip(upstream: Upstream, request: web.Request, document: dict) -> web.StreamResponse:
    """Streams one word, and the next whenever a test says so or a tenth of a second has passed."""
    answer = await begin_stream(request)
    try:
        while True:
            await answer.write(chunk(upstream, document, {"content": "drop "}))
            await asyncio.sleep(0.1)
    except (ConnectionError, asyncio.CancelledError):
        upstream.left.release()
        raise


async def stall(upstream: Upstream, request: web.Request, document: dict) -> web.StreamResponse:
    """Answers nothing until its reader goes away."""
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        upstream.left.release()
        raise
    return web.json_response({})


async def held(upstream: Upstream, request: web.Request, document: dict) -> web.StreamResponse:
    """Answers when the test lets it."""
    while not upstream.go.is_set():  # noqa: ASYNC110  # another thread sets it
        await asyncio.sleep(0.01)
    return web.json_response(chat(upstream, document))


async def huge(upstream: Upstream, request: web.Request, document: dict) -> web.StreamResponse:
    """One gigabyte of white space in a JSON object."""
    answer = web.StreamResponse(headers={"content-type": "application/json", "content-length": str(1024 * MIB)})
    await answer.prepare(request)
    try:
        for _ in range(1024):
            await answer.write(b" " * MIB)
    finally:
        upstream.left.release()
    return answer


def fixed(status: int, body: bytes, **headers: str) -> Script:
    async def script(upstream: Upstream, request: web.Request, document: dict) -> web.StreamResponse:
        return web.Response(status=status, body=body, headers={"content-type": "application/json", **headers})

    return script


async def breaks(upstream: Upstream, request: web.Request, document: dict) -> web.StreamResponse:
    """Breaks off in mid-stream."""
    answer = await begin_stream(request)
    await answer.write(chunk(upstream, document, {"content": "half"}))
    request.transport.abort()
    return answer


async def compressed(upstream: Upstream, request: web.Request, document: dict) -> web.StreamResponse:
    return web.Response(body=b"\x1f\x8b", headers={"content-type": "application/json", "content-encoding": "gzip"})


async def message(upstream: Upstream, request: web.Request, document: dict) -> web.StreamResponse:
    """Anthropic's form."""
    usage = {"input_tokens": 9, "cache_read_input_tokens": 2, "output_tokens": 4}
    body = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": document["model"],
        "content": [{"type": "text", "text": "".join(WORDS)}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": usage,
    }
    if request.path.endswith("count_tokens"):
        return web.json_response({"input_tokens": 9})
    if document.get("tools"):
        body["content"] = [{"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "sky"}}]
        body["stop_reason"] = "tool_use"
    if not document.get("stream"):
        return web.json_response(body)
    answer = await begin_stream(request)

    async def event(kind: str, **fields: object) -> None:
        await answer.write(f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode())

    await event("message_start", message={**body, "content": [], "stop_reason": None})
    await event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    await event("ping")
    for word in WORDS:
        await event("content_block_delta", index=0, delta={"type": "text_delta", "text": word})
    await event("content_block_stop", index=0)
    await event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 5})
    await event("message_stop")
    return answer


async def response(upstream: Upstream, request: web.Request, document: dict) -> web.StreamResponse:
    """OpenAI's Responses."""
    usage = {"input_tokens": 8, "output_tokens": 6, "total_tokens": 14}
    text = "".join(WORDS)
    item = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": []}],
    }
    body = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": document["model"],
        "output": [item],
        "status": "completed",
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": usage,
    }
    if not document.get("stream"):
        return web.json_response(body)
    answer = await begin_stream(request)
    pieces = [{"type": "response.created", "response": {**body, "output": [], "usage": None}}]
    part = {"type": "output_text", "text": "", "annotations": []}
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    pieces.append({"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}})
    pieces.append({"type": "response.content_part.added", **place, "part": part})
    pieces += [{"type": "response.output_text.delta", **place, "delta": word, "logprobs": []} for word in WORDS]
    pieces.append({"type": "response.completed", "response": body})
    for number, piece in enumerate(pieces):
        line = json.dumps({**piece, "sequence_number": number})
        await answer.write(f"event: {piece['type']}\ndata: {line}\n\n".encode())
    return answer


async def embedding(upstream: Upstream, request: web.Request, document: dict) -> web.StreamResponse:
    data = [{"object": "embedding", "index": 0, "embedding": [0.25, -0.5]}]
    usage = {"prompt_tokens": 3, "total_tokens": 3}
    return web.json_response({"object": "list", "data": data, "model": document["model"], "usage": usage})


async def completion(upstream: Upstream, request: web.Request, document: dict) -> web.StreamResponse:
    choices = [{"index": 0, "text": "".join(WORDS), "finish_reason": "stop", "logprobs": None}]
    body = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": document["model"], "choices": choices}
    return web.json_response({**body, "usage": USAGE})


ERROR = b'{"error": {"message": "slow down", "type": "rate_limit_error", "code": "rate_limit_exceeded"}}'
SCRIPTS: dict[str, Script] = {
    "plain": plain,
    "tools": tools,
    "lies": lies,
    "greedy": greedy,
    "endless": endless,
    "drip": drip,
    "stall": stall,
    "held": held,
    "huge": huge,
    "breaks": breaks,
    "compressed": compressed,
    "busy": fixed(429, ERROR, **{"retry-after": "7"}),
    "broken": fixed(500, b'{"error": {"message": "boom", "type": "server_error"}}'),
    "blunt": fixed(500, b"<html>boom</html>"),
    "wrong": fixed(400, b'{"error": {"message": "no such field", "type": "invalid_request_error"}}'),
    "unauthorised": fixed(401, b'{"error": {"message": "Incorrect API key: sk-upst***eam"}}'),
    "elsewhere": fixed(302, b"{}", location="http://127.0.0.1:1/"),
    "garbage": fixed(200, b"hello"),
    "list": fixed(200, b"[1, 2]"),
}
BY_PATH: dict[str, Script] = {
    "/v1/messages": message,
    "/v1/messages/count_tokens": message,
    "/v1/responses": response,
    "/v1/embeddings": embedding,
    "/v1/completions": completion,
}


@contextmanager
def answering() -> Iterator[Upstream]:
    """Serve the scripts on a free port of this machine while the block runs."""
    upstream, loop, stop = Upstream(), asyncio.new_event_loop(), asyncio.Event()
    ready = threading.Event()

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        raw = await request.read()
        document = json.loads(raw)
        upstream.seen.append(Seen(request.path, dict(request.headers), document, raw))
        upstream.open += 1
        upstream.most_open = max(upstream.most_open, upstream.open)
        try:
            script = BY_PATH.get(request.path) or SCRIPTS[document["model"]]
            return await script(upstream, request, document)
        except ConnectionError:
            raise asyncio.CancelledError from None
        finally:
            upstream.open -= 1

    async def serve() -> None:
        runner = web.ServerRunner(web.Server(answer, access_log=None, handler_cancellation=True), shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        upstream.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        ready.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert ready.wait(10)
        yield upstream
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
