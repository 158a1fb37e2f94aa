"""``leadtime serve``: the site, and its durable work beside it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack

import click
import structlog

from leadtime.doors.app import build_app
from leadtime.doors.demo_model import read_port, serve_demo_model
from leadtime.doors.gateway_metrics import build_metrics
from leadtime.doors.keeping_logs import keep_logs, witnesses_of
from leadtime.doors.model_api.asked import parse_networks
from leadtime.doors.model_api.running import running
from leadtime.doors.serving import (
    HOST,
    beside,
    keep_working,
    port_of,
    refuse_taken,
    serve,
    settle_memory,
    stop_on_signals,
)
from leadtime.doors.site import Part, Site
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.clock import SystemClock
from leadtime.foundation.database import Database
from leadtime.foundation.database.connect import locate
from leadtime.foundation.settings import read_settings
from leadtime.ledger import Cosigner
from leadtime.workflows.farm.admit import list_runners
from leadtime.workflows.opening import open_database
from leadtime.workflows.records import Queue

NOBODY_REPRODUCES = (
    "Nothing here reproduces reports: start leadtime worker --queues validation, admit a runner "
    "(leadtime runner), or, for a trial, serve with --same-host."
)
RUNS_AWAY_MAX = 32
"""That runners have at once for the worker beside a site; each waits in a thread of its own."""


@click.command(epilog="Example: leadtime serve --same-host")
@click.option("--host", default=HOST, show_default=True, help="Address to listen on; put a TLS proxy before it.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on; that of LEADTIME_URL if not said.")
@click.option(
    "--same-host", is_flag=True, help="Run finders' programs on this host too, which holds case keys: for trials only."
)
@click.option("--no-work", is_flag=True, help="Serve alone; run leadtime worker elsewhere.")
@click.option(
    "--only",
    type=click.Choice([part.value for part in Part]),
    help="gateway: offered models and their logs alone, as at a developer's own site; site: everything else.",
)
@click.option(
    "--metrics-port",
    type=click.IntRange(1, 65535),
    help="Tell the gateway's counts at /metrics of this port, to this machine alone.",
)
def command(
    host: str, port: int | None, *, same_host: bool, no_work: bool, only: str | None, metrics_port: int | None
) -> None:
    """Run the site and the gateway, and work every queue but validation, until Ctrl-C or SIGTERM.

    Where runners are admitted (leadtime runner), they run what that queue holds.
    """
    configure_log()
    settings = read_settings(os.environ)
    port = port or port_of(settings)
    refuse_taken(host, port)
    witnesses = witnesses_of(settings)
    database = open_database(settings, SystemClock())
    works = not no_work and only != Part.GATEWAY
    workers = workers_of(same_host=same_host, runners=are_runners(database)) if works else []
    click.echo(f"Leadtime is at {settings.url} (listening on {host}:{port}); Ctrl-C ends it.")
    if works and not reproduces(workers):
        click.secho(NOBODY_REPRODUCES, fg="red")
    site = Site(database, settings, same_host=same_host, parts=frozenset({Part(only)} if only else Part))
    try:
        asyncio.run(_run(site, witnesses, (host, port), workers, metrics_port=metrics_port))
    finally:
        database.engine.dispose()


def workers_of(*, same_host: bool, runners: bool) -> list[list[str]]:
    """Return the command lines of the workers beside a site; validations wait where nobody may run them.

    They have a worker of their own: runs take minutes, and nothing else waits for them.
    """
    flow, validation = (["worker", "--queues", queue.value] for queue in (Queue.FLOW, Queue.VALIDATION))
    if same_host:
        return [flow, validation]
    return [flow, [*validation, "--to-runners", "--concurrency", str(RUNS_AWAY_MAX)]] if runners else [flow]


def reproduces(workers: Sequence[Sequence[str]]) -> bool:
    """Tell whether one of these workers, given by their command lines, takes what waits to be reproduced."""
    return any(Queue.VALIDATION.value in arguments for arguments in workers)


def are_runners(database: Database) -> bool:
    """Tell whether hosts were admitted that run finders' programs for this installation."""
    with database.transaction(SYSTEM) as tx:
        return bool(list_runners(tx))


def configure_log() -> None:
    """Write one JSON object a line on standard error; traces tell places, never the values held there."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


async def _run(
    site: Site,
    witnesses: Sequence[Cosigner],
    place: tuple[str, int],
    workers: list[list[str]],
    *,
    metrics_port: int | None,
) -> None:
    """Serve and work until a signal; whichever ends first by itself ends the others."""
    stop = asyncio.Event()
    stop_on_signals(stop)
    tasks: list[asyncio.Task[None]] = []
    async with AsyncExitStack() as stack:
        app, end_calls = build_app(site), None
        settle_memory()
        if Part.GATEWAY in site.parts:
            settings, proxies = site.settings, parse_networks(site.settings.proxies)
            gateway = await stack.enter_async_context(
                running(site.database, locate(settings), url=settings.url, proxies=proxies)
            )
            app, end_calls = beside(gateway.app, app), gateway.end_calls
            if metrics_port is not None:
                tasks.append(asyncio.create_task(serve(build_metrics(gateway), HOST, metrics_port, stop)))
        tasks += [
            asyncio.create_task(serve(app, *place, stop, before_stopping=end_calls)),
            asyncio.create_task(keep_logs(site, witnesses, stop)),
        ]
        demo_port = read_port(site.settings.home)
        if demo_port is not None:
            tasks.append(asyncio.create_task(serve_demo_model(site.settings.home, demo_port, stop)))
        tasks += [asyncio.create_task(keep_working(arguments, stop)) for arguments in workers]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        await asyncio.gather(*tasks)
