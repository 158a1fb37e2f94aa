"""One request of a client command to the server at LEADTIME_URL, as the person of LEADTIME_TOKEN."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

import click
import httpx

from leadtime.doors.visible import visible, visible_line
from leadtime.foundation.errors import LeadtimeError, Malformed, Missing, Refused, Unavailable
from leadtime.foundation.settings import Settings, read_settings

CONNECT_SECONDS_MAX = 10.0
ANSWER_SECONDS_MAX = 60.0
ANSWER_BYTES_MAX = 16 << 20
SERVER_FAULT = 500
NOT_FOUND = 404


def open_client(settings: Settings, *, answer_seconds: float = ANSWER_SECONDS_MAX) -> httpx.Client:
    """Return a client of the server that the settings name, with the person's token."""
    if settings.token is None:
        raise Refused("a token is needed", where="LEADTIME_TOKEN", next_step="Set it to the one you were given.")
    return httpx.Client(
        base_url=settings.url,
        headers={"authorization": f"Bearer {settings.token}"},
        timeout=httpx.Timeout(answer_seconds, connect=CONNECT_SECONDS_MAX),
    )


def call(method: str, path: str, body: Mapping[str, object] | None = None) -> dict[str, object]:
    """Return the JSON object that the server answers to one request; raises as `ask`."""
    settings = read_settings(os.environ)
    with open_client(settings) as client:
        return read_object(ask(client, client.build_request(method, f"/api/v1{path}", json=body)), settings.url)


def send(path: str, body: Mapping[str, object] | None = None) -> None:
    """Post something whose answer tells nothing but that it was done; raises as `ask`."""
    with open_client(read_settings(os.environ)) as client:
        ask(client, client.build_request("POST", f"/api/v1{path}", json=body))


def ask(client: httpx.Client, request: httpx.Request) -> bytes:
    """Return the body of the server's answer.

    Raises `Refused`, `Missing` or `Malformed` with the server's own sentence, `Unavailable` if it does not answer.
    """
    where = str(client.base_url).rstrip("/")
    try:
        answer = client.send(request, stream=True)
        try:
            content = _read(answer, where)
        finally:
            answer.close()
    except httpx.HTTPError as problem:
        raise Unavailable(
            f"the server does not answer ({type(problem).__name__})",
            where=where,
            next_step="Start it with leadtime serve, or set LEADTIME_URL.",
        ) from None
    if not answer.is_success:
        raise _problem(answer.status_code, _object(content), where)
    return content


def read_object(content: bytes, where: str) -> dict[str, object]:
    """Return an answer's JSON object; raises `Unavailable` for anything else."""
    told = _object(content)
    if told is None:
        raise Unavailable("the server's answer cannot be read", where=where, next_step="Check LEADTIME_URL.")
    return told


def tell(told: Mapping[str, object], *, as_json: bool) -> None:
    """Print an answer: as JSON, or its result one member a line under the sentence of law."""
    if as_json:
        click.echo(json.dumps(told))
        return
    result = told.get("result")
    click.echo(visible(json.dumps(result, indent=2, ensure_ascii=False)))
    click.echo(visible_line(str(told.get("notice", ""))), err=True)


def _read(answer: httpx.Response, where: str) -> bytes:
    content = bytearray()
    for piece in answer.iter_bytes():
        content += piece
        if len(content) > ANSWER_BYTES_MAX:
            raise Unavailable("the server's answer is too large", where=where, next_step="Tell its people.")
    return bytes(content)


def _object(content: bytes) -> dict[str, object] | None:
    try:
        told = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _problem(status: int, told: Mapping[str, object] | None, where: str) -> LeadtimeError:
    """Return the server's refusal as ours, by its problem details (RFC 9457)."""
    family: type[LeadtimeError] = Refused
    told = told or {}
    if status >= SERVER_FAULT:
        family = Unavailable
    elif status == NOT_FOUND:
        family = Missing
    elif told.get("type") == "/api#malformed":
        family = Malformed
    what = str(told.get("detail") or told.get("title") or f"the server answered {status}").rstrip(".")
    next_step = "Try again." if family is Unavailable else ""
    return family(what, where=str(told.get("where") or where), next_step=str(told.get("next_step") or next_step))
