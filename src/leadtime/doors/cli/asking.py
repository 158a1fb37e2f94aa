"""One request of a client command to the server at LEADTIME_URL, as the person of LEADTIME_TOKEN."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

import click
import httpx

from leadtime.doors.visible import visible, visible_line
from leadtime.foundation.errors import LeadtimeError, Malformed, Missing, Refused, Unavailable
from leadtime.foundation.settings import read_settings

CONNECT_SECONDS_MAX = 10.0
ANSWER_SECONDS_MAX = 60.0
ANSWER_BYTES_MAX = 16 << 20
SERVER_FAULT = 500
NOT_FOUND = 404


def call(method: str, path: str, body: Mapping[str, object] | None = None) -> dict[str, object]:
    """Return the JSON object that the server answers to one request.

    Raises `Refused`, `Missing` or `Malformed` with the server's own sentence, `Unavailable` if it does not answer.
    """
    settings = read_settings(os.environ)
    if settings.token is None:
        raise Refused("a token is needed", where="LEADTIME_TOKEN", next_step="Set it to the one you were given.")
    timeout = httpx.Timeout(ANSWER_SECONDS_MAX, connect=CONNECT_SECONDS_MAX)
    headers = {"authorization": f"Bearer {settings.token}"}
    try:
        with (
            httpx.Client(base_url=settings.url, headers=headers, timeout=timeout) as client,
            client.stream(method, f"/api/v1{path}", json=body) as answer,
        ):
            told = _read(answer)
    except httpx.HTTPError as problem:
        raise Unavailable(
            f"the server did not answer ({type(problem).__name__})", where=settings.url, next_step="Try again."
        ) from None
    if not answer.is_success:
        raise _problem(answer.status_code, told)
    return told


def tell(told: Mapping[str, object], *, as_json: bool) -> None:
    """Print an answer: as JSON, or its result one member a line under the sentence of law."""
    if as_json:
        click.echo(json.dumps(told))
        return
    result = told.get("result")
    click.echo(visible(json.dumps(result, indent=2, ensure_ascii=False)))
    click.echo(visible_line(str(told.get("notice", ""))), err=True)


def _read(answer: httpx.Response) -> dict[str, object]:
    content = bytearray()
    for piece in answer.iter_bytes():
        content += piece
        if len(content) > ANSWER_BYTES_MAX:
            raise Unavailable("the server's answer is too large", where=str(answer.url), next_step="Tell its people.")
    try:
        told = json.loads(content)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise Unavailable(
            f"the server answered {answer.status_code} and nothing that can be read",
            where=str(answer.url),
            next_step="Check LEADTIME_URL.",
        )
    return told


def _problem(status: int, told: Mapping[str, object]) -> LeadtimeError:
    family: type[LeadtimeError] = Refused
    if status >= SERVER_FAULT:
        family = Unavailable
    elif status == NOT_FOUND:
        family = Missing
    elif told.get("type") == "/api#malformed":
        family = Malformed
    what = str(told.get("detail") or f"the server answered {status}").rstrip(".")
    return family(what, where=str(told.get("where") or ""), next_step=str(told.get("next_step") or ""))
