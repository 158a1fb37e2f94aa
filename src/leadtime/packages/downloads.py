"""Bytes over HTTP within bounds: size, time, redirects, tries; http and https only."""

from __future__ import annotations

import hashlib
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, TypeVar
from urllib.parse import urljoin

import httpx

from leadtime.foundation.errors import Missing, Refused, Unavailable
from leadtime.packages import limits
from leadtime.packages.addresses import Guard
from leadtime.packages.indexes import pip_certificate

_OK, _TOO_MANY, _SERVER_ERROR = 200, 429, 500
_GONE = frozenset({404, 410, 451})
_Read = TypeVar("_Read")


class _TryAgain(Exception):
    """The answer may be better next time."""


@dataclass(frozen=True, slots=True)
class Page:
    """A whole small answer: its bytes, its media type and where it finally came from."""

    content: bytes
    media_type: str
    address: str


@dataclass(frozen=True, slots=True)
class Digests:
    """The digests of a downloaded file, in hexadecimal, by the names that indexes use."""

    sha1: str
    sha256: str
    sha512: str


def open_client(environment: Mapping[str, str]) -> httpx.Client:
    """Return a client that honours the environment's proxies and the certificates that pip was told to trust.

    ``PIP_CERT`` comes first, then ``SSL_CERT_FILE`` and ``SSL_CERT_DIR``; raises `Unavailable` if the file cannot
    be read.
    """
    bundle = pip_certificate(environment) or environment.get("SSL_CERT_FILE")
    try:
        context = ssl.create_default_context(cafile=bundle) if bundle else httpx.create_ssl_context()
    except OSError:
        raise Unavailable(
            "the certificate bundle cannot be read", where="PIP_CERT", next_step="Point it at a readable PEM file."
        ) from None
    timeout = httpx.Timeout(limits.CONNECT_SECONDS_MAX)
    return httpx.Client(verify=context, timeout=timeout, follow_redirects=False, trust_env=True)


