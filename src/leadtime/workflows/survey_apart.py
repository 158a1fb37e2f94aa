"""The process that runs one reproducer over its package's releases: as `prove_apart`, and further.

It proves the report again, since nothing of a crash is believed that it has not seen itself; both builds are kept.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from leadtime.flow.intake import Reproducer
from leadtime.flow.validation import prove, survey, survey_as_json
from leadtime.foundation.digests import canonical_json
from leadtime.foundation.errors import LeadtimeError
from leadtime.foundation.settings import Settings, read_settings
from leadtime.packages.fetch import open_fetcher
from leadtime.workflows.prove_apart import EXIT_UNAVAILABLE, MESSAGE_BOUNDS, read_message, workshop_of


def answer(reproducer: Reproducer, settings: Settings, stopping: threading.Event) -> bytes:
    """Return the survey of a reproducer as JSON; raises whatever keeps it from being proven again."""
    workshop = workshop_of(settings)
    with open_fetcher(workshop.cache / "releases", os.environ) as fetcher:
        verdict = prove(reproducer, fetcher, workshop, stopping=stopping)
        tried_max = settings.range_releases
        found = survey(reproducer, verdict, fetcher, workshop, tried_max=tried_max, stopping=stopping)
    return canonical_json(survey_as_json(found))


def main() -> None:
    """Read the reproducer, survey its package's releases, answer; asked to end, it gives up."""
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stopping.set())
    reproducer = read_message(sys.stdin.buffer.read(MESSAGE_BOUNDS.bytes_max + 1))
    try:
        told = answer(reproducer, read_settings(os.environ), stopping)
    except LeadtimeError as problem:
        sys.stderr.write(f"{problem}\n")
        sys.exit(EXIT_UNAVAILABLE)
    sys.stdout.buffer.write(told)
