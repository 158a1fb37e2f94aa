"""Prove a report: prepare its task, have it run in a process of its own, and judge what that saw."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from leadtime.flow.intake import Reproducer
from leadtime.flow.validation.bench import open_bench
from leadtime.flow.validation.each_run import each_run, run_as_json
from leadtime.flow.validation.fairness.rules import harness_of, was_run
from leadtime.flow.validation.network.records import NetworkUse
from leadtime.flow.validation.network.rules import network_of
from leadtime.flow.validation.plain import from_plain, to_plain
from leadtime.flow.validation.recipe import Recipe, parse_recipe
from leadtime.flow.validation.records import Crash, FixedSide, FixedWord, Judged, SeenSide, Verdict, Word
from leadtime.flow.validation.rules import conclude, judge_fixed, judge_run, wilson
from leadtime.flow.validation.task import Task, prepare
from leadtime.flow.validation.tier import Grounds, tier_of
from leadtime.flow.validation.trial.run import Seen
from leadtime.foundation import errors
from leadtime.foundation.digests import canonical_json
from leadtime.foundation.strict_json import Json, JsonBounds, read_json
from leadtime.packages.fetch import Fetcher

SEEN_BOUNDS = JsonBounds(bytes_max=512 << 20, depth_max=24, values_max=32_000_000)
LINES_MAX = 10_000
STOP_CHECK_S = 0.2
END_S_MAX = 20.0
RUN = "from leadtime.flow.validation.trial.run import main; main()"
READABLE_UMASK = 0o022
"""What the child writes for its boxes is read there by another user, whatever ours is."""
CHILD_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}

Progress = Callable[[str, int, int], None]
"""Hears what is being done, and how many of how many of it are done."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where validations work on this machine: caches, evidence, the Python for recipes, who hostile code runs as.

    Evidence is sealed (`evidence.read_evidence` opens it) unless it is to be kept in clear.
    """

    cache: Path
    evidence: Path
    python: str | None
    sandbox_user: str
    evidence_in_clear: bool = False


def prove(
    reproducer: Reproducer,
    fetcher: Fetcher,
    workshop: Workshop,
    *,
    progress: Progress = lambda _doing, _done, _of: None,
    stopping: threading.Event | None = None,
) -> Verdict:
    """Return the verdict on a reproducer, with everything it rests on kept as evidence.

    Takes minutes where something must be built. When ``stopping`` is set it gives up with `Unavailable`. Raises
    `Malformed` and `Refused` for a recipe, `Missing` for a release that does not exist, `Unavailable` where this
    machine or an index cannot do it now.
    """
    task = task_for(reproducer, fetcher, workshop, progress)
    seen = see_apart(task, workshop, progress, stopping or threading.Event())
    return judge(parse_recipe(reproducer.recipe), task, seen)


def task_for(reproducer: Reproducer, fetcher: Fetcher, workshop: Workshop, progress: Progress) -> Task:
    """Return a reproducer's task with what it names fetched; raises as `prove`."""
    return prepare(
        reproducer,
        fetcher,
        python=workshop.python,
        sandbox_user=workshop.sandbox_user,
        cache=workshop.cache,
        evidence=workshop.evidence,
        tell=lambda doing: progress(doing, 0, 1),
        evidence_in_clear=workshop.evidence_in_clear,
    )


def see_apart(task: Task, workshop: Workshop, progress: Progress, stopping: threading.Event) -> Seen:
    """Run a task in a child without our environment and return what it saw; raises `Unavailable` when it is to stop."""
    with open_bench(workshop.cache) as bench:
        return _run_apart(task, bench, progress, stopping)


def judge(recipe: Recipe, task: Task, seen: Seen) -> Verdict:
    """Return the verdict on what a run saw; pure."""
    side = seen.vulnerable
    control = judge_run(recipe.oracle, side.control, side.scene) if side.control is not None else None
    judged = _judged(recipe, side)
    word, reason, crash = conclude(side.build_failure, control, judged)
    hits = sum(1 for found in judged if found.crash is not None)
    fixed = FixedSide(FixedWord.NOT_CHECKED, task.unfetched or "the recipe names no fixed release", 0, 0)
    if task.fixed is not None:
        fixed = _judged_fixed(recipe, seen.fixed, crash)
    sides = [side] if seen.fixed is None else [side, seen.fixed]
    return Verdict(
        word=word,
        reason=reason,
        rate=wilson(hits, len(judged)) if judged else None,
        crash=crash,
        fixed=fixed,
        harness=harness_of(recipe.files, recipe.run, crash, side.runs, side.scene),
        controlled=control is not None and word is Word.REPRODUCED,
        environment=seen.environment,
        releases=tuple((one.purl, one.release_digest) for one in sides),
        evidence=seen.evidence,
        network=network_of(sides),
        runs=each_run(recipe.oracle, side, seen.fixed),
        oracle=recipe.oracle,
    )


def _judged_fixed(recipe: Recipe, side: SeenSide | None, crash: Crash | None) -> FixedSide:
    if side is None:
        return judge_fixed("", (), crash, ())
    ran = [crash is not None and was_run(crash, run, side.scene) for run in side.runs]
    return judge_fixed(side.build_failure, _judged(recipe, side), crash, ran)


