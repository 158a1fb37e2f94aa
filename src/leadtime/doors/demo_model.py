"""A scripted endpoint that stands in for a model in the demonstration, and says that it is one.

It speaks as OpenAI's chat completions do, and keeps an access log for each model that it stands in for, as a
developer's server would: one JSON object a line, ``{"leaf", "at"}``, from the header that the gateway sends.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from leadtime.ledger import LEAF_HEADER

NAME = "scripted-stand-in"
ANSWER = (
    "I am a scripted endpoint that stands in for a model in this demonstration; I say the same to every question. "
    "A model would now look for unchecked bounds in what you sent."
)
HOME = "demo-model"
PORT_FILE = "port"
CHARS_PER_TOKEN = 4


def demo_home(home: Path) -> Path:
    """Return the folder of the stand-in's port and access log in an installation."""
    return home / HOME


def access_log(home: Path, model: str) -> Path:
    """Return where the stand-in of a model keeps its access log."""
    return demo_home(home) / f"{model}.ndjson"


def read_port(home: Path) -> int | None:
    """Return where the stand-in of a played story listens; None: no story with a model was played here."""
    path = demo_home(home) / PORT_FILE
    return int(path.read_text()) if path.is_file() else None


def build_demo_model(home: Path) -> Starlette:
    """Return the stand-in as an application."""
    models, chat = "/{model:str}/v1/models", "/{model:str}/v1/chat/completions"
    app = Starlette(routes=[Route(models, list_models), Route(chat, complete, methods=["POST"])])
    app.state.home = home
    return app


async def list_models(_: Request) -> Response:
    """Answer the one name it has."""
    return JSONResponse({"object": "list", "data": [{"id": NAME, "object": "model", "owned_by": "demonstration"}]})


async def complete(request: Request) -> Response:
    """Answer a chat completion, whole or as a stream; usage is counted by characters."""
    _note(request)
    body = await request.json()
    asked = sum(len(str(message.get("content", ""))) for message in body.get("messages", []))
    words = ANSWER.split(" ")[: int(body.get("max_tokens") or body.get("max_completion_tokens") or len(ANSWER))]
    usage = {"prompt_tokens": asked // CHARS_PER_TOKEN + 1, "completion_tokens": len(words)}
    usage["total_tokens"] = sum(usage.values())
    if body.get("stream"):
        return StreamingResponse(_stream(words, usage), media_type="text/event-stream")
    message = {"role": "assistant", "content": " ".join(words)}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return JSONResponse(_answer("chat.completion") | {"choices": [choice], "usage": usage})


def _note(request: Request) -> None:
    line = {"leaf": request.headers.get(LEAF_HEADER), "at": datetime.now(UTC).isoformat()}
    path = access_log(request.app.state.home, request.path_params["model"])
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(handle, "ab") as stream:
        stream.write(json.dumps(line).encode() + b"\n")


async def _stream(words: list[str], usage: dict[str, int]) -> AsyncIterator[bytes]:
    for number, word in enumerate(words):
        delta = {"role": "assistant", "content": word if number == 0 else f" {word}"}
        yield _event([{"index": 0, "delta": delta, "finish_reason": None}])
    yield _event([{"index": 0, "delta": {}, "finish_reason": "stop"}])
    yield _event([], usage)
    yield b"data: [DONE]\n\n"


def _event(choices: list[dict[str, object]], usage: dict[str, int] | None = None) -> bytes:
    return (
        b"data: "
        + json.dumps(_answer("chat.completion.chunk") | {"choices": choices, "usage": usage}).encode()
        + b"\n\n"
    )


def _answer(kind: str) -> dict[str, object]:
    return {"id": "chatcmpl-demonstration", "object": kind, "created": 0, "model": NAME}
