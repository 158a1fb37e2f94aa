"""A site that really listens on this machine, for browsers and programs that speak HTTP themselves."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from leadtime.doors.app import build_app
from leadtime.doors.serving import HOST, serve
from leadtime.doors.site import Site

READY_SECONDS_MAX = 10


@contextmanager
def listening(site: Site) -> Iterator[str]:
    """Serve the site on a free port while the block runs, and give its address."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    url = f"http://{HOST}:{port}"
    there = replace(site, settings=replace(site.settings, url=url))
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(serve(build_app(there), HOST, port, stop)))
    thread.start()
    try:
        _await_listening(port)
        yield url
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def _await_listening(port: int) -> None:
    until = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < until:
        with suppress(ConnectionRefusedError), socket.create_connection((HOST, port), timeout=1):
            return
        threading.Event().wait(0.02)
    raise TimeoutError("the site does not listen")
