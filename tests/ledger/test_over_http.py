"""Reading a log over HTTP: no redirect is followed, so that a credential goes nowhere but to whom it was given."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Event

import pytest

from leadtime.foundation.errors import Unavailable
from leadtime.ledger.notes import Algorithm, VerifierKey
from leadtime.ledger.over_http import WebSource, WebWitness
from leadtime.ledger.witness import WitnessAnswer
from tests.doors.cli.test_ledger import serving


def recording(leads_to=""):
    """A server that redirects to another address, or answers; and the credentials that it was shown."""
    shown = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            shown.append(self.headers.get("authorization"))
            self.send_response(302 if leads_to else 200)
            if leads_to:
                self.send_header("location", leads_to)
            self.send_header("content-length", "0")
            self.end_headers()

        do_POST = do_GET  # noqa: N815  # the library's name

        def log_message(self, *_):
            pass

    return HTTPServer(("127.0.0.1", 0), Handler), shown


def test_a_redirect_carries_no_credential_anywhere():
    other, shown_there = recording()
    with serving(other) as elsewhere:
        here, shown_here = recording(f"{elsewhere}/checkpoint")
        with serving(here) as address:
            source = WebSource(address, {"Authorization": "Bearer lt_secret"})
            with pytest.raises(Unavailable, match="the log answered 302"):
                source.read("checkpoint")
            witness = WebWitness(address, VerifierKey("w.example", Algorithm.COSIGNATURE, bytes(32)))
            assert witness.add_checkpoint(b"x").status == 302
    assert shown_here == ["Bearer lt_secret", None]
    assert shown_there == []


def test_a_witness_that_is_still_answering_is_asked_nothing_more(monkeypatch):
    asked, ended = Event(), Event()

    def answer_late(*_):
        asked.set()
        ended.wait(60)
        return WitnessAnswer(HTTPStatus.OK, b"")

    monkeypatch.setattr("leadtime.ledger.over_http._send", answer_late)
    witness = WebWitness("http://w.example", VerifierKey("w.example", Algorithm.COSIGNATURE, bytes(32)))
    with ThreadPoolExecutor() as pool:
        first = pool.submit(witness.add_checkpoint, b"x")
        asked.wait(60)
        try:
            with pytest.raises(Unavailable, match="it has not answered yet what it was asked before"):
                witness.add_checkpoint(b"x")
        finally:
            ended.set()
        assert first.result().status == HTTPStatus.OK
    assert witness.add_checkpoint(b"x").status == HTTPStatus.OK
