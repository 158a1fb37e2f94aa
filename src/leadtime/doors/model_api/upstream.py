"""The way to a model's upstream: one pool of connections, few headers, no redirects, nothing of the caller's own."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from hashlib import sha256

from aiohttp import (
    BytesPayload,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
    ThreadedResolver,
)
from aiohttp.abc import AbstractStreamWriter, ResolveResult

from leadtime.flow.gateway import Address, Call, limits
from leadtime.flow.window import WireFormat, is_closed
from leadtime.ledger import LEAF_HEADER

READ_BYTES = 256 * 1024

REQUEST_HEADERS = (
    (b"anthropic-version", "anthropic-version"),
    (b"anthropic-beta", "anthropic-beta"),
    (b"openai-beta", "openai-beta"),
)
"""What of a caller's headers goes on; its credential, addresses, cookies and the rest stay here."""

IDEMPOTENCY_KEY = b"idempotency-key"
"""Goes on in a form of its grant's own: all callers share one credential, and none may be given another's answer."""

ANSWER_HEADERS = ("content-type", "retry-after", "retry-after-ms", "x-should-retry", "request-id", "x-request-id")
ANSWER_PREFIXES = ("openai-processing-", "openai-version")
"""Not the upstream's own rate limits: all callers share one credential there, and would read each other's load."""

HEADER_BYTES_MAX = 1_000


def open_session() -> ClientSession:
    """Return the pool; to be closed by its opener, within a running event loop."""
    return ClientSession(
        connector=TCPConnector(limit=limits.UPSTREAM_CONNECTIONS_MAX, ttl_dns_cache=60, resolver=OpenAddresses()),
        cookie_jar=DummyCookieJar(),
        timeout=ClientTimeout(
            total=None, sock_connect=limits.CONNECT_SECONDS_MAX, sock_read=limits.SILENCE_SECONDS_MAX
        ),
        auto_decompress=False,
        read_bufsize=READ_BYTES,
        trust_env=False,
    )


class OpenAddresses(ThreadedResolver):
    """Looks names up without the addresses behind which no upstream is, such as a cloud's own (`window.is_closed`)."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return where a host is; raises OSError if nowhere that may be connected to."""
        found = [one for one in await super().resolve(host, port, family) if not is_closed(one["host"])]
        if not found:
            raise OSError(None, "no upstream is at any address of this name")
        return found


class Sending(BytesPayload):
    """A request's body that knows whether any of the request was written to the upstream yet.

    Its head goes out with the body's first bytes.
    """

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self.begun = False

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Write it, and note that it began."""
        self.begun = True
        await super().write_with_length(writer, content_length)


async def send_upstream(
    session: ClientSession, call: Call, credential: str, body: Sending, headers: Mapping[bytes, bytes]
) -> ClientResponse:
    """Send a call that was let through to its upstream; the answer's head is here when this returns."""
    return await session.request(
        "POST",
        url_of(call.standing.upstream, call.asked.address),
        data=body,
        headers=_headers(call, credential, headers),
        allow_redirects=False,
    )


def url_of(upstream: str, address: Address) -> str:
    """Return where an upstream answers an address; its base may end in /v1 or not, as both are common."""
    return upstream.rstrip("/").removesuffix("/v1") + address.value


def answer_headers(answer: ClientResponse) -> list[tuple[bytes, bytes]]:
    """Return what of an upstream's headers is told to callers."""
    return [
        (name.lower().encode(), value.encode("latin-1", "replace")[:HEADER_BYTES_MAX])
        for name, value in answer.headers.items()
        if name.lower() in ANSWER_HEADERS or name.lower().startswith(ANSWER_PREFIXES)
    ]


def _headers(call: Call, credential: str, given: Mapping[bytes, bytes]) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "Accept": "text/event-stream" if call.asked.stream else "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": "leadtime",
        LEAF_HEADER: str(call.id),
    }
    if credential:
        anthropic = call.standing.wire_format is WireFormat.ANTHROPIC
        name, value = ("x-api-key", credential) if anthropic else ("Authorization", f"Bearer {credential}")
        headers[name] = value
    for name_given, name_sent in REQUEST_HEADERS:
        if name_given in given:
            headers[name_sent] = given[name_given].decode("latin-1")
    if IDEMPOTENCY_KEY in given:
        headers["Idempotency-Key"] = sha256(call.standing.grant.bytes + given[IDEMPOTENCY_KEY]).hexdigest()
    return headers
