"""``leadtime worker``: work queues on this machine."""

from __future__ import annotations

import os

import click

from leadtime.doors.cli.serve import configure_log
from leadtime.doors.worker.running import work_as_runner
from leadtime.doors.worker.working import work_queues
from leadtime.foundation.clock import SystemClock
from leadtime.foundation.errors import Malformed, Refused
from leadtime.foundation.settings import read_settings
from leadtime.workflows.farm.runner import is_runner
from leadtime.workflows.records import Queue

CONCURRENCY_MAX = 64
CONCURRENCY_DEFAULT = 2


@click.command(epilog="Example: leadtime worker --queues validation --concurrency 8")
@click.option("--queues", default="flow", show_default=True, help="Queues to work, with commas: flow,validation.")
@click.option(
    "--concurrency",
    type=click.IntRange(1, CONCURRENCY_MAX),
    default=CONCURRENCY_DEFAULT,
    show_default=True,
    help="Jobs at once.",
)
@click.option("--to-runners", is_flag=True, help="Have runners on other hosts run what the queue validation holds.")
def command(queues: str, concurrency: int, *, to_runners: bool) -> None:
    """Work queues until Ctrl-C or SIGTERM; the jobs of a killed worker are taken over within a minute.

    The queue validation runs finders' programs: outside of trials, on a machine other than the site's. In a home that
    leadtime runner key has made, this is a runner, which holds no key of the installation.
    """
    configure_log()
    settings, chosen = read_settings(os.environ), parse_queues(queues)
    if is_runner(settings.home):
        if chosen != (Queue.VALIDATION,) or to_runners:
            raise Refused("a runner works the queue validation alone", next_step="Run it with --queues validation.")
        work_as_runner(settings, slots=concurrency)
    else:
        work_queues(settings, SystemClock(), queues=chosen, concurrency=concurrency, to_runners=to_runners)


def parse_queues(text: str) -> tuple[Queue, ...]:
    """Return the queues that ``text`` names, each once; raises `Malformed` for any other name."""
    try:
        return tuple(dict.fromkeys(Queue(name.strip()) for name in text.split(",")))
    except ValueError:
        known = " and ".join(queue.value for queue in Queue)
        raise Malformed(f"the queues are {known}", where="--queues", next_step="Name some of them.") from None
