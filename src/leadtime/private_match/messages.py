"""The two messages, versioned and bounded: a request of blinded points, and its answer.

``LTPM`` and one byte of version stand before both. A request is then a ``Request`` of openmined-psi (protobuf); an
answer is the length of the set (4 bytes, big-endian), the set (``ServerSetup``) and the points (``Response``).
"""

from __future__ import annotations

from typing import Any

from leadtime.foundation.errors import Malformed
from leadtime.private_match.library import find_library
from leadtime.private_match.limits import (
    ANSWER_BYTES_MAX,
    ASKED_MAX,
    ASKED_MIN,
    POINT_BYTES,
    REQUEST_BYTES_MAX,
)

MAGIC = b"LTPM\x01"
LENGTH_BYTES = 4


def write_request(request: Any) -> bytes:
    """Return a request as it is sent."""
    content: bytes = request.SerializeToString()
    return MAGIC + content


def read_request(message: bytes) -> Any:
    """Return the request in a message; raises `Malformed` for anything but one that `Asker` could have made."""
    library = find_library()
    request = library.psi.Request()
    try:
        request.ParseFromString(_content(message, REQUEST_BYTES_MAX))
    except library.undecodable:
        raise unreadable("request") from None
    count = len(request.encrypted_elements)
    if not ASKED_MIN <= count <= ASKED_MAX or count & (count - 1):
        raise Malformed(
            f"a request holds a power of two of elements, from {ASKED_MIN} to {ASKED_MAX}",
            where="request",
            next_step="Fill it up, or ask in parts.",
        )
    if not request.reveal_intersection or any(len(each) != POINT_BYTES for each in request.encrypted_elements):
        raise unreadable("request")
    return request


def count_asked(message: bytes) -> int:
    """Return how many elements a request asks for, the filling included; raises `Malformed` as reading it does."""
    return len(read_request(message).encrypted_elements)


def write_answer(held: Any, points: Any) -> bytes:
    """Return an answer as it is sent."""
    whole: bytes = held.SerializeToString()
    blinded: bytes = points.SerializeToString()
    return MAGIC + len(whole).to_bytes(LENGTH_BYTES, "big") + whole + blinded


def read_answer(message: bytes, *, asked: int) -> tuple[Any, Any]:
    """Return the set and the points of an answer to a request of ``asked`` elements; raises `Malformed`."""
    content = _content(message, ANSWER_BYTES_MAX)
    length, content = int.from_bytes(content[:LENGTH_BYTES], "big"), content[LENGTH_BYTES:]
    library = find_library()
    held, points = library.psi.ServerSetup(), library.psi.Response()
    try:
        held.ParseFromString(content[:length])
        points.ParseFromString(content[length:])
    except library.undecodable:
        raise unreadable("answer") from None
    wrong = any(len(each) != POINT_BYTES for each in points.encrypted_elements)
    if held.WhichOneof("data_structure") != "gcs" or len(points.encrypted_elements) != asked or wrong:
        raise unreadable("answer")
    return held, points


def unreadable(where: str) -> Malformed:
    """Return the refusal of a message that is none, or of another version."""
    return Malformed(
        "this is no message of private matching, version 1", where=where, next_step="Use the same version at both ends."
    )


def _content(message: bytes, bytes_max: int) -> bytes:
    if len(message) > bytes_max or not message.startswith(MAGIC):
        raise unreadable("message")
    return message.removeprefix(MAGIC)
