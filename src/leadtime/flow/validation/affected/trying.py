"""Run a reproducer on another release than its recipe names, and say what that shows of the flaw."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from leadtime.flow.intake import Reproducer
from leadtime.flow.validation.affected.records import ReleaseWord, Tried
from leadtime.flow.validation.affected.rules import word_for
from leadtime.flow.validation.fairness.rules import was_run
from leadtime.flow.validation.prove import Progress, Workshop, see_apart, task_for
from leadtime.flow.validation.recipe import BOUNDS, Recipe, parse_recipe
from leadtime.flow.validation.records import Crash
from leadtime.flow.validation.rules import judge_fixed, judge_run
from leadtime.flow.validation.trial.run import Seen
from leadtime.foundation.errors import LeadtimeError, Unavailable
from leadtime.foundation.strict_json import read_json
from leadtime.packages.fetch import Fetcher
from leadtime.packages.published import Published
from leadtime.packages.purls import Purl


@dataclass(frozen=True, slots=True)
class Trying:
    """What every try has in common: the reproducer, the ``crash`` that it showed, where to fetch and work."""

    reproducer: Reproducer
    crash: Crash
    fetcher: Fetcher
    workshop: Workshop
    progress: Progress
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def vulnerable(self) -> Purl:
        """Return the release that the recipe calls vulnerable."""
        return parse_recipe(self.reproducer.recipe).vulnerable

    def published(self) -> tuple[Published, ...]:
        """Return the published releases of the package, oldest first; raises as `Fetcher.published`."""
        return self.fetcher.published(self.vulnerable)

    def on(self, published: Published) -> Tried:
        """Return what the reproducer shows on one release; that it cannot be had or built is an answer, too.

        Raises `Unavailable` when it is to stop, or where the release cannot be fetched just now.
        """
        version = published.version
        if not published.has_source:
            return Tried(version, ReleaseWord.UNKNOWN, "it has no source archive")
        reproducer = of_release(self.reproducer, self.vulnerable.with_version(version))
        try:
            task = task_for(reproducer, self.fetcher, self.workshop, self.progress)
        except Unavailable:
            raise
        except LeadtimeError as problem:
            return Tried(version, ReleaseWord.UNKNOWN, str(problem))
        try:
            seen = see_apart(task, self.workshop, self.progress, self.stopping)
        except LeadtimeError as problem:
            if self.stopping.is_set():
                raise
            return Tried(version, ReleaseWord.UNKNOWN, str(problem))
        return self._judged(version, parse_recipe(reproducer.recipe), seen)

    def _judged(self, version: str, recipe: Recipe, seen: Seen) -> Tried:
        side = seen.vulnerable
        judged = tuple(judge_run(recipe.oracle, run, side.scene) for run in side.runs)
        ran = [was_run(self.crash, run, side.scene) for run in side.runs]
        word, reason = word_for(judge_fixed(side.build_failure, judged, self.crash, ran), self.crash, judged)
        return Tried(version, word, reason, seen.evidence)


Try = Callable[[Published], Tried]


def of_release(reproducer: Reproducer, release: Purl) -> Reproducer:
    """Return the same reproducer with ``release`` as its only subject and no control."""
    recipe = read_json(reproducer.recipe, BOUNDS)
    kept = {name: value for name, value in recipe.items() if name != "control"} if isinstance(recipe, dict) else {}
    return replace(reproducer, recipe=json.dumps({**kept, "subject": {"vulnerable": str(release)}}).encode())