class Downloads:
    """Fetches pages and files through one client; ``pause`` and ``seconds`` are the waiting and the watch.

    With a ``guard``, only from where it lets each address lead, redirects included.
    """

    def __init__(
        self,
        client: httpx.Client,
        *,
        guard: Guard | None = None,
        pause: Callable[[float], None] = time.sleep,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._guard = guard
        self._pause = pause
        self._seconds = seconds

    def page(self, address: str, *, accept: str, what: str) -> Page:
        """Return a whole small answer; raises `Missing` (404), `Refused` (redirects, size) or `Unavailable`.

        ``what`` names the thing for a person, without the address (which may hold a password).
        """

        def read(response: httpx.Response) -> Page:
            content = b"".join(self._pieces(response.iter_bytes(), limits.PAGE_BYTES_MAX, what))
            media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            return Page(content, media_type, str(response.url))

        return self._tried(address, {"accept": accept}, what, read)

    def file(self, address: str, into: BinaryIO, *, what: str) -> Digests:
        """Write a file's bytes to ``into`` (rewound before each try) and return its digests."""

        def read(response: httpx.Response) -> Digests:
            into.seek(0)
            into.truncate()
            running = [hashlib.sha1(usedforsecurity=False), hashlib.sha256(), hashlib.sha512()]
            for piece in self._pieces(response.iter_raw(), limits.ARCHIVE_BYTES_MAX, what):
                into.write(piece)
                for each in running:
                    each.update(piece)
            return Digests(*(each.hexdigest() for each in running))

        # Some servers call a .tar.gz a gzip-encoded .tar: the file is wanted as it lies there, as its digest says.
        return self._tried(address, {"accept": "*/*", "accept-encoding": "identity"}, what, read)

    def _tried(
        self, address: str, headers: Mapping[str, str], what: str, read: Callable[[httpx.Response], _Read]
    ) -> _Read:
        problem: Exception | None = None
        for attempt in range(limits.TRIES_MAX):
            if attempt:
                self._pause(limits.RETRY_WAIT_SECONDS * 2 ** (attempt - 1))
            try:
                with self._answer(address, headers, what) as response:
                    return read(response)
            except httpx.InvalidURL:  # httpx reads a redirect's target even where it is told not to follow it
                raise _not_fetched(what) from None
            except (httpx.HTTPError, _TryAgain) as again:
                problem = again
        raise Unavailable(
            f"the package index did not answer ({_reason(problem)})",
            where=what,
            next_step="Check the network, the proxy and the index that pip or npm is configured with, then try again.",
        ) from problem

    @contextmanager
    def _answer(self, address: str, headers: Mapping[str, str], what: str) -> Iterator[httpx.Response]:
        """Follow redirects by hand, so that none leaves https once it was reached, and give the open answer."""
        for _ in range(limits.REDIRECTS_MAX + 1):
            _check_address(address, what)
            with self._open(address, headers, what) as response:
                if not response.has_redirect_location:
                    _check_status(response, what)
                    yield response
                    return
                target = _joined(address, response.headers["location"])
            if address.startswith("https:") and target.startswith("http:"):
                raise Refused(
                    "the package index redirects from https to http",
                    where=what,
                    next_step="Configure an index that stays on https.",
                )
            address = target
        raise Refused(
            f"the package index redirects more than {limits.REDIRECTS_MAX} times",
            where=what,
            next_step="Configure the index's final address.",
        )

    @contextmanager
    def _open(self, address: str, headers: Mapping[str, str], what: str) -> Iterator[httpx.Response]:
        """Give the answer of one address; a guarded one is asked at the machine that was looked at, by its own name."""
        extensions: dict[str, str] = {}
        if self._guard is not None:
            pinned = self._guard.pin(address, what=what)
            address, headers = pinned.address, {**headers, "host": pinned.host}
            extensions = {"sni_hostname": pinned.name}
        with self._client.stream(
            "GET", address, headers=headers, extensions=extensions, follow_redirects=False
        ) as response:
            yield response

    def _pieces(self, body: Iterator[bytes], bytes_max: int, what: str) -> Iterator[bytes]:
        """Yield the body; stop it at ``bytes_max`` after decompression, and at the wall-clock bound."""
        deadline = self._seconds() + limits.DOWNLOAD_SECONDS_MAX
        seen = 0
        for piece in body:
            seen += len(piece)
            if seen > bytes_max:
                raise Refused(
                    f"the file is larger than {bytes_max} bytes", where=what, next_step="Choose a smaller release."
                )
            if self._seconds() > deadline:
                raise _TryAgain(f"slower than {limits.DOWNLOAD_SECONDS_MAX:.0f} s")
            yield piece


def _check_address(address: str, what: str) -> None:
    try:
        fine = httpx.URL(address).scheme in {"http", "https"}
    except (httpx.InvalidURL, ValueError):
        fine = False
    if not fine:
        raise _not_fetched(what)


def _not_fetched(what: str) -> Refused:
    return Refused(
        "only http and https addresses are fetched",
        where=what,
        next_step="Configure an index whose files have such addresses.",
    )


def _joined(address: str, location: str) -> str:
    """Return where a redirect leads; empty, and so refused, if that is no address."""
    try:
        return urljoin(address, location)
    except ValueError:
        return ""


def _check_status(response: httpx.Response, what: str) -> None:
    status = response.status_code
    if status == _OK:
        return
    if status in _GONE:
        raise Missing(
            "the package index has no such thing", where=what, next_step="Check the spelling of the name and version."
        )
    if status == _TOO_MANY or status >= _SERVER_ERROR:
        raise _TryAgain(f"status {status}")
    raise Unavailable(
        f"the package index answered with status {status}",
        where=what,
        next_step="Check the address and the access rights of the index that pip or npm is configured with.",
    )


def _reason(problem: Exception | None) -> str:
    """Say what failed without the address, which may hold a password."""
    return str(problem) if isinstance(problem, _TryAgain) else type(problem).__name__