def _judged(recipe: Recipe, side: SeenSide) -> tuple[Judged, ...]:
    return tuple(judge_run(recipe.oracle, run, side.scene) for run in side.runs)


def _run_apart(task: Task, bench: Path, progress: Progress, stopping: threading.Event) -> Seen:
    """Run the task in a child without our environment; killing it empties every box it started.

    Whatever it lays out on disk lies in ``bench``.
    """
    child = subprocess.Popen(
        # The kernel ends it with us, however we end; its boxes end with it.
        ["setpriv", "--pdeathsig", "KILL", sys.executable, "-I", "-c", RUN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**CHILD_ENVIRONMENT, "TMPDIR": str(bench)},
        umask=READABLE_UMASK,
    )
    guard = threading.Thread(target=_stop_with, args=(child, stopping), daemon=True)
    guard.start()
    # Both are there: they were asked for.
    speak, hear = cast("BinaryIO", child.stdin), cast("BinaryIO", child.stdout)
    try:
        with suppress(BrokenPipeError), speak:
            speak.write(canonical_json(to_plain(task)))
        for _ in range(LINES_MAX):
            line = hear.readline(SEEN_BOUNDS.bytes_max + 1)
            if not line:
                break
            value = read_json(line, SEEN_BOUNDS)
            if isinstance(value, dict) and "seen" in value:
                return from_plain(Seen, value["seen"])
            if isinstance(value, dict) and "problem" in value:
                raise _problem(value["problem"])
            _tell(value, progress)
    finally:
        child.kill()
        child.wait(END_S_MAX)
        hear.close()
        guard.join(END_S_MAX)
    raise errors.Unavailable(
        "the run was stopped before it ended" if stopping.is_set() else "the process that runs hostile code died",
        where="validation",
        next_step="Try again.",
    )


def _stop_with(child: subprocess.Popen[bytes], stopping: threading.Event) -> None:
    while child.poll() is None:
        if stopping.wait(STOP_CHECK_S):
            child.kill()
            return


def _tell(value: Json, progress: Progress) -> None:
    if isinstance(value, dict) and isinstance(value.get("doing"), str):
        done, of = value.get("done"), value.get("of")
        if isinstance(done, int) and isinstance(of, int):
            progress(str(value["doing"]), done, of)


def _problem(value: Json) -> errors.LeadtimeError:
    told = {name: str(text) for name, text in value.items()} if isinstance(value, dict) else {}
    kinds = {kind.__name__: kind for kind in (errors.Malformed, errors.Refused, errors.Missing, errors.Unavailable)}
    kind = kinds.get(told.get("kind", ""), errors.Unavailable)
    return kind(told.get("what", ""), where=told.get("where", ""), next_step=told.get("next_step", ""))


def as_json(verdict: Verdict) -> dict[str, object]:
    """Return a verdict in the shape of the contract, with everything that a page or a merge needs besides."""
    crash, rate = verdict.crash, verdict.rate
    frames = crash.frames if crash is not None else ()
    fault = crash.subject_frames[0] if crash is not None else None
    return {
        "schema": "leadtime.verdict/1",
        "verdict": verdict.word.value,
        "reason": verdict.reason,
        "rate": {"hits": rate.hits, "runs": rate.runs, "low": rate.low, "high": rate.high} if rate else None,
        "crash": {
            "class": crash.crash_class,
            "access": crash.access,
            "frames": [frame.text for frame in frames],
            "signature": crash.signature,
            "fault": f"{fault.file}:{fault.line}" if fault is not None else "",
            "subject_frames": [frame.text for frame in crash.subject_frames],
            "stack": [
                {"function": f.function, "file": f.file or None, "line": f.line, "origin": f.origin.value}
                for f in frames
            ],
        }
        if crash is not None
        else None,
        "fixed": {
            "verdict": verdict.fixed.word.value,
            "runs": verdict.fixed.runs,
            "hits": verdict.fixed.hits,
            "reason": verdict.fixed.reason,
        },
        "harness": verdict.harness.value,
        "control": "clean" if verdict.controlled else None,
        "oracle": verdict.oracle.value,
        "tier": tier_of(
            Grounds(verdict.harness, verdict.fixed.word, controlled=verdict.controlled, oracle=verdict.oracle)
        ).as_json()
        if verdict.word is Word.REPRODUCED
        else None,
        "environment": {"digest": verdict.environment},
        "releases": [{"purl": purl, "digest": digest} for purl, digest in verdict.releases],
        "evidence": list(verdict.evidence),
        "network": [_use(use) for use in verdict.network if not use.attempt.is_local],
        "local_sockets": [_use(use) for use in verdict.network if use.attempt.is_local],
        "runs": [run_as_json(run) for run in verdict.runs],
    }


def _use(use: NetworkUse) -> dict[str, object]:
    return {"during": use.during.value, **dataclasses.asdict(use.attempt), "dns": use.attempt.is_dns}


def as_bytes(verdict: Verdict) -> bytes:
    """Return a verdict as canonical JSON."""
    return canonical_json(json.loads(json.dumps(as_json(verdict))))
