"""The process that runs one reproducer over its package's releases: as `prove_apart`, and further.

It proves the report again, since nothing of a crash is believed that it has not seen itself; both builds are kept.
"""

from __future__ import annotations

import os
import threading

from leadtime.flow.intake import Reproducer
from leadtime.flow.validation import prove, survey, survey_as_json
from leadtime.foundation.digests import canonical_json
from leadtime.foundation.settings import Settings
from leadtime.packages.fetch import open_fetcher
from leadtime.workflows.prove_apart import read_message, speak, workshop_of


def answer(reproducer: Reproducer, settings: Settings, stopping: threading.Event) -> bytes:
    """Return the survey of a reproducer as JSON; raises whatever keeps it from being proven again."""
    workshop = workshop_of(settings)
    with open_fetcher(workshop.cache / "releases", os.environ) as fetcher:
        verdict = prove(reproducer, fetcher, workshop, stopping=stopping)
        tried_max = settings.range_releases
        found = survey(reproducer, verdict, fetcher, workshop, tried_max=tried_max, stopping=stopping)
    return canonical_json(survey_as_json(found))


def main() -> None:
    """Survey the releases of the reproducer's package and answer."""
    speak(read_message, answer)
