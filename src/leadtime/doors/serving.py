"""Serving the site over HTTP until told to stop, with the durable work beside it in a process of its own."""

from __future__ import annotations

import asyncio
import gc
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

import structlog
from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server
from starlette.types import ASGIApp, Receive, Scope, Send

from leadtime.doors import limits
from leadtime.foundation.errors import Malformed, Unavailable
from leadtime.foundation.settings import Settings

log = structlog.get_logger()

HOST = "127.0.0.1"
COLLECTED_AFTER = (50_000, 20, 50)
"""New objects before each generation is looked through."""
PORT = 8420
RESTARTS_PER_HOUR_MAX = 60
RESTART_SECONDS = 1.0
HOUR_SECONDS = 3600.0
WORK_STOP_SECONDS_MAX = 60.0
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def port_of(settings: Settings) -> int:
    """Return the port to listen on: the address's own where it is this machine's, else the usual one behind a proxy."""
    parts = urlsplit(settings.url)
    try:
        return (parts.port or PORT) if parts.hostname in LOOPBACK else PORT
    except ValueError:
        raise Malformed("the address has no such port", where="LEADTIME_URL", next_step="Correct it.") from None


def refuse_taken(host: str, port: int) -> None:
    """Return if something can listen there; raises `Unavailable` where somebody else does."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            raise Unavailable(
                f"nothing can listen there ({problem.strerror})",
                where=f"{host}:{port}",
                next_step="End what listens there, or choose another --port.",
            ) from None


def beside(gateway: ASGIApp, site: ASGIApp) -> ASGIApp:
    """Return the application that has the gateway's addresses (``/v1/…``) and the site's under one host."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        is_call = scope["type"] == "http" and scope["path"].startswith("/v1/")
        await (gateway if is_call else site)(scope, receive, send)

    return answer


def settle_memory() -> None:
    """Have the garbage collector look past what a server holds for its whole life, and at the rest less often.

    A tenth of the gateway's time at 64 calls at once went into it (decision 0016). For processes that only serve.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTED_AFTER)


async def serve(
    app: ASGIApp,
    host: str,
    port: int,
    stop: asyncio.Event,
    *,
    before_stopping: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Serve until ``stop`` is set, then let requests finish within `limits.SHUTDOWN_SECONDS_MAX`.

    ``before_stopping`` ends what would not finish by itself.
    """
    server = Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        log_enabled=False,
    )
    serving = asyncio.create_task(server.serve())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if before_stopping is not None:
        await before_stopping()
    server.stop()  # type: ignore[no-untyped-call]  # granian has no types here
    _, left = await asyncio.wait({serving}, timeout=limits.SHUTDOWN_SECONDS_MAX)
    if left:
        serving.cancel()


async def keep_working(arguments: Sequence[str], stop: asyncio.Event) -> None:
    """Run ``leadtime`` with ``arguments`` as a process of its own until ``stop``; one that dies is begun anew.

    Raises `Unavailable` if it keeps dying.
    """
    loop = asyncio.get_running_loop()
    begun: list[float] = []
    while not stop.is_set():
        begun = [at for at in begun if at > loop.time() - HOUR_SECONDS]
        if len(begun) >= RESTARTS_PER_HOUR_MAX:
            raise Unavailable("the worker keeps dying", where="leadtime worker", next_step="Read its log above.")
        begun.append(loop.time())
        process = await asyncio.create_subprocess_exec(*_tied_to_us(arguments), stdin=subprocess.DEVNULL)
        ended = asyncio.create_task(process.wait())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if stop.is_set():
            await _end(process)
            return
        log.warning("worker died", code=process.returncode)
        await asyncio.sleep(RESTART_SECONDS)


def stop_on_signals(stop: asyncio.Event) -> None:
    """Set ``stop`` on SIGTERM and Ctrl-C; to be called before anything is started, so that an early one counts."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), WORK_STOP_SECONDS_MAX)
    except TimeoutError:
        process.kill()
        await process.wait()


def _tied_to_us(arguments: Sequence[str]) -> list[str]:
    """Return the command, told by the kernel to stop when we are killed, where ``setpriv`` can arrange that."""
    setpriv = shutil.which("setpriv")
    tie = [setpriv, "--pdeathsig", "TERM"] if setpriv else []
    return [*tie, sys.executable, "-I", "-m", "leadtime.doors.cli.main", *arguments]
