"""Runs many harnesses for brittle's Python package on one build, each once, and says what they show."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

from leadtime.flow.validation.records import Judged, Oracle
from leadtime.flow.validation.rules import judge_run
from leadtime.flow.validation.task import CarriedFile
from leadtime.flow.validation.trial.build import BuildFailure
from leadtime.flow.validation.trial.sides import open_sides
from tests.flow.validation.brittle import Trial, task_of

LIMITS = {"build_s": 60, "run_s": 120, "memory_mib": 1024}
"""Far more time than is needed: on a busy machine the observer waits, too."""


def shown_by(harnesses: Mapping[str, str], place: Path, *, version: str = "1.0") -> dict[str, Judged]:
    """Return what each harness shows under the oracle ``exception``."""
    files = {f"h{number}.py": f"import brittle\n{text}" for number, text in enumerate(harnesses.values())}
    trial = Trial(
        files=files,
        build=("cp -r {src}/brittle .",),
        run="{python} $(cat {input})",
        oracle="exception",
        vulnerable=version,
        limits=LIMITS,
    )
    task = task_of(trial, place)
    sides = open_sides(task, lambda *_: None, runs=1)
    with sides.built(task.vulnerable) as target:
        assert not isinstance(target, BuildFailure), target
        runs = target.read([target.run(_holding(name)) for name in files])
        judged = [judge_run(Oracle.EXCEPTION, run, target.scene) for run in runs]
    return dict(zip(harnesses, judged, strict=True))


def _holding(text: str) -> CarriedFile:
    return CarriedFile("input", base64.b64encode(text.encode()).decode())
