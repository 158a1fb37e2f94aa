"""Reads a request as far as the gateway has to, and writes it anew for the upstream; unknown fields stay as they are.

What leaves is always what was read: a body with two readings has only one of them afterwards.
"""

from __future__ import annotations

import json
import string
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite

from leadtime.flow.gateway import Address, Asked, Reservation, limits, output_maximum
from leadtime.flow.window import Variant
from leadtime.foundation.errors import Malformed
from leadtime.foundation.strict_json import Json

OUT_FIELDS: Mapping[Address, tuple[str, ...]] = {
    Address.CHAT: ("max_completion_tokens", "max_tokens"),
    Address.COMPLETIONS: ("max_tokens",),
    Address.RESPONSES: ("max_output_tokens",),
    Address.MESSAGES: ("max_tokens",),
    Address.EMBEDDINGS: (),
    Address.COUNT_TOKENS: (),
}
"""Where each address takes the most tokens that may come out; the first is written where none is stated."""

IMAGES = frozenset({"image", "image_url", "input_image"})
BASE64 = f"{string.ascii_letters}{string.digits}+/=".encode()
OF_UNKNOWN_SIZE = frozenset(
    {"document", "file", "input_file", "input_audio", "audio", "video", "video_url", "search_result"}
)
OWN_TOOLS = frozenset({"function", "custom"})
"""Tools that the caller runs itself; any other is the upstream's, and brings in what nobody has counted."""

ELSEWHERE = frozenset({"previous_response_id", "conversation", "container", "file_id", "vector_store_ids"})
"""Fields that name what is kept at the upstream, perhaps for somebody else: all callers share one credential there."""

METERED_STREAMS = frozenset({Address.CHAT, Address.COMPLETIONS})
"""Streams that report usage only when asked to."""


@dataclass(frozen=True, slots=True, repr=False)
class Read:
    """A request that was read: the document, what it asks for, whether its caller wants usage in the stream."""

    document: dict[str, Json]
    asked: Asked
    wants_usage: bool


def read_request(address: Address, raw: bytes) -> Read:
    """Return what a body asks for; raises `Malformed` with the field that is wrong."""
    document = _parse(raw)
    model, stream = document.get("model"), document.get("stream", False)
    if not isinstance(model, str):
        raise Malformed("this must be the model's name", where="model", next_step="Ask /v1/models for the names.")
    if not isinstance(stream, bool | None):
        raise Malformed("this must be true or false", where="stream", next_step="Correct it.")
    contents = _Contents(document)
    stated = [output_maximum(document.get(name), name) for name in OUT_FIELDS[address]]
    options = document.get("stream_options")
    if options is not None and not isinstance(options, dict):
        raise Malformed("this must be an object", where="stream_options", next_step="Correct it.")
    asked = Asked(
        address=address,
        model=model,
        stream=bool(stream),
        input_tokens_max=contents.tokens_max(len(raw)),
        out_max=max((one for one in stated if one is not None), default=None) if stated else 0,
        out_times=_answers(address, document),
        unbounded=contents.unbounded or _foreign_tools(document),
        elsewhere=contents.elsewhere or _reaches_elsewhere(document),
        echoes=bool(document.get("echo")),
    )
    return Read(document, asked, wants_usage=bool((options or {}).get("include_usage")))


def write_request(read: Read, variant: Variant, reservation: Reservation) -> bytes:
    """Return the body for the upstream: its own model name, the reserved maximum, and a stream that tells its usage."""
    document, address = {**read.document, "model": variant.upstream_model}, read.asked.address
    if reservation.out_max is not None:
        document[OUT_FIELDS[address][0]] = reservation.out_max
    if read.asked.stream and address in METERED_STREAMS:
        options = document.get("stream_options")
        document["stream_options"] = {**(options if isinstance(options, dict) else {}), "include_usage": True}
    if address is Address.RESPONSES:
        document["store"] = False
    return json.dumps(document, separators=(",", ":"), allow_nan=False).encode()


