"""Make a reproducer's input smaller, and prove that it still shows the same flaw."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

from leadtime.flow.intake import Reproducer
from leadtime.flow.validation.prove import Progress, Workshop, prove, see_apart, task_for
from leadtime.flow.validation.records import Verdict
from leadtime.foundation.digests import Digest, digest_of
from leadtime.packages.fetch import Fetcher


@dataclass(frozen=True, slots=True)
class Minimised:
    """The smallest input that shows the flaw as the first one did, by a verdict of its own; else the first one."""

    content: bytes
    bytes_before: int
    verdict: Verdict

    @property
    def digest(self) -> Digest:
        """Return the digest of what it is now."""
        return digest_of(self.content)


def minimise(
    reproducer: Reproducer,
    verdict: Verdict,
    fetcher: Fetcher,
    workshop: Workshop,
    *,
    progress: Progress = lambda _doing, _done, _of: None,
    stopping: threading.Event | None = None,
) -> Minimised:
    """Return a smaller input that shows what ``verdict`` says of the reproducer, with the same signature.

    Nothing is believed of the search: what it found is proven like any reproducer, and taken only if that holds. Raises
    as `prove`.
    """
    first = reproducer.input
    as_it_was = Minimised(first.content, len(first.content), verdict)
    if verdict.crash is None:
        return as_it_was
    task = replace(task_for(reproducer, fetcher, workshop, progress), fixed=None, smaller=True)
    seen = see_apart(task, workshop, progress, stopping or threading.Event())
    found = seen.smaller.content() if seen.smaller is not None else first.content
    if len(found) >= len(first.content):
        return as_it_was
    again = replace(reproducer, input=replace(first, content=found))
    proven = prove(again, fetcher, workshop, progress=progress, stopping=stopping)
    if proven.crash is None or proven.crash.signature != verdict.crash.signature:
        return as_it_was
    return Minimised(found, len(first.content), proven)


def minimised_as_json(found: Minimised) -> dict[str, object]:
    """Return the member that a smaller input adds to a verdict."""
    return {
        "bytes": len(found.content),
        "bytes_before": found.bytes_before,
        "digest": found.digest,
        "verdict": found.verdict.word.value,
    }
