"""Measures an upstream's answer while it passes: whole events, bytes of text, usage, and what it calls itself."""

from __future__ import annotations

import json
import re
from hashlib import sha256

from leadtime.flow.gateway import Address, Fingerprint, Usage, limits
from leadtime.foundation.strict_json import Json

_TEXT = re.compile(
    rb'"(?:content|text|reasoning_content|reasoning|thinking|refusal|arguments|partial_json)"\s*:\s*"((?:[^"\\]|\\.)*)"'
)
_DELTA = re.compile(rb'"delta"\s*:\s*"((?:[^"\\]|\\.)*)"')
"""Responses repeat the whole text in later events; only the pieces count."""

_USAGE = re.compile(rb'"usage"\s*:\s*\{')
_NAMED = re.compile(rb'"model"\s*:\s*"')
_ESCAPED = rb"\u"
ESCAPE_BYTES_SAVED = 5
NAME_CHARS_MAX = 200
NAMED_EVENTS_MAX = 4
"""In which of the first events an upstream's name is looked for."""


class GarbageError(Exception):
    """What came is no answer of the form that was asked for."""


class Measured:
    """What an answer shows about itself, gathered piece by piece."""

    def __init__(self, address: Address) -> None:
        self._text = _DELTA if address is Address.RESPONSES else _TEXT
        self._events = 0
        self._input: int | None = None
        self._output: int | None = None
        self.bytes = 0
        self.text_bytes = 0
        self.named = Fingerprint("")
        self.sha256 = sha256()

    @property
    def usage(self) -> Usage | None:
        """Return what the upstream reported; None if it reported nothing."""
        if self._input is None and self._output is None:
            return None
        return Usage(self._input or 0, self._output or 0)

    def see_event(self, event: bytes) -> None:
        """Measure one event of a stream (it may hold several lines)."""
        for text in self._text.findall(event):
            self.text_bytes += len(text) - ESCAPE_BYTES_SAVED * text.count(_ESCAPED)
        self._events += 1
        if _USAGE.search(event) or (self._events <= NAMED_EVENTS_MAX and _NAMED.search(event)):
            self._read(_payload(event))

    def see_document(self, body: bytes) -> None:
        """Measure a whole answer; raises `GarbageError` if it is no JSON object."""
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            raise GarbageError from None
        if not isinstance(document, dict):
            raise GarbageError
        self.text_bytes = sum(len(text) - ESCAPE_BYTES_SAVED * text.count(_ESCAPED) for text in _TEXT.findall(body))
        self._read(document)

    def _read(self, document: Json) -> None:
        if not isinstance(document, dict):
            return
        for part in (document, document.get("message"), document.get("response")):
            if isinstance(part, dict):
                self._read_usage(part.get("usage"))
                self._read_name(part)

    def _read_usage(self, usage: Json) -> None:
        if not isinstance(usage, dict):
            return
        named = ("prompt_tokens", "input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
        came_in = [count for count in (_count(usage.get(name)) for name in named) if count is not None]
        came_out = [
            count
            for count in (_count(usage.get(name)) for name in ("completion_tokens", "output_tokens"))
            if count is not None
        ]
        if came_in:
            self._input = max(self._input or 0, sum(came_in))
        if came_out:
            self._output = max(self._output or 0, *came_out)

    def _read_name(self, part: dict[str, Json]) -> None:
        model, system = part.get("model"), part.get("system_fingerprint")
        self.named = Fingerprint(
            _printable(model) if isinstance(model, str) else self.named.model,
            _printable(system) if isinstance(system, str) else self.named.system,
        )


def _printable(name: str) -> str:
    """Return the beginning of an upstream's name as one that every table and leaf can hold."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name[:NAME_CHARS_MAX])


class Events:
    """Splits a stream into whole events (server-sent events), holding back no more than one."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> list[bytes]:
        """Return the events that are whole now, each with its end; raises `GarbageError` for one that never ends."""
        whole = self._rest + piece
        if b"\r" in whole:
            whole = whole.replace(b"\r\n", b"\n")
        *events, self._rest = whole.split(b"\n\n")
        if len(self._rest) > limits.EVENT_BYTES_MAX:
            raise GarbageError
        return [event + b"\n\n" for event in events]

    def end(self) -> bytes:
        """Return what came after the last whole event."""
        return self._rest


def is_usage_alone(event: bytes) -> bool:
    """Tell whether an event holds nothing but usage, which comes only because the gateway asked for it."""
    if not _USAGE.search(event):
        return False
    document = _payload(event)
    return isinstance(document, dict) and document.get("choices") == []


def _payload(event: bytes) -> Json:
    lines = [line[5:] for line in event.split(b"\n") if line.startswith(b"data:")]
    try:
        document: Json = json.loads(b"\n".join(lines))
    except (ValueError, RecursionError):
        return None
    return document


def _count(value: Json) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return min(max(value, 0), limits.OUTPUT_TOKENS_MAX)
