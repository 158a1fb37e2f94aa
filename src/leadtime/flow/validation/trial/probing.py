"""Try many inputs on one built release: a quick look without a watcher first, and a watched run where it is worth one.

A quick look is the program's own word and decides nothing: it only says which inputs are worth watching.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import cached_property

from leadtime.flow.validation.oracles.crashes import is_same_flaw
from leadtime.flow.validation.oracles.sanitizer import claims_report
from leadtime.flow.validation.records import Crash, Judged, Oracle, SeenRun, Showing
from leadtime.flow.validation.rules import judge_run
from leadtime.flow.validation.task import CarriedFile
from leadtime.flow.validation.trial.runs import Target
from leadtime.foundation.digests import Digest, digest_of_parts
from leadtime.sandbox import Ending, Outcome

NOT_GLANCED = frozenset({Oracle.HANG, Oracle.CANARY})
"""Where a quick look takes as long as a watched run, or how a program ends says nothing of what it did."""


@dataclass(frozen=True, slots=True)
class Glance:
    """How an unwatched run ended, and a digest of all that it printed (None: it could not be started or was ended)."""

    ending: Ending | None
    exit_code: int | None
    signal: int | None
    claims_report: bool
    output: Digest | None

    def fails_as(self, other: Glance, oracle: Oracle) -> bool:
        """Tell whether both fail, and in one way, as far as that shows where nobody watches: an act does not."""
        if oracle is Oracle.CANARY or self.ending is None or not self.ends_as(other):
            return False
        if self.ending is not Ending.EXITED or self.signal is not None or self.claims_report:
            return True
        return self.exit_code != 0 and (oracle is Oracle.EXIT or self.output == other.output)

    def ends_as(self, other: Glance) -> bool:
        """Tell whether both ended in the same way, whatever they printed."""
        return (self.ending, self.exit_code, self.signal, self.claims_report) == (
            other.ending,
            other.exit_code,
            other.signal,
            other.claims_report,
        )


@dataclass(frozen=True, slots=True)
class Hit:
    """A run in which the flaw showed, as it was seen and what was made of it."""

    run: SeenRun
    crash: Crash


class Prober:
    """One built release on which a crash showed, and the input that shows it; tries others like it, one by one."""

    def __init__(self, target: Target, oracle: Oracle, given: CarriedFile, crash: Crash) -> None:
        self._target = target
        self._oracle = oracle
        self._crash = crash
        self._given = given

    @cached_property
    def _shown(self) -> Glance:
        """How the known input ends."""
        return self.glance(self._given.content())

    def glance(self, content: bytes) -> Glance:
        """Run an input with nobody watching, which takes a tenth of a watched run; what comes of it is hostile."""
        return _glance(self._target.glance(self._carried(content)))

    def watch(self, content: bytes) -> tuple[SeenRun, Glance]:
        """Run an input once, watched; return what was seen, and how it ended as a `glance` would tell it."""
        raw = self._target.run(self._carried(content))
        (run,) = self._target.read([raw])
        return run, _glance(raw.outcome)

    def judge(self, run: SeenRun) -> Judged:
        """Return what a run on this release showed."""
        return judge_run(self._oracle, run, self._target.scene)

    def repeats(self, content: bytes, *, glance: Glance | None = None) -> Hit | None:
        """Return the run if an input shows the same flaw, None if it does not; ``glance``: a look it has had already.

        Watched only if it ends as the known input does.
        """
        if self._oracle not in NOT_GLANCED and not (glance or self.glance(content)).ends_as(self._shown):
            return None
        run, _ = self.watch(content)
        judged = self.judge(run)
        if judged.showing is not Showing.HIT or judged.crash is None or not is_same_flaw(judged.crash, self._crash):
            return None
        return Hit(run, judged.crash)

    def _carried(self, content: bytes) -> CarriedFile:
        return CarriedFile(self._given.name, base64.b64encode(content).decode())


def _glance(outcome: Outcome | None) -> Glance:
    if outcome is None:
        return Glance(None, None, None, claims_report=False, output=None)
    printed = (outcome.stdout, outcome.stderr)
    return Glance(
        ending=outcome.ending,
        exit_code=outcome.exit_code,
        signal=outcome.signal,
        claims_report=any(map(claims_report, printed)),
        output=digest_of_parts(printed) if outcome.ending is Ending.EXITED else None,
    )
