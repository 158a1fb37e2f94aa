"""A package index on the loopback that serves what a test puts there, and counts what it is asked."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
NOT_FOUND, OK, FOUND = 404, 200, 302


@dataclass
class Answer:
    body: bytes = b""
    status: int = OK
    headers: dict[str, str] = field(default_factory=dict)


class Registry:
    """Answers by path; a list of answers is used up one by one, its last one again and again."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[str] = []
        self.accepted: list[str] = []

    def serve(self, path: str, *answers: Answer) -> str:
        self.answers[path] = list(answers)
        return self.address + path

    def answer(self, path: str) -> Answer:
        self.asked.append(path)
        waiting = self.answers.get(path)
        if not waiting:
            return Answer(b"not here", NOT_FOUND)
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    def file(self, name: str, content: bytes, **headers: str) -> str:
        return self.serve(
            f"/files/{name}", Answer(content, headers={k.replace("_", "-"): v for k, v in headers.items()})
        )

    def project(self, name: str, *entries: dict[str, object]) -> None:
        """List entries of `listed` as a PEP 691 page."""
        page = {"meta": {"api-version": "1.1"}, "name": name, "files": list(entries)}
        self.serve(f"/simple/{name}/", Answer(json.dumps(page).encode(), headers={"content-type": JSON_TYPE}))

    def package(self, path: str, versions: dict[str, object]) -> None:
        """List versions of `distributed` as an npm package document."""
        document = json.dumps({"name": path, "versions": versions}).encode()
        self.serve(f"/npm/{path}", Answer(document, headers={"content-type": "application/json"}))


def listed(filename: str, address: str, content: bytes, **more: object) -> dict[str, object]:
    return {
        "filename": filename,
        "url": address,
        "hashes": {"sha256": hashlib.sha256(content).hexdigest()},
        "requires-python": None,
        **more,
    }


def distributed(address: str, content: bytes) -> dict[str, object]:
    digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
    return {"dist": {"tarball": address, "integrity": f"sha512-{digest}", "shasum": hashlib.sha1(content).hexdigest()}}


@contextmanager
def running_registry() -> Iterator[Registry]:
    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = registry.answer(self.path)
            registry.accepted.append(self.headers.get("accept", ""))
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if "content-length" not in answer.headers:
                self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        registry = Registry(f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield registry
        finally:
            server.shutdown()
            thread.join()
