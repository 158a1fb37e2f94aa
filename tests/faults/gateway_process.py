"""A gateway in a process of its own, which may kill itself (SIGKILL) just before or after a commit that lets calls out.

Run as ``gateway_process.py DIRECTORY DATABASE GAP``: the embedded server's directory, the database's name, and
``none``, ``before`` or ``after``. It writes its port, and serves until stdin ends.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from datetime import timedelta
from pathlib import Path

import uvloop

from leadtime.doors.model_api.running import running
from leadtime.doors.serving import serve
from leadtime.flow.gateway import commit
from leadtime.flow.gateway.batch import Writing
from leadtime.foundation.clock import FixedClock
from leadtime.foundation.database import Database
from leadtime.foundation.database.connect import address_in, make_engine
from leadtime.foundation.database.embedded import start_embedded
from leadtime.foundation.keys import KeyRing
from tests.conftest import START

write = commit.write
HOST = "127.0.0.1"


def doom(gap: str) -> None:
    """Have the first commit that lets a call out be this process's last act."""

    async def written(connection, process, writing: Writing) -> None:
        if writing.let_through and gap == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        await write(connection, process, writing)
        if writing.let_through:
            os.kill(os.getpid(), signal.SIGKILL)

    commit.write = written


async def main(directory: str, name: str) -> None:
    address = address_in(start_embedded(Path(directory), fleeting=True), name)
    keys = KeyRing(wrapping=b"w" * 32, blinding=b"b" * 32, signing=b"s" * 32)
    database = Database(make_engine(address), FixedClock(START + timedelta(seconds=1)), keys)
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    stop = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), stop.set)
    async with running(database, address, url=f"http://{HOST}:{port}") as gateway:
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()
        await serve(gateway.app, HOST, port, stop, before_stopping=gateway.end_calls)


if __name__ == "__main__":
    if sys.argv[3] != "none":
        doom(sys.argv[3])
    uvloop.run(main(*sys.argv[1:3]))
