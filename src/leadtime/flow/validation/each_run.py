"""Each run of a validation as its verdict tells it, pure."""

from __future__ import annotations

from collections.abc import Iterator

from leadtime.flow.validation.records import Oracle, RunOf, Scene, SeenRun, SeenSide, ToldRun
from leadtime.flow.validation.rules import judge_run


def each_run(oracle: Oracle, vulnerable: SeenSide, fixed: SeenSide | None) -> tuple[ToldRun, ...]:
    """Return every run in the order in which they were made: the control, then the vulnerable and the fixed release."""
    return tuple(_told(oracle, vulnerable, fixed))


def run_as_json(run: ToldRun) -> dict[str, object]:
    """Return a run as a verdict's JSON tells it."""
    return {
        "of": run.of.value,
        "showed": run.showing.value,
        "reason": run.reason,
        "limit": run.limit.value if run.limit else None,
        "signal": run.signal,
        "exit_code": run.exit_code,
        "network": run.network,
    }


def _told(oracle: Oracle, vulnerable: SeenSide, fixed: SeenSide | None) -> Iterator[ToldRun]:
    if vulnerable.control is not None:
        yield _one(oracle, RunOf.CONTROL, vulnerable.control, vulnerable.scene)
    for run in vulnerable.runs:
        yield _one(oracle, RunOf.VULNERABLE, run, vulnerable.scene)
    if fixed is not None:
        for run in fixed.runs:
            yield _one(oracle, RunOf.FIXED, run, fixed.scene)


def _one(oracle: Oracle, of: RunOf, run: SeenRun, scene: Scene) -> ToldRun:
    found = judge_run(oracle, run, scene)
    tried = sum(attempt.times for attempt in run.network if not attempt.is_local)
    return ToldRun(of, found.showing, found.reason, run.limit, run.signal, run.exit_code, tried)