def _parse(raw: bytes) -> dict[str, Json]:
    # Each mark stands before a value that is walked, so that this bounds the walk before anything is parsed.
    if raw.count(b"[") + raw.count(b"{") > limits.JSON_CONTAINERS_MAX or raw.count(b",") > limits.JSON_VALUES_MAX:
        raise Malformed("the body holds too many values", where="body", next_step="Split it.")
    try:
        document = json.loads(raw, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        raise Malformed("the body is not JSON", where="body", next_step="Send one JSON object.") from None
    if not isinstance(document, dict):
        raise Malformed("the body is not a JSON object", where="body", next_step="Send one JSON object.")
    return document


def _refuse_constant(_: str) -> Json:
    raise ValueError


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError
    return number


def _answers(address: Address, document: Mapping[str, Json]) -> int:
    """Return how many answers of the maximum's length may come."""
    times = 1
    for name in ("n", "best_of"):
        value = document.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= limits.CHOICES_MAX:
            raise Malformed(f"this must be 1 to {limits.CHOICES_MAX}", where=name, next_step="Correct it.")
        times = max(times, value)
    prompt = document.get("prompt")
    if address is Address.COMPLETIONS and isinstance(prompt, list) and prompt and not isinstance(prompt[0], int):
        if len(prompt) > limits.PROMPTS_MAX:
            raise Malformed(
                f"at most {limits.PROMPTS_MAX} prompts go into one call", where="prompt", next_step="Split it."
            )
        times *= len(prompt)
    return times


def _foreign_tools(document: Mapping[str, Json]) -> str:
    tools = document.get("tools")
    for tool in tools if isinstance(tools, list) else ():
        if isinstance(tool, dict) and tool.get("type", "custom") not in OWN_TOOLS:
            return "a tool that the upstream runs"
    return "a tool server" if document.get("mcp_servers") else ""


def _reaches_elsewhere(document: Mapping[str, Json]) -> str:
    """Return the field of the request itself that keeps something at the upstream, or reaches what is kept there."""
    for name in ("background", "store"):
        if document.get(name) is True:
            return name
    named = [name for name in (*sorted(ELSEWHERE), "web_search_options") if document.get(name) is not None]
    if isinstance(document.get("prompt"), dict):
        # Of the Responses API: a prompt that is stored there; elsewhere a prompt is text.
        named.append("prompt")
    return named[0] if named else ""


class _Contents:
    """What a request holds besides text, found by walking it once, level by level; raises `Malformed` if too deep."""

    def __init__(self, document: dict[str, Json]) -> None:
        self.unbounded = ""
        self.elsewhere = ""
        self.images = 0
        self.image_bytes = sum(_image_bytes(part) for part in _parts(document) if part.get("type") in IMAGES)
        level: list[Json] = [document]
        depth = 0
        while level and depth < limits.JSON_DEPTH_MAX:
            level = [member for value in level for member in self._members(value) if isinstance(member, dict | list)]
            depth += 1
        if level:
            sentence = f"the body is nested more than {limits.JSON_DEPTH_MAX} levels deep"
            raise Malformed(sentence, where="body", next_step="Send it flatter.")

    def tokens_max(self, body_bytes: int) -> int:
        """Return the most tokens that can go in: one for each byte of text, and a bound for each image."""
        return body_bytes - self.image_bytes + self.images * limits.IMAGE_TOKENS_MAX + limits.INPUT_OVERHEAD_TOKENS

    def _members(self, value: Json) -> Iterable[Json]:
        if isinstance(value, list):
            return value
        if isinstance(value, dict):
            self._note(value)
            return value.values()
        return ()

    def _note(self, value: dict[str, Json]) -> None:
        kind = value.get("type")
        if isinstance(kind, str):
            if kind in IMAGES:
                self.images += 1
            elif kind in OF_UNKNOWN_SIZE:
                self.unbounded = f"a part of type {kind}"
            elif kind == "item_reference":
                self.elsewhere = kind
        for name in ELSEWHERE & value.keys():
            # The name of a tool's own parameter is a schema; a reference is text or a list.
            if isinstance(value[name], str | list):
                self.elsewhere = name


def _parts(document: Mapping[str, Json]) -> Iterator[dict[str, Json]]:
    """Yield the parts of a request's messages: only there an image is taken for one, anywhere else it is text."""
    lists: list[Json] = [
        message.get(name)
        for message in (*_objects(document.get("messages")), *_objects(document.get("input")))
        for name in ("content", "output")
    ]
    for parts in lists:
        for part in _objects(parts):
            yield part
            # An Anthropic tool's result is a part that holds parts.
            yield from _objects(part.get("content")) if part.get("type") == "tool_result" else ()


def _objects(value: Json) -> Iterator[dict[str, Json]]:
    yield from (one for one in value if isinstance(one, dict)) if isinstance(value, list) else ()


def _image_bytes(part: Mapping[str, Json]) -> int:
    """Return how many bytes of the body are an image's own; none for what is not base64, which may be read as text."""
    held, source = part.get("image_url"), part.get("source")
    if isinstance(held, dict):
        held = held.get("url")
    content: Json = None
    if isinstance(held, str):
        head, _, rest = held.partition(",")
        content = rest if head.startswith("data:image/") and head.endswith(";base64") else None
    elif isinstance(source, dict) and source.get("type") == "base64":
        content = source.get("data")
    if not isinstance(content, str) or not content.isascii() or content.encode().translate(None, BASE64):
        return 0
    return len(content)
