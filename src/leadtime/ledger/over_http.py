"""Reading a log and asking a witness over HTTP, within bounds; no redirect is followed."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from http import HTTPStatus
from threading import Lock

from leadtime.foundation.errors import Malformed, Missing, Unavailable
from leadtime.ledger.cosigning import ANSWER_BYTES_MAX
from leadtime.ledger.notes import VerifierKey
from leadtime.ledger.tiles import BUNDLE_BYTES_MAX
from leadtime.ledger.witness import WitnessAnswer

READ_SECONDS_MAX = 30.0
WITNESS_SECONDS_MAX = 0.6
"""For each step of an exchange; how long all of them may take, `cosigning.ANSWER_SECONDS_MAX` says."""


class WebSource:
    """A `tiles.Source` at an address; ``headers`` may carry a credential."""

    def __init__(self, address: str, headers: dict[str, str] | None = None) -> None:
        self._address = _check(address)
        self._headers = headers or {}

    def read(self, path: str) -> bytes:
        """Return the file at ``path`` below the address."""
        request = urllib.request.Request(f"{self._address}/{path}", headers=self._headers)  # noqa: S310  # checked above
        answer = _send(request, READ_SECONDS_MAX, BUNDLE_BYTES_MAX)
        if answer.status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
            raise Missing("there is no such file in this log", where=path)
        if answer.status != HTTPStatus.OK:
            raise Unavailable(f"the log answered {int(answer.status)}", where=f"{self._address}/{path}")
        return answer.body


class WebWitness:
    """A `cosigning.Cosigner` at a submission prefix."""

    def __init__(self, address: str, key: VerifierKey) -> None:
        self._address = _check(address)
        self._key = key
        self._free = Lock()

    @property
    def key(self) -> VerifierKey:
        """Return the key that the witness is known by."""
        return self._key

    def add_checkpoint(self, request: bytes) -> WitnessAnswer:
        """Submit a checkpoint; nothing more is asked of a witness that is still answering, byte by byte."""
        post = urllib.request.Request(f"{self._address}/add-checkpoint", data=request, method="POST")  # noqa: S310
        if not self._free.acquire(blocking=False):
            raise Unavailable("it has not answered yet what it was asked before", where=post.full_url)
        try:
            return _send(post, WITNESS_SECONDS_MAX, ANSWER_BYTES_MAX)
        finally:
            self._free.release()


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the library would hand the request's credential on to wherever it leads."""

    def redirect_request(self, *_: object) -> None:
        """Return no request, so that the redirect itself is the answer."""


def _send(request: urllib.request.Request, seconds_max: float, bytes_max: int) -> WitnessAnswer:
    """Return the answer to a request; raises `Unavailable` if there is none, or more of it than allowed."""
    try:
        try:
            answer = urllib.request.build_opener(_Stay).open(request, timeout=seconds_max)
        except urllib.error.HTTPError as refused:
            answer = refused
        with answer:
            status, body = HTTPStatus(answer.status), answer.read(bytes_max + 1)
    except (OSError, http.client.HTTPException, ValueError) as problem:
        reason = getattr(problem, "reason", "") or type(problem).__name__
        raise Unavailable(
            f"no answer came ({reason})", where=request.full_url, next_step="Check the address, and try again."
        ) from None
    if len(body) > bytes_max:
        raise Unavailable(f"the answer is larger than {bytes_max} bytes", where=request.full_url)
    return WitnessAnswer(status, body)


def _check(address: str) -> str:
    if not address.startswith(("http://", "https://")):
        raise Malformed("the address must begin with http:// or https://", where="address", next_step="Correct it.")
    return address.rstrip("/")
