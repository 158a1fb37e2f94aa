"""A private PostgreSQL under ``LEADTIME_HOME/database``, shared by every Leadtime process of that home.

The first process starts it, the others find it, and when the last one is gone (a kill -9 counts) it shuts down cleanly.
No port is opened; the socket lies in a directory that only this user and the server reach. Passwords (scram-sha-256)
lie beside it, mode 0600.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import make_conninfo

from leadtime.foundation.database import keeper
from leadtime.foundation.database.confinement import Confinement, confine
from leadtime.foundation.errors import Unavailable

ADMIN = "leadtime_admin"
"""The embedded server's superuser: makes the roles and the database, and is used for nothing else."""

PORT = 5432
READY_SECONDS_MAX = 60
STOP_SECONDS_MAX = 60
LOCK_SECONDS_MAX = 180
INITDB_SECONDS_MAX = 120
CONNECT_SECONDS_MAX = 10
PAUSE_SECONDS = 0.05
PASSWORD_BYTES = 32

SERVER_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_directories": "../socket",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    "log_min_messages": "warning",
    "log_error_verbosity": "terse",
    "logging_collector": "on",
    "log_directory": "../log",
    "log_filename": "%a.log",
    "log_rotation_age": "1d",
    "log_truncate_on_rotation": "on",
}
"""What differs from PostgreSQL's defaults; terse errors keep rows out of the log, and a week of logs is kept."""

FLEETING_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
"""For tests only: nothing survives a power cut."""


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """A running private server that this process uses; ``release`` says that it does so no more."""

    directory: Path
    use: int
    socket: int
    fleeting: bool

    def conninfo(self, role: str, database: str) -> str:
        """Return libpq's connection string of ``role`` (with its password), good for this process only."""
        return make_conninfo(
            # A socket's path may have 107 bytes; through the open directory any home is short enough.
            host=f"/proc/self/fd/{self.socket}",
            port=PORT,
            user=role,
            password=password_of(self.directory, role),
            dbname=database,
            connect_timeout=CONNECT_SECONDS_MAX,
        )

    def ensure_running(self) -> None:
        """Start the server again if it is gone (killed, or its keeper was); committed rows are recovered."""
        with _starting(self.directory):
            _start_unless_running(confine(self.directory), fleeting=self.fleeting)

    def release(self) -> None:
        """Stop using the server; the last user's release or death stops it."""
        os.close(self.use)
        os.close(self.socket)


def start_embedded(directory: Path, *, fleeting: bool = False) -> EmbeddedServer:
    """Return the server of ``directory``, making the cluster on the first call and starting it if nobody has.

    ``fleeting`` gives up durability for speed and is for tests. Raises `Unavailable` with the server's own words.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _starting(directory):
        use = _take_use(directory)
        confinement = confine(directory)
        _create_cluster(confinement)
        _start_unless_running(confinement, fleeting=fleeting)
        folder = os.open(confinement.directory / "socket", os.O_PATH | os.O_DIRECTORY)
    return EmbeddedServer(directory, use, folder, fleeting)


def password_of(directory: Path, role: str) -> str:
    """Return the password of a role of the server in ``directory``, made on the first call."""
    folder = directory / "passwords"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / role
    if not path.exists():
        unfinished = folder / f".{role}.{os.getpid()}"
        unfinished.touch(mode=0o600)
        unfinished.write_text(secrets.token_urlsafe(PASSWORD_BYTES))
        unfinished.rename(path)
    return path.read_text()


@contextmanager
def _starting(directory: Path) -> Iterator[None]:
    """Let one process at a time make or start the server."""
    with (directory / "start.lock").open("wb") as lock:
        _lock(lock.fileno(), fcntl.LOCK_EX)
        yield


def _take_use(directory: Path) -> int:
    """Return a file descriptor whose shared lock keeps the server; waits out a shutdown that has begun."""
    path = directory / "use.lock"
    use = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    _lock(use, fcntl.LOCK_SH)
    return use


def _lock(file: int, kind: int) -> None:
    """Take a lock within `LOCK_SECONDS_MAX`."""
    end = time.monotonic() + LOCK_SECONDS_MAX
    while True:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise Unavailable(
                    "another process has been starting or stopping the database for too long",
                    next_step="Look for a stopped leadtime process and end it.",
                ) from None
            time.sleep(PAUSE_SECONDS)
        else:
            return


def _create_cluster(confinement: Confinement) -> None:
    """Make the cluster once; a half-made one from a killed process is made anew."""
    directory = confinement.directory
    if (directory / "cluster").exists():
        return
    handed = directory / "password"
    handed.touch(mode=0o600)
    handed.write_text(password_of(directory.parent, ADMIN))
    os.chown(handed, confinement.uid, -1)
    inner = confinement.inner_directory
    shutil.rmtree(directory / "cluster.new", ignore_errors=True)
    arguments = [f"--pgdata={inner}/cluster.new", f"--username={ADMIN}", f"--pwfile={inner}/password"]
    arguments += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
    _run(confinement.command("initdb", *arguments, "--data-checksums", "--no-instructions"))
    handed.unlink()
    (directory / "cluster.new").rename(directory / "cluster")


def _run(command: list[str]) -> None:
    """Run a PostgreSQL program to its end, or raise `Unavailable` with its last words."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=INITDB_SECONDS_MAX, check=False)
    if done.returncode:
        raise Unavailable(
            "the embedded database could not be made: " + done.stderr.strip()[-keeper.LAST_WORDS_BYTES_MAX :],
            next_step="Correct what it names, or set LEADTIME_DATABASE_URL to a server.",
        )


def _start_unless_running(confinement: Confinement, *, fleeting: bool) -> None:
    """Start the server under a keeper of its own, which outlives this process if others use the server."""
    directory = confinement.directory
    if _answers(directory / "socket"):
        return
    chosen = SERVER_SETTINGS | (FLEETING_SETTINGS if fleeting else {})
    options = [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]
    task = {
        "command": confinement.command("postgres", "-D", f"{confinement.inner_directory}/cluster", *options),
        "lock": str(directory.parent / "use.lock"),
        "pid_file": str(directory / "cluster" / "postmaster.pid"),
        "log": str(directory.parent / "start.log"),
        "ready_seconds_max": READY_SECONDS_MAX,
        "stop_seconds_max": STOP_SECONDS_MAX,
    }
    done = subprocess.run(
        [sys.executable, "-I", "-S", keeper.__file__],
        input=json.dumps(task),
        capture_output=True,
        text=True,
        check=False,
        timeout=READY_SECONDS_MAX + STOP_SECONDS_MAX,
    )
    if done.returncode:
        raise Unavailable(done.stderr.strip(), where=str(directory), next_step="Correct what it names.")


def _answers(folder: Path) -> bool:
    """Tell whether a server listens on the socket in ``folder``."""
    opened = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.connect(f"/proc/self/fd/{opened}/.s.PGSQL.{PORT}")
    except OSError:
        return False
    finally:
        os.close(opened)
    return True
