"""Real installations on this machine, each with a home, a database and processes of its own; made by commands alone."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from unittest.mock import patch

from leadtime.doors.cli.main import run

COMMAND = Path(sys.executable).with_name("leadtime")
SOON_SECONDS_MAX = 300
"""Far longer than anything takes, on whatever machine; a process that ends meanwhile is not waited for."""
STOP_SECONDS_MAX = 300
POLL_SECONDS = 0.05

Found = TypeVar("Found")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def soon(look: Callable[[], Found | None]) -> Found:
    """Return what ``look`` finds at last."""
    until = time.monotonic() + SOON_SECONDS_MAX
    while time.monotonic() < until:
        found = look()
        if found:
            return found
        threading.Event().wait(POLL_SECONDS)
    raise TimeoutError("it never came")


@dataclass
class Installation:
    """One ``LEADTIME_HOME`` and the address it is served at."""

    home: Path
    port: int = field(default_factory=free_port)
    more: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self, token: str = "") -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("LEADTIME_")}
        named = {"LEADTIME_HOME": str(self.home), "LEADTIME_URL": self.url, "LEADTIME_TOKEN": token}
        return clean | {name: value for name, value in named.items() if value} | self.more

    def ask(self, *arguments: str, token: str = "") -> tuple[int, str]:
        """Run a command of this installation, or of the person of ``token`` at their own desk; its code, its words."""
        said = io.StringIO()
        with patch.dict(os.environ, self.environment(token), clear=True), redirect_stdout(said):
            code = run([*arguments])
        return code, said.getvalue()

    def tell(self, *arguments: str, token: str = "") -> dict:
        """Run a command and return the JSON that it prints."""
        code, said = self.ask(*arguments, "--json", token=token)
        assert code == 0, f"{arguments}: {said}"
        return json.loads(said)

    def enrol(self, name: str, role: str) -> tuple[str, str, str]:
        """Enrol an organisation with one person; return both ids and the person's token."""
        house = self.tell("party", "enrol", name, "--role", role)["organisation"]
        person = self.tell("party", "person", house, f"Person of {name}", f"{role}@example.org")["person"]
        return house, person, self.tell("party", "token", person, "--days", "1")["token"]

    @contextmanager
    def serving(self, *arguments: str) -> Iterator[Path]:
        """Serve while the block runs; give the file that its log goes to."""
        log = self.home.parent / f"{self.home.name}.log"
        with log.open("ab") as stream:
            process = subprocess.Popen(
                [COMMAND, "serve", *arguments], env=self.environment(), stdin=subprocess.DEVNULL,
                stdout=stream, stderr=stream,
            )  # fmt: skip
        try:
            soon(lambda: process.poll() is not None or self._answers())
            assert process.poll() is None, log.read_text()
            yield log
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_SECONDS_MAX)

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False
