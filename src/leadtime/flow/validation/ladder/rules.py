"""How far a patch climbs, pure: each rung is judged by what was seen, and one that does not hold ends the climb."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from leadtime.flow.validation.fairness.rules import was_run
from leadtime.flow.validation.ladder.diffs import FileDiff
from leadtime.flow.validation.ladder.records import Applied, Ladder, Manner, Rung, SeenPatch, Standing, Step
from leadtime.flow.validation.oracles.crashes import is_same_flaw
from leadtime.flow.validation.records import Crash, FixedSide, FixedWord, Oracle, Scene, SeenRun
from leadtime.flow.validation.rules import judge_fixed, judge_run

NAMES_MAX = 5
NOT_COME_TO = "not tried: a rung below does not hold"
_CHECKERS = re.compile(
    rb"(?i:sanitize|no_address_safety|(?:a|hwa|l|m|t|ub)san_)|\bSIG(?:SEGV|BUS|ILL|FPE|ABRT|TRAP)\b|\bsigaction\b"
)
_WATCHERS = re.compile(rb"/(?:proc|sys|box|canary|dev/shm)\b|(?i:seccomp|ptrace|tracerpid|leadtime)")

_Answer = tuple[Standing, str]


@dataclass(frozen=True, slots=True)
class Climb:
    """A patch to judge: the crash it is to end, the scene without it, what was seen with it, a doubt of its text."""

    oracle: Oracle
    crash: Crash
    before: Scene
    seen: SeenPatch
    doubt: str = ""


def climb(given: Climb) -> Ladder:
    """Return how far a patch climbs.

    A rung that does not hold, or could not be checked, ends the climb; only tests, which a recipe need not name, may
    be passed over.
    """
    steps: list[Step] = []
    goes_on = True
    for rung, judge in RUNGS.items():
        standing, reason = judge(given) if goes_on else (Standing.NOT_CHECKED, NOT_COME_TO)
        steps.append(Step(rung, standing, reason))
        goes_on &= standing is Standing.PASSED or (standing is Standing.NOT_CHECKED and rung is Rung.TESTS)
    return Ladder(tuple(steps), given.seen.applied)


def doubt_of(files: Sequence[FileDiff], oracle: Oracle) -> str:
    """Return in words that a patch speaks to what watches for the flaw, so that silence shows nothing; empty if not.

    A patch that takes a function out of a sanitizer's sight, or catches what the kernel raises, fixes nothing; nor does
    one that asks where it runs.
    """
    for file in files:
        if _says_more(_WATCHERS, file):
            return f"the patch asks where it runs in {file.name}: silence here would show nothing"
        if oracle is Oracle.SANITIZER and _says_more(_CHECKERS, file):
            return f"the patch speaks to sanitizers or of fatal signals in {file.name}: silence would show nothing"
    return ""


def _says_more(pattern: re.Pattern[bytes], file: FileDiff) -> bool:
    old = b"".join(line for hunk in file.hunks for line in hunk.old)
    new = b"".join(line for hunk in file.hunks for line in hunk.new)
    return len(pattern.findall(new)) > len(pattern.findall(old))


def silence(given: Climb, run: SeenRun) -> FixedSide:
    """Return what one run with the patch showed, next to the flaw."""
    judged = judge_run(given.oracle, run, given.seen.scene)
    return judge_fixed("", [judged], given.crash, [was_run(given.crash, run, given.seen.scene)])


def runs_needed(hits: int, runs: int) -> int:
    """Return how many silent runs are needed where the flaw showed in some of the runs: at least as many as those.

    So many that a flaw that shows as often as it did would stay silent in one of twenty patches, within a bound.
    """
    silent, needed = 1.0, 0
    while silent > SILENT_BY_CHANCE_MAX and needed < RUNS_MAX:
        silent *= 1 - hits / runs
        needed += 1
    return max(runs, needed)


SILENT_BY_CHANCE_MAX = 0.05
RUNS_MAX = 40


def _applies(given: Climb) -> _Answer:
    applied = given.seen.applied
    if applied is None:
        return Standing.FAILED, given.seen.failure
    return Standing.PASSED, _touched(applied)


def _touched(applied: Applied) -> str:
    inside = f" in {applied.archive}" if applied.archive else ""
    missing = f"; the release does not carry {_listed(applied.left_out)}" if applied.left_out else ""
    return f"it changes {_listed(applied.touched)}{inside}{missing}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMES_MAX} more" if len(names) > NAMES_MAX else ""
    return ", ".join(names[:NAMES_MAX]) + more


def _builds(given: Climb) -> _Answer:
    if given.seen.failure:
        return Standing.FAILED, given.seen.failure
    if given.seen.unchecked:
        names = ", ".join(given.seen.unchecked)
        return Standing.FAILED, f"fewer of its compiled files hold the checks of {names}: silence would show nothing"
    return Standing.PASSED, "the release builds with it"


def unchecked(before: Mapping[str, int], after: Mapping[str, int]) -> tuple[str, ...]:
    """Return the sanitizers whose checks fewer compiled files hold after a patch than before it."""
    return tuple(sorted(name for name, count in before.items() if after.get(name, 0) < count))


def _reproducer(given: Climb) -> _Answer:
    if given.doubt:
        return Standing.NOT_CHECKED, given.doubt
    for run in given.seen.runs:
        side = silence(given, run)
        if side.word is not FixedWord.CLEAN:
            return _loud(side), f"the reproducer: {side.reason}"
    if given.seen.relapses:
        return Standing.FAILED, "the reproducer: with nobody watching, it fails as it does without the patch"
    return Standing.PASSED, f"the reproducer shows nothing in {len(given.seen.runs)} runs"


def _loud(side: FixedSide) -> Standing:
    return Standing.NOT_CHECKED if side.word is FixedWord.NOT_CHECKED else Standing.FAILED


def _variants(given: Climb) -> _Answer:
    found = [variant for variant in given.seen.variants if _shows(given, variant.before)]
    for variant in found:
        side = silence(given, variant.after)
        if side.word is not FixedWord.CLEAN:
            return _loud(side), f"another input that shows the flaw ({variant.kind}, {variant.digest}): {side.reason}"
    if not found:
        return Standing.NOT_CHECKED, f"no other input that shows the flaw was found in {given.seen.tries} tries"
    return (
        Standing.PASSED,
        f"{len(found)} other inputs that show the flaw without it, found in {given.seen.tries} tries, show nothing",
    )


def _shows(given: Climb, run: SeenRun) -> bool:
    found = judge_run(given.oracle, run, given.before).crash
    return found is not None and is_same_flaw(found, given.crash)


def _tests(given: Climb) -> _Answer:
    tests = given.seen.tests
    passing = [number for number, test in enumerate(tests, 1) if test.before]
    if not passing:
        why = f"none of the recipe's {len(tests)} tests passes without the patch" if tests else "the recipe names none"
        return Standing.NOT_CHECKED, why
    failing = [number for number in passing if not tests[number - 1].after]
    if failing:
        return Standing.FAILED, f"test {failing[0]} of {len(tests)} passes without the patch and fails with it"
    return Standing.PASSED, f"{len(passing)} of {len(tests)} tests pass without the patch, and all of them with it"


def _behaviour(given: Climb) -> _Answer:
    for found in given.seen.harmless:
        if found.before != found.after:
            why = _difference(found.before, found.after)
            return Standing.FAILED, f"a harmless input ({found.kind}, {found.digest}) {why}"
    if not given.seen.harmless:
        return Standing.NOT_CHECKED, "no harmless input was found that ends the same way twice"
    inputs = {found.digest for found in given.seen.harmless}
    return Standing.PASSED, f"{len(inputs)} harmless inputs end as before and print the same, watched or not"


def _difference(before: Manner, after: Manner) -> str:
    if (before.exit_code, before.signal) == (after.exit_code, after.signal):
        return "prints something else with the patch"
    return f"ends with {_ending(before)} without the patch and with {_ending(after)} with it"


def _ending(manner: Manner) -> str:
    if manner.signal is not None:
        return f"signal {manner.signal}"
    return "a limit" if manner.exit_code is None else f"exit code {manner.exit_code}"


RUNGS: Mapping[Rung, Callable[[Climb], _Answer]] = {
    Rung.APPLIES: _applies,
    Rung.BUILDS: _builds,
    Rung.REPRODUCER: _reproducer,
    Rung.VARIANTS: _variants,
    Rung.TESTS: _tests,
    Rung.BEHAVIOUR: _behaviour,
}
"""Who judges each rung, from the ground up."""
