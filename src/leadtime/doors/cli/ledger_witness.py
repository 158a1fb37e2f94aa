"""A witness's small HTTP server: one address, bounded requests, one thread each."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click

from leadtime.doors.visible import visible_line
from leadtime.foundation.clock import SystemClock
from leadtime.foundation.errors import LeadtimeError, Malformed, Missing, Unavailable
from leadtime.foundation.keys import KEY_BYTES, new_signing_key
from leadtime.ledger import REQUEST_BYTES_MAX, FileDisk, FileMemory, VerifierKey, Witness, WitnessAnswer

ADDRESS = "/add-checkpoint"
IDLE_SECONDS_MAX = 30
KEY_FILE = "witness.key"


def open_witness(home: Path, name: str, logs: Sequence[VerifierKey]) -> Witness:
    """Return the witness that lives in ``home``, with its key made at the first time."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    disk = FileDisk(home, mode=0o600)
    watched: dict[str, list[VerifierKey]] = {}
    for key in logs:
        watched.setdefault(key.name, []).append(key)
    memory = FileMemory(FileDisk(home / "logs", mode=0o600))
    return Witness(name, _own_key(disk), watched, memory, SystemClock())


def make_server(listen: str, witness: Witness) -> ThreadingHTTPServer:
    """Return the server, listening at ``HOST:PORT``; raises `Unavailable` if that address is taken."""
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal():
        raise Malformed("an address is HOST:PORT", where="--listen", next_step="Write it as 127.0.0.1:8430.")
    try:
        server = ThreadingHTTPServer((host, int(port)), partial(_Door, witness))
    except (OSError, OverflowError) as problem:
        raise Unavailable(f"nothing can listen there ({problem})", where=listen, next_step="Choose another.") from None
    server.daemon_threads = True
    return server


def serve_witness(listen: str, home: Path, name: str, logs: Sequence[VerifierKey]) -> None:
    """Serve until Ctrl-C."""
    witness = open_witness(home, name, logs)
    with make_server(listen, witness) as server:
        host, port = server.server_address[:2]
        click.echo(str(witness.key))
        click.echo(visible_line(f"The witness listens at http://{host!s}:{port}; Ctrl-C ends it."), err=True)
        server.serve_forever()


def _own_key(disk: FileDisk) -> bytes:
    try:
        key = base64.b64decode(disk.read(KEY_FILE))
    except Missing:
        key = new_signing_key()
        disk.replace(KEY_FILE, base64.b64encode(key))
    if len(key) != KEY_BYTES:
        raise Malformed("the witness's key is damaged", where=KEY_FILE, next_step="Restore it from its backup.")
    return key


class _Door(BaseHTTPRequestHandler):
    """Answers ``POST /add-checkpoint``; everything else is not there."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS_MAX
    server_version = "leadtime-witness"
    sys_version = ""

    def __init__(self, witness: Witness, *arguments: object) -> None:
        self._witness = witness
        super().__init__(*arguments)  # type: ignore[arg-type]  # the server passes its own

    def do_POST(self) -> None:
        """Answer one submission."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > REQUEST_BYTES_MAX:
            self.close_connection = True
            self._answer(WitnessAnswer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, b"a submission tells its length\n"))
            return
        request = self.rfile.read(int(length))
        if self.path != ADDRESS:
            self._answer(WitnessAnswer(HTTPStatus.NOT_FOUND, b"there is nothing here\n"))
            return
        try:
            answer = self._witness.add_checkpoint(request)
        except LeadtimeError as problem:
            click.echo(visible_line(str(problem)), err=True)
            answer = WitnessAnswer(HTTPStatus.INTERNAL_SERVER_ERROR, b"the witness cannot answer\n")
        self._answer(answer)

    def log_message(self, *_: object) -> None:
        """Write nothing for each request."""

    def _answer(self, answer: WitnessAnswer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)
