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
_ESCAPED = rb"\u"
EVENT_END = b"\n\n"
ESCAPE_BYTES_SAVED = 5
NAME_CHARS_MAX = 200
NAMED_EVENTS_MAX = 4
"""In which of a stream's first events an upstream's name is looked for."""


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

    def see_events(self, events: bytes) -> None:
        """Measure whole events of a stream, one after another."""
        self._count_text(self._text, events)
        begins = NAMED_EVENTS_MAX - self._events
        if begins > 0:
            first = events.split(EVENT_END, begins)[:begins]
            self._events += len(first)
            for event in first:
                self._read(_payload(event))
        if _USAGE.search(events):
            for event in events.split(EVENT_END):
                if _USAGE.search(event):
                    self._read(_payload(event))

    def see_document(self, body: bytes) -> None:
        """Measure a whole answer; raises `GarbageError` if it is no JSON object."""
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            raise GarbageError from None
        if not isinstance(document, dict):
            raise GarbageError
        self._count_text(_TEXT, body)
        self._read(document)

    def _count_text(self, pattern: re.Pattern[bytes], answer: bytes) -> None:
        for text in pattern.findall(answer):
            self.text_bytes += len(text) - ESCAPE_BYTES_SAVED * text.count(_ESCAPED)

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
    """Passes a stream on in whole events (server-sent events), holding back no more than one."""

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._return = b""

    def feed(self, piece: bytes) -> bytes:
        """Return the events that are whole now, with their ends; raises `GarbageError` for one that never ends."""
        piece = self._with_plain_lines(piece)
        before = self._held[-1][-1:] if self._held else b""
        cut = (before + piece).rfind(EVENT_END) + len(EVENT_END) - len(before)
        if cut < len(EVENT_END) - len(before):
            self._hold(piece)
            return b""
        whole = b"".join((*self._held, piece[:cut]))
        self._held, self._held_bytes = [], 0
        self._hold(piece[cut:])
        return whole

    def end(self) -> bytes:
        """Return what came after the last whole event."""
        return b"".join(self._held) + self._return

    def _with_plain_lines(self, piece: bytes) -> bytes:
        """Return a piece whose lines end in a line feed alone; a return at its end waits for what follows."""
        piece, self._return = self._return + piece, b""
        if b"\r" not in piece:
            return piece
        if piece.endswith(b"\r"):
            piece, self._return = piece[:-1], b"\r"
        return piece.replace(b"\r\n", b"\n")

    def _hold(self, piece: bytes) -> None:
        if not piece:
            return
        self._held.append(piece)
        self._held_bytes += len(piece)
        if self._held_bytes > limits.EVENT_BYTES_MAX:
            raise GarbageError


def without_usage_alone(events: bytes) -> bytes:
    """Return whole events without those that hold nothing but usage: they came because the gateway asked for them."""
    if not _USAGE.search(events):
        return events
    return b"".join(event + EVENT_END for event in events.split(EVENT_END)[:-1] if not _is_usage_alone(event))


def _is_usage_alone(event: bytes) -> bool:
    document = _payload(event) if _USAGE.search(event) else None
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
