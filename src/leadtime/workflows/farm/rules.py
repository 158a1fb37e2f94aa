"""Which runner gets a run, when one counts as gone, and when a run is poison. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from leadtime.foundation.errors import Malformed
from leadtime.workflows.farm.records import Runner

SILENT_SECONDS_MAX = 30.0
"""After which a runner's runs are given to others; it speaks every second."""

TAKINGS_MAX = 5
"""Of one run; runners that begin it and fall silent again and again point at the run."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


def role_of(name: str) -> str:
    """Return the database role of the runner ``name``; raises `Malformed` for a name that is not plain."""
    if not _NAME.fullmatch(name):
        raise Malformed(
            "a runner's name has up to 32 small letters, digits and underscores, a letter first",
            where=name,
            next_step="Name it so.",
        )
    return f"leadtime_runner_{name}"


def is_there(runner: Runner) -> bool:
    """Tell whether a runner can be counted on: it spoke lately, and is not about to leave."""
    return runner.slots > 0 and runner.silent_seconds is not None and 0 <= runner.silent_seconds <= SILENT_SECONDS_MAX


def choose_runner(runners: Sequence[Runner]) -> Runner | None:
    """Return the runner with the fewest runs that has a free slot, None if none has; equals are told apart by name.

    Slots are a runner's own word: by claiming many it gets no more than its share.
    """
    free = [one for one in runners if is_there(one) and one.runs < one.slots]
    return min(free, key=lambda one: (one.runs, one.name), default=None)


def is_poison(takings: int, *, gone: bool) -> bool:
    """Tell whether a run that was begun so often is given up; its runner is ``gone``, or came back and began anew."""
    return takings >= TAKINGS_MAX if gone else takings > TAKINGS_MAX
