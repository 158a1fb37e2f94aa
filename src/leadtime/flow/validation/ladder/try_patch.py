"""Run a patched release beside the one it was made for: on the reproducer, on others like it, on what is harmless.

Runs in the child that runs everything hostile. It stops at the first thing that ends the climb.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from leadtime.flow.validation.ladder.checks import checks_in
from leadtime.flow.validation.ladder.records import Harmless, Manner, RecipeTest, SeenPatch, Variant
from leadtime.flow.validation.ladder.rules import Climb, runs_needed, silence, unchecked
from leadtime.flow.validation.ladder.variants import Mutant, mutants
from leadtime.flow.validation.records import Crash, FixedWord, Scene, SeenRun, SeenSide, Showing
from leadtime.flow.validation.rules import judge_run
from leadtime.flow.validation.task import Fetched
from leadtime.flow.validation.trial.build import BuildFailure
from leadtime.flow.validation.trial.probing import Glance, Prober
from leadtime.flow.validation.trial.runs import Target
from leadtime.flow.validation.trial.sides import Sides
from leadtime.sandbox import Ending

VARIANTS_WANTED = 12
VARIANT_TRIES_MAX = 400
VARIANT_SECONDS_MAX = 90.0
HARMLESS_WANTED = 8
HARMLESS_TRIES_MAX = 80
HARMLESS_SECONDS_MAX = 45.0

Seconds = Callable[[], float]
"""A clock that only goes forward."""


def try_patch(
    sides: Sides, patched: Fetched, target: Target, side: SeenSide, crash: Crash, *, seconds: Seconds = time.monotonic
) -> SeenPatch:
    """Return what was seen of a patched release, next to ``target``, on which ``side`` saw the ``crash``."""
    with sides.built(patched) as beside:
        if isinstance(beside, BuildFailure):
            return SeenPatch(beside.patch, beside.reason, Scene({}, {}, frozenset(), ()))
        lost = unchecked(checks_in(target.place), checks_in(beside.place))
        seen = SeenPatch(beside.patch, "", beside.scene, lost)
        if lost:
            return seen
        return _Pair(sides, target, beside, side, crash, seconds).climb(seen)


@dataclass(frozen=True, slots=True)
class _Pair:
    """The release that shows the flaw, and the same with the patch in it, both built."""

    sides: Sides
    target: Target
    beside: Target
    side: SeenSide
    crash: Crash
    seconds: Seconds

    def climb(self, seen: SeenPatch) -> SeenPatch:
        """Return what was seen, rung by rung, as far as there is a point in going on."""
        seen = replace(seen, runs=self._reproduce(), relapses=self._relapses())
        if seen.relapses or not all(self._is_silent(seen, run) for run in seen.runs):
            return seen
        seen = self._vary(seen)
        if not seen.variants or not self._is_silent(seen, seen.variants[-1].after):
            return seen
        seen = replace(seen, tests=self._test())
        if any(test.before and not test.after for test in seen.tests):
            return seen
        return replace(seen, harmless=tuple(self._behave()))

    def _is_silent(self, seen: SeenPatch, run: SeenRun) -> bool:
        climb = Climb(self.sides.recipe.oracle, self.crash, self.side.scene, seen)
        return silence(climb, run).word is FixedWord.CLEAN

    def _reproduce(self) -> tuple[SeenRun, ...]:
        recipe = self.sides.recipe
        judged = [judge_run(recipe.oracle, run, self.side.scene) for run in self.side.runs]
        wanted = runs_needed(sum(found.showing is Showing.HIT for found in judged), len(judged))
        raw = []
        self.sides.progress("running the patched release", 0, wanted)
        for found in self.beside.repeat(self.sides.task.input, wanted):
            raw.append(found)
            self.sides.progress("running the patched release", len(raw), wanted)
        return self.beside.read(raw)

    def _relapses(self) -> bool:
        """Tell whether the reproducer, with nobody watching, fails with the patch as it does without it."""
        without, patched = (prober.glance(self.sides.task.input.content()) for prober in self._probers())
        return patched.fails_as(without, self.sides.recipe.oracle)

    def _probers(self) -> tuple[Prober, Prober]:
        oracle, given = self.sides.recipe.oracle, self.sides.task.input
        return Prober(self.target, oracle, given, self.crash), Prober(self.beside, oracle, given, self.crash)

    def _vary(self, seen: SeenPatch) -> SeenPatch:
        """Look for other inputs that show the flaw, and run each with the patch, until one is not silent."""
        without, patched = self._probers()
        found: list[Variant] = []
        pool: list[bytes] = []
        end, tries = self.seconds() + VARIANT_SECONDS_MAX, 0
        for mutant in self._candidates(pool):
            if tries == VARIANT_TRIES_MAX or len(found) == VARIANTS_WANTED or self.seconds() > end:
                break
            self.sides.progress(f"looking for variants ({len(found)} found)", tries, VARIANT_TRIES_MAX)
            tries += 1
            hit = without.repeats(mutant.content)
            if hit is None:
                continue
            pool.append(mutant.content)
            digest = self.sides.evidence.keep(mutant.content)
            found.append(Variant(digest, mutant.kind, hit.run, patched.watch(mutant.content)[0]))
            if not self._is_silent(seen, found[-1].after):
                break
        return replace(seen, variants=tuple(found), tries=tries)

    def _candidates(self, pool: list[bytes]) -> Iterator[Mutant]:
        task = self.sides.task
        yield from (Mutant("of another report", file.content()) for file in task.known)
        yield from mutants(task.input.content(), self._chance(), pool)

    def _chance(self) -> random.Random:
        return random.Random(self.sides.task.seed)  # noqa: S311 - nothing rests on it but which inputs are tried

    def _test(self) -> tuple[RecipeTest, ...]:
        """Run the recipe's tests without and with the patch."""
        commands = self.sides.recipe.tests
        found = []
        for number, command in enumerate(commands):
            self.sides.progress("running the recipe's tests", number, len(commands))
            found.append(RecipeTest(self.target.passes(command), self.beside.passes(command)))
        return tuple(found)

    def _behave(self) -> Iterator[Harmless]:
        """Yield harmless inputs that end the same way twice without the patch, with how they end with it.

        Each is compared where nobody watches and where somebody does, so that no patch is harmless in one alone.
        """
        task = self.sides.task
        given = (task.control or task.input).content()
        without, patched = self._probers()
        end, found = self.seconds() + HARMLESS_SECONDS_MAX, 0
        first = [Mutant("the control", given)] if task.control is not None else []
        exit_code = without.glance(given).exit_code if first else 0
        for tries, mutant in enumerate((*first, *_some(given, self._chance()))):
            if found == HARMLESS_WANTED or self.seconds() > end:
                break
            self.sides.progress(f"comparing behaviour ({found} compared)", tries, HARMLESS_TRIES_MAX)
            before = without.glance(mutant.content)
            if not _is_clean(before, exit_code) or without.glance(mutant.content) != before:
                continue
            run, watched = without.watch(mutant.content)
            if without.judge(run).showing is not Showing.QUIET:
                continue
            _, after = patched.watch(mutant.content)
            if after != watched and without.watch(mutant.content)[1] != watched:
                continue
            found += 1
            digest = self.sides.evidence.keep(mutant.content)
            yield Harmless(digest, mutant.kind, _manner(before), _manner(patched.glance(mutant.content)))
            yield Harmless(digest, f"{mutant.kind}, watched", _manner(watched), _manner(after))


def _some(given: bytes, chance: random.Random) -> Iterator[Mutant]:
    for _, mutant in zip(range(HARMLESS_TRIES_MAX), mutants(given, chance, []), strict=False):
        yield mutant


def _is_clean(glance: Glance, exit_code: int | None) -> bool:
    return glance.ending is Ending.EXITED and glance.exit_code == exit_code and not glance.claims_report


def _manner(glance: Glance) -> Manner:
    return Manner(glance.exit_code, glance.signal, glance.output)
