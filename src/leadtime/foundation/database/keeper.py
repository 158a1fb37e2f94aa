"""Keeps one private PostgreSQL for as long as any Leadtime process of its home lives; run as a file, stdlib only.

Reads one JSON object from stdin: ``command`` (argv of the server), ``lock`` (file that every user of the server holds
shared), ``pid_file`` (the server's own), ``log``, ``ready_seconds_max`` and ``stop_seconds_max``. Returns 0 once the
server takes connections and goes on in the background; otherwise prints the server's last words and returns 1.
When nobody holds the lock any more (a killed process holds none) it shuts the server down cleanly and ends.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

LAST_WORDS_BYTES_MAX = 2000
PAUSE_SECONDS = 0.02
STATUS_LINE = 7
STATUS_READY = "ready   "
ANSWER_BYTES_MAX = 4096


def main() -> int:
    """Start the server in the background and tell whether it became ready."""
    task = json.load(sys.stdin)
    answer, tell = os.pipe()
    if os.fork():
        os.close(tell)
        words = os.read(answer, ANSWER_BYTES_MAX).decode(errors="replace")
        if words == "ready":
            return 0
        sys.stderr.write(words or "the server's keeper ended without a word")
        return 1
    os.close(answer)
    os.setsid()
    _keep(task, tell)
    return 0


def _keep(task: dict[str, Any], tell: int) -> None:
    """Run the server until its last user is gone; an own session, so that a terminal's Ctrl-C does not reach it."""
    pid_file = Path(task["pid_file"])
    stale = _read(pid_file)
    with Path(task["log"]).open("wb") as log, Path(os.devnull).open("r+b") as nothing:
        server = subprocess.Popen(task["command"], stdin=nothing, stdout=log, stderr=log)
        for stream in (0, 1, 2):
            os.dup2(nothing.fileno(), stream)
    ready = _wait_until_ready(server, pid_file, stale, task["ready_seconds_max"])
    if not ready:
        why = "ended at once" if server.poll() is not None else f"was not ready in {task['ready_seconds_max']} s"
        last_words = Path(task["log"]).read_text(errors="replace")[-LAST_WORDS_BYTES_MAX:].strip()
        os.write(tell, f"PostgreSQL {why}: {last_words}".encode())
        server.terminate()
        return
    os.write(tell, b"ready")
    os.close(tell)
    threading.Thread(target=_leave_with, args=(server,), daemon=True).start()
    with Path(task["lock"]).open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _stop(server, int(_read(pid_file).split("\n")[0]), task["stop_seconds_max"])


def _read(pid_file: Path) -> str:
    """Return what ``postmaster.pid`` says, empty if it is not there."""
    try:
        return pid_file.read_text()
    except FileNotFoundError:
        return ""


def _wait_until_ready(server: subprocess.Popen[bytes], pid_file: Path, stale: str, seconds_max: float) -> bool:
    """Tell whether the server said within the bound, in a pid file that is not the ``stale`` one, that it is ready."""
    end = time.monotonic() + seconds_max
    while time.monotonic() < end and server.poll() is None:
        words = _read(pid_file)
        if words != stale and words.split("\n")[STATUS_LINE : STATUS_LINE + 1] == [STATUS_READY]:
            return True
        time.sleep(PAUSE_SECONDS)
    return False


def _leave_with(server: subprocess.Popen[bytes]) -> None:
    """End this process when the server ended by itself; the next user starts another."""
    server.wait()
    os._exit(1)


def _stop(server: subprocess.Popen[bytes], pid: int, seconds_max: float) -> None:
    """Ask for a fast shutdown (SIGINT), after the bound for an immediate one (SIGQUIT: recovered on the next start)."""
    for request in (signal.SIGINT, signal.SIGQUIT):
        os.kill(pid, request)
        try:
            server.wait(seconds_max)
        except subprocess.TimeoutExpired:
            continue
        return


if __name__ == "__main__":
    sys.exit(main())
