"""An upstream for the demonstration: a small real model where it is installed, else a script that says it is one.

It speaks as OpenAI's chat completions do, and keeps an access log for each model that it stands in for, as a
developer's server would: one JSON object a line, ``{"leaf", "at"}``, from the header that the gateway sends.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from leadtime.doors.demo_speakers import Said, Scripted, Small, Speaker, find_weights
from leadtime.doors.serving import HOST, serve
from leadtime.ledger import LEAF_HEADER

HOME = "demo-model"
PORT_FILE = "port"
SPEAKER_FILE = "speaker"
CHARS_PER_TOKEN = 4
TOKENS_DEFAULT = 100

log = structlog.get_logger()


def demo_home(home: Path) -> Path:
    """Return the folder of the upstream's port and access logs in an installation."""
    return home / HOME


def access_log(home: Path, model: str) -> Path:
    """Return where the upstream keeps the access log of a model."""
    return demo_home(home) / f"{model}.ndjson"


def read_port(home: Path) -> int | None:
    """Return where the upstream of a played story listens; None: no story with a model was played here."""
    path = demo_home(home) / PORT_FILE
    return int(path.read_text()) if path.is_file() else None


def make_demo_home(home: Path, port: int) -> Speaker:
    """Say once where the upstream of a story listens and who answers there, and return who does."""
    folder = demo_home(home)
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / PORT_FILE).write_text(f"{port}\n")
    weights = find_weights()
    speaker = Scripted() if weights is None else Small(weights)
    (folder / SPEAKER_FILE).write_text(f"{speaker.name}\n")
    return speaker


def find_speaker(home: Path) -> Speaker:
    """Return who answers at this installation; the script, where the small model that was chosen is gone."""
    chosen, weights = demo_home(home) / SPEAKER_FILE, find_weights()
    if weights is not None and chosen.is_file() and chosen.read_text().strip() == weights.stem:
        return Small(weights)
    return Scripted()


async def serve_demo_model(home: Path, port: int, stop: asyncio.Event) -> None:
    """Serve the upstream until ``stop`` is set."""
    speaker = find_speaker(home)
    try:
        await serve(build_demo_model(home, speaker), HOST, port, stop)
    finally:
        await speaker.close()


def build_demo_model(home: Path, speaker: Speaker) -> Starlette:
    """Return the upstream as an application."""
    models, chat = "/{model:str}/v1/models", "/{model:str}/v1/chat/completions"
    app = Starlette(routes=[Route(models, list_models), Route(chat, complete, methods=["POST"])])
    app.state.home, app.state.speaker = home, speaker
    return app


async def list_models(request: Request) -> Response:
    """Answer the one name it has."""
    named = {"id": request.app.state.speaker.name, "object": "model", "owned_by": "demonstration"}
    return JSONResponse({"object": "list", "data": [named]})


async def complete(request: Request) -> Response:
    """Answer a chat completion, whole or as a stream; what was asked is counted by characters."""
    _note(request)
    body = await request.json()
    conversation = [Said(str(each.get("role")), str(each.get("content", ""))) for each in body.get("messages", [])]
    speaker: Speaker = request.app.state.speaker
    tokens_max = int(body.get("max_tokens") or body.get("max_completion_tokens") or TOKENS_DEFAULT)
    pieces = speaker.speak(conversation, tokens_max=tokens_max)
    asked = sum(len(each.content) for each in conversation) // CHARS_PER_TOKEN + 1
    if body.get("stream"):
        return StreamingResponse(_stream(pieces, speaker.name, asked), media_type="text/event-stream")
    try:
        said = [piece async for piece in pieces]
    except (OSError, TimeoutError) as problem:
        log.warning("the small model does not answer", kind=type(problem).__name__)
        return JSONResponse({"error": {"message": "the model ended", "type": "server_error"}}, status_code=500)
    choice = {"index": 0, "message": {"role": "assistant", "content": "".join(said)}, "finish_reason": "stop"}
    answer = _answer("chat.completion", speaker.name)
    return JSONResponse(answer | {"choices": [choice], "usage": _usage(asked, len(said))})


def _note(request: Request) -> None:
    line = {"leaf": request.headers.get(LEAF_HEADER), "at": datetime.now(UTC).isoformat()}
    path = access_log(request.app.state.home, request.path_params["model"])
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(handle, "ab") as stream:
        stream.write(json.dumps(line).encode() + b"\n")


async def _stream(pieces: AsyncGenerator[str, None], name: str, asked: int) -> AsyncIterator[bytes]:
    said = 0
    async with aclosing(pieces):
        async for piece in pieces:
            said += 1
            delta = {"role": "assistant", "content": piece}
            yield _event(name, [{"index": 0, "delta": delta, "finish_reason": None}])
    yield _event(name, [{"index": 0, "delta": {}, "finish_reason": "stop"}])
    yield _event(name, [], _usage(asked, said))
    yield b"data: [DONE]\n\n"


def _event(name: str, choices: list[dict[str, object]], usage: Mapping[str, int] | None = None) -> bytes:
    told = _answer("chat.completion.chunk", name) | {"choices": choices, "usage": usage}
    return b"data: " + json.dumps(told).encode() + b"\n\n"


def _usage(asked: int, said: int) -> dict[str, int]:
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


def _answer(kind: str, name: str) -> dict[str, object]:
    return {"id": "chatcmpl-demonstration", "object": kind, "created": 0, "model": name}
