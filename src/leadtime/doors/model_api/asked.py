"""One HTTP request as the gateway's door sees it: headers, credential, body within bounds, and an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Network, IPv6Network, ip_address

from starlette.types import Receive, Scope, Send

from leadtime.doors.model_api.shapes import Wrong, error_body, error_headers
from leadtime.flow.gateway import limits
from leadtime.flow.window import WireFormat
from leadtime.foundation.errors import Malformed

Networks = tuple[IPv4Network | IPv6Network, ...]
Header = tuple[bytes, bytes]

SCHEMES = frozenset({"bearer", "dpop"})
FORWARDED_MAX = 16


class TooLargeError(Exception):
    """The body is larger than any may be."""


class BusyError(Exception):
    """The process holds as many bodies as it may."""


class GoneError(Exception):
    """The caller left before its request was whole."""


class Written(Enum):
    """How much of an answer has been written."""

    NOTHING = 0
    BEGUN = 1
    WHOLE = 2


@dataclass(frozen=True, slots=True, repr=False)
class Credential:
    """The secret that came with a request, and how it was presented."""

    scheme: str
    secret: str


class Exchange:
    """A request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.peer = str((scope.get("client") or ("", 0))[0])
        self.written = Written.NOTHING

    def header(self, name: bytes) -> str:
        """Return a header's text, empty if it is not there."""
        return self.headers.get(name, b"").decode("latin-1")

    @property
    def wire_format(self) -> WireFormat:
        """Return whose client this seems to be, for answers before the address tells."""
        anthropic = b"anthropic-version" in self.headers or self.path.startswith("/v1/messages")
        return WireFormat.ANTHROPIC if anthropic else WireFormat.OPENAI

    def credential(self) -> Credential | None:
        """Return the secret of ``Authorization: Bearer``, ``DPoP`` or ``x-api-key``; None if there is none."""
        scheme, _, secret = self.header(b"authorization").partition(" ")
        if secret and scheme.lower() in SCHEMES:
            return Credential(scheme.lower(), secret.strip())
        key = self.header(b"x-api-key")
        return Credential("bearer", key) if key else None

    def network(self, proxies: Networks) -> str:
        """Return the caller's address; behind a proxy of ours, the last one that no proxy of ours has."""
        address = self.peer
        hops = self.header(b"x-forwarded-for").split(",")[-FORWARDED_MAX:]
        for hop in reversed([hop.strip() for hop in hops if hop.strip()]):
            if not _is_within(address, proxies):
                break
            address = hop
        return address

    async def body(self, take: Callable[[int], None]) -> bytes:
        """Return the body; raises `TooLargeError` as soon as that is known, `GoneError` if the caller leaves.

        ``take`` is told the bytes of each piece, and may raise.
        """
        stated = self.header(b"content-length")
        if stated and (not stated.isdecimal() or int(stated) > limits.REQUEST_BYTES_MAX):
            raise TooLargeError
        pieces, size = [], 0
        while True:
            message = await self._receive()
            if message["type"] != "http.request":
                raise GoneError
            piece = message.get("body", b"")
            size += len(piece)
            if size > limits.REQUEST_BYTES_MAX:
                raise TooLargeError
            take(len(piece))
            pieces.append(piece)
            if not message.get("more_body", False):
                return b"".join(pieces)

    async def until_gone(self) -> None:
        """Return when the caller leaves; to be asked only after the body."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def begin(self, status: int, headers: Iterable[Header]) -> None:
        """Write status and headers."""
        self.written = Written.BEGUN
        await self._send({"type": "http.response.start", "status": status, "headers": [*headers]})

    async def piece(self, body: bytes) -> None:
        """Write a piece of the answer; returns when the caller has taken what was written before."""
        await self._send({"type": "http.response.body", "body": body, "more_body": True})

    async def end(self, body: bytes = b"") -> None:
        """Write the last piece."""
        self.written = Written.WHOLE
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def answer(self, status: int, headers: Iterable[Header], body: bytes) -> None:
        """Write a whole answer."""
        await self.begin(status, [*headers, (b"content-length", str(len(body)).encode())])
        # No other word fits in from here on.
        self.written = Written.WHOLE
        await self.end(body)

    async def refuse(self, wrong: Wrong, headers: Iterable[Header] = ()) -> None:
        """Write an error as the caller's client reads it."""
        await self.answer(wrong.status, [*error_headers(wrong), *headers], error_body(wrong, self.wire_format))


def parse_networks(texts: Iterable[str]) -> Networks:
    """Return networks by their CIDR; raises `Malformed`."""
    try:
        return tuple(_network(text) for text in texts)
    except ValueError:
        raise Malformed("this is no network", where="LEADTIME_PROXIES", next_step="Write it like 10.0.0.0/8.") from None


def _network(text: str) -> IPv4Network | IPv6Network:
    return IPv6Network(text) if ":" in text else IPv4Network(text)


def _is_within(address: str, networks: Networks) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in networks)
