"""After a verdict: does the newest release still fail, and which published releases are affected?"""

from __future__ import annotations

import threading

from leadtime.flow.intake import Reproducer
from leadtime.flow.validation.affected.find import find_range, known_sides, look_at_newest
from leadtime.flow.validation.affected.records import NewestRelease, Survey
from leadtime.flow.validation.affected.trying import Trying
from leadtime.flow.validation.prove import Progress, Workshop
from leadtime.flow.validation.records import Verdict
from leadtime.foundation.errors import LeadtimeError, Unavailable
from leadtime.packages.fetch import Fetcher

NOT_SHOWN = "the flaw did not show in the vulnerable release"


def survey(
    reproducer: Reproducer,
    verdict: Verdict,
    fetcher: Fetcher,
    workshop: Workshop,
    *,
    tried_max: int,
    progress: Progress = lambda _doing, _done, _of: None,
    stopping: threading.Event | None = None,
) -> Survey:
    """Return what the reproducer shows of the newest release and, with ``tried_max`` above 0, which are affected.

    Where the releases are not listed, or the flaw did not show, it says so. Raises `Unavailable` when ``stopping`` is
    set, or where the releases cannot be listed or fetched just now: tried again, it may know.
    """
    if verdict.crash is None:
        return Survey(NewestRelease(None, NOT_SHOWN), None, NOT_SHOWN if tried_max > 0 else "")
    trying = Trying(reproducer, verdict.crash, fetcher, workshop, progress, stopping or threading.Event())
    known = known_sides(verdict)
    package = trying.vulnerable.without_version()
    try:
        published = trying.published()
        newest = look_at_newest(package, published, known, trying.on)
        if tried_max <= 0:
            return Survey(newest, None, "")
        found = [newest.tried] if newest.tried is not None and newest.tried not in known else []
        return Survey(newest, find_range(package, published, (*known, *found), trying.on, tried_max=tried_max), "")
    except Unavailable:
        raise
    except LeadtimeError as problem:
        return Survey(NewestRelease(None, str(problem)), None, str(problem) if tried_max > 0 else "")
