"""After a verdict: does the newest release still fail, and which published releases are affected?"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from leadtime.flow.intake import Reproducer
from leadtime.flow.validation.affected.find import find_range, known_sides, look_at_newest
from leadtime.flow.validation.affected.records import AffectedRange, NewestRelease, ReleaseWord, Tried
from leadtime.flow.validation.affected.trying import Trying
from leadtime.flow.validation.prove import Progress, Workshop
from leadtime.flow.validation.records import FixedWord, Verdict
from leadtime.foundation.errors import LeadtimeError
from leadtime.packages.fetch import Fetcher

NOT_SHOWN = "the flaw did not show in the vulnerable release"

NEWEST_WORDS = {
    ReleaseWord.FAILS: FixedWord.STILL_FAILS,
    ReleaseWord.FAILS_OTHERWISE: FixedWord.FAILS_OTHERWISE,
    ReleaseWord.CLEAN: FixedWord.CLEAN,
    ReleaseWord.UNKNOWN: FixedWord.NOT_CHECKED,
}
"""Of the newest release it is said in the words for the fixed one: it is what people may move to."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found out beyond a verdict; ``affected`` is None where it was not asked for, or ``reason`` says why."""

    newest: NewestRelease
    affected: AffectedRange | None
    reason: str


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

    Where the releases are not listed, or the flaw did not show, it says so. Raises `Unavailable` only when ``stopping``
    is set.
    """
    if verdict.crash is None:
        return Survey(NewestRelease(None, NOT_SHOWN), None, NOT_SHOWN)
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
    except LeadtimeError as problem:
        if trying.stopping.is_set():
            raise
        return Survey(NewestRelease(None, str(problem)), None, str(problem))


def survey_as_json(found: Survey) -> dict[str, object]:
    """Return the members that a survey adds to a verdict: ``newest`` and, where it was asked for, ``range``."""
    return {"newest": _newest_as_json(found.newest), **_range_as_json(found)}


def _newest_as_json(newest: NewestRelease) -> dict[str, object]:
    if newest.tried is None:
        word = FixedWord.NOT_CHECKED.value
        return {"release": None, "verdict": word, "reason": newest.reason, "evidence": []}
    tried = newest.tried
    return {
        "release": tried.release,
        "verdict": NEWEST_WORDS[tried.word].value,
        "reason": tried.reason,
        "evidence": list(tried.evidence),
    }


def _range_as_json(found: Survey) -> dict[str, object]:
    if found.affected is None:
        return {"range": {"events": [], "tried": [], "reason": found.reason}} if found.reason else {}
    affected = found.affected
    return {
        "range": {
            "type": affected.type,
            "events": [{event.bound.value: event.release} for event in affected.events],
            "tried": [_tried_as_json(each) for each in affected.tried],
            "releases": list(affected.releases),
            "undecided": list(affected.undecided),
        }
    }


def _tried_as_json(tried: Tried) -> dict[str, object]:
    return {
        "release": tried.release,
        "word": tried.word.value,
        "reason": tried.reason,
        "evidence": list(tried.evidence),
    }
