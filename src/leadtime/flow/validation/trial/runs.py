"""Run a built target on one input, watched, in a fresh copy of its work directory, and read what was seen."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from leadtime.flow.validation.evidence import Evidence
from leadtime.flow.validation.fairness.rules import fitting_options, readable_options
from leadtime.flow.validation.ladder.records import Applied
from leadtime.flow.validation.network.records import NetworkAttempt
from leadtime.flow.validation.oracles.exception import claims_traceback
from leadtime.flow.validation.oracles.sanitizer import claims_report
from leadtime.flow.validation.recipe import Recipe, fill
from leadtime.flow.validation.records import Limit, Oracle, Scene, SeenRun
from leadtime.flow.validation.rules import plain_input_name
from leadtime.flow.validation.task import CarriedFile
from leadtime.flow.validation.trial.build import BUILD_OPTIONS, WORK_PLACE, Built, places
from leadtime.flow.validation.trial.sightings import BOUNDS, Code, Sightings, read_sightings
from leadtime.flow.validation.trial.toolchain import GUEST_PLACE, Toolchain, guest_mount
from leadtime.foundation.errors import Malformed
from leadtime.foundation.strict_json import read_json
from leadtime.sandbox import OBSERVER_DIRECTORY, Ending, Limits, Mount, Outcome, Program, Repeats, Watch, discard, run

INPUT_PLACE = "/box/input"
CANARY_PLACE = "/canary"
CANARY_TEXT = "Nobody is to read this.\n"
"""Lies at ``/canary/secret`` where reads and writes outside the work directory are the flaw."""
QUESTIONS_PLACE = "/box/questions"
COPY_S_MAX = 600
CODE_ANSWERS, CODE_VALUES = "observe_code.py", "observe_values.py"
QUESTION_LIMITS = Limits(wall_s=120, memory_mib=1024)
CODES_MAX = 2_000

WATCHES: Mapping[Oracle, Watch] = {
    Oracle.HANG: Watch.STACKS_AT_LIMIT,
    Oracle.EXCEPTION: Watch.RAISES,
    Oracle.CANARY: Watch.ACTS,
    Oracle.EXIT: Watch.ENDS,
}
"""What the observer looks for under an oracle; a sanitizer's reports under any other."""

LIMITS: dict[Ending, Limit] = {
    Ending.TIMED_OUT: Limit.TIME,
    Ending.OUT_OF_MEMORY: Limit.MEMORY,
    Ending.OUTPUT_FLOOD: Limit.OUTPUT,
    Ending.DISK_FULL: Limit.DISK,
    Ending.OBSERVER_LOST: Limit.OBSERVER,
}


@dataclass(frozen=True, slots=True)
class RawRun:
    """One run's outcome and what the observer saw, before it is known which Python code is genuine.

    Without an outcome the program was not started: what its build left behind could not be copied. Without sightings
    what the observer wrote could not be read.
    """

    outcome: Outcome | None
    sightings: Sightings | None


class Target:
    """One built release with the recipe that says how to run it."""

    def __init__(self, built: Built, recipe: Recipe, toolchain: Toolchain, user: str, evidence: Evidence) -> None:
        self._built = built
        self._recipe = recipe
        self._toolchain = toolchain
        self._user = user
        self._evidence = evidence

    @property
    def scene(self) -> Scene:
        """Return what the stacks of its runs are judged against."""
        note, interpreter = self._built.note, self._toolchain.interpreter
        return Scene(note.release, note.proofs, interpreter.files, interpreter.places, self._recipe.exits)

    @property
    def place(self) -> Path:
        """Return where it lies, with all that its build left there."""
        return self._built.place

    @property
    def patch(self) -> Applied | None:
        """Return what a patch touched before it was built, None if there was no patch."""
        return self._built.note.patch

    @property
    def network(self) -> tuple[NetworkAttempt, ...]:
        """Return who tried the network while it was built."""
        return self._built.note.network

    def run(self, given: CarriedFile) -> RawRun:
        """Run the target once on ``given``."""
        (raw,) = self.repeat(given, 1)
        return raw

    def repeat(self, given: CarriedFile, times: int) -> Iterator[RawRun]:
        """Run the target again and again on ``given``, each run in a fresh copy of its work directory."""
        watch = WATCHES.get(self._recipe.oracle, Watch.REPORTS)
        with tempfile.TemporaryDirectory(prefix="leadtime-run-", ignore_cleanup_errors=True) as place:
            scene = Path(place)
            runs = scene / "runs"
            program = self._program(scene, given, watch)
            runs.mkdir()
            targets = {"work": WORK_PLACE, **({"canary": CANARY_PLACE} if watch is Watch.ACTS else {})}
            with Repeats(program, runs, targets, user=self._user) as repeats:
                for _ in range(times):
                    yield self._raw(self._repeated(repeats, runs))

    def _repeated(self, repeats: Repeats, runs: Path) -> Outcome | None:
        # A name that tells no run which one it is.
        place = Path(tempfile.mkdtemp(dir=runs))
        try:
            if not copy_tree(self._built.place / "work", place / "work"):
                return None
            _lay_canary(place / "canary")
            return repeats.run(place)
        finally:
            discard(place)

    def _raw(self, outcome: Outcome | None) -> RawRun:
        if outcome is None:
            return RawRun(None, None)
        for content in (outcome.stdout, outcome.stderr, outcome.sightings):
            if content:
                self._evidence.keep(content)
        try:
            return RawRun(outcome, read_sightings(outcome.sightings))
        except Malformed:
            return RawRun(outcome, None)

    def glance(self, given: CarriedFile) -> Outcome | None:
        """Run the target once on ``given`` with nobody watching; None if it could not be started. Nothing is kept."""
        with tempfile.TemporaryDirectory(prefix="leadtime-run-", ignore_cleanup_errors=True) as place:
            scene = Path(place)
            work, canary = scene / "work", scene / "canary"
            try:
                if not copy_tree(self._built.place / "work", work):
                    return None
                program = self._program(scene, given, Watch.NOTHING)
                shown = [Mount(work, WORK_PLACE, writable=True)]
                if self._recipe.oracle is Oracle.CANARY:
                    _lay_canary(canary)
                    shown.append(Mount(canary, CANARY_PLACE, writable=True))
                return run(replace(program, mounts=(*program.mounts, *shown)), user=self._user)
            finally:
                discard(work)
                discard(canary)

    def passes(self, command: str) -> bool:
        """Tell whether one of the recipe's tests ends with exit code 0, in the built tree, with nobody watching."""
        recipe, interpreter = self._recipe, self._toolchain.interpreter
        with tempfile.TemporaryDirectory(prefix="leadtime-test-", ignore_cleanup_errors=True) as place:
            work = Path(place, "work")
            try:
                if not copy_tree(self._built.place / "work", work):
                    return False
                mounts = (*self._built.mounts(), Mount(work, WORK_PLACE, writable=True), *interpreter.mounts)
                limits = Limits(wall_s=recipe.limits.build_s, memory_mib=recipe.limits.memory_mib)
                env = {**BUILD_OPTIONS, **dict(recipe.env)}
                program = Program(fill(command, places(self._toolchain)), limits, mounts=mounts, env=env)
                outcome = run(program, user=self._user)
            finally:
                discard(work)
        return outcome.ending is Ending.EXITED and outcome.exit_code == 0

    def _program(self, scene: Path, given: CarriedFile, watch: Watch) -> Program:
        """Return the program with all that it only reads, laid out in ``scene``."""
        name = plain_input_name(given.name)
        shown = scene / "input"
        shown.mkdir()
        (shown / name).write_bytes(given.content())
        known = scene / "known.json"
        interpreter = self._toolchain.interpreter
        layouts = {file: {"layout": dict(interpreter.layout)} for file in interpreter.files if interpreter.layout}
        known.write_text(json.dumps({"interpreters": layouts}))
        scene.chmod(0o755)
        recipe = self._recipe
        env = fitting_options(dict(recipe.env))
        return Program(
            fill(recipe.run, places(self._toolchain, f"{INPUT_PLACE}/{name}")),
            Limits(wall_s=recipe.limits.run_s, memory_mib=recipe.limits.memory_mib),
            mounts=(*self._built.mounts(), Mount(shown, INPUT_PLACE), *interpreter.mounts),
            env=readable_options(env) if recipe.oracle is Oracle.CANARY else env,
            watch=watch,
            observer_mounts=() if watch is Watch.NOTHING else (Mount(known, f"{OBSERVER_DIRECTORY}/known.json"),),
        )

    def read(self, raw: Iterable[RawRun]) -> tuple[SeenRun, ...]:
        """Return the runs as records, with every piece of Python on their stacks compared with its file."""
        runs = tuple(raw)
        genuine = self._genuine(
            frozenset(code for one in runs if one.sightings is not None for code in one.sightings.codes)
        )
        return tuple(self._seen(one, genuine) for one in runs)

    def _seen(self, raw: RawRun, genuine: frozenset[Code]) -> SeenRun:
        outcome = raw.outcome
        if outcome is None:
            return SeenRun(Limit.TREE, None, claims_report=False)
        sightings = raw.sightings or Sightings()
        limit = LIMITS.get(outcome.ending) or (Limit.OBSERVER if raw.sightings is None else None)
        try:
            reports = sightings.read_reports(genuine.__contains__)
            samples = sightings.read_samples(genuine.__contains__)
            loaded = sightings.read_loaded(genuine.__contains__)
            raised = sightings.read_raised(genuine.__contains__)
            acts = sightings.read_acts(genuine.__contains__)
            ends = sightings.read_ends(genuine.__contains__)
        except Malformed:
            return SeenRun(Limit.OBSERVER, None, claims_report=False)
        return SeenRun(
            limit=limit,
            signal=outcome.signal,
            claims_report=claims_report(outcome.stdout) or claims_report(outcome.stderr),
            reports=reports,
            samples=samples,
            loaded=loaded,
            brought=sightings.brought,
            raised=raised,
            unwatched=sightings.unwatched,
            claims_traceback=claims_traceback(outcome.stdout) or claims_traceback(outcome.stderr),
            network=sightings.network,
            acts=acts,
            ends=ends,
            exit_code=outcome.exit_code,
        )

    def _genuine(self, codes: frozenset[Code]) -> frozenset[Code]:
        """Return which code is what its file compiles to, as the same interpreter finds by compiling it in the box."""
        asked = sorted(
            codes, key=lambda code: (code.file, code.name, code.first_line, code.table, code.code, code.values)
        )[:CODES_MAX]
        if not asked:
            return frozenset()
        with (
            tempfile.TemporaryDirectory(prefix="leadtime-code-") as place,
            guest_mount(CODE_ANSWERS, CODE_VALUES) as guest,
        ):
            questions = Path(place) / "questions.json"
            questions.write_text(json.dumps([_question(code) for code in asked]))
            Path(place).chmod(0o755)
            interpreter = self._toolchain.interpreter
            mounts = (
                *self._built.mounts(),
                Mount(self._built.place / "work", WORK_PLACE),
                Mount(Path(place), QUESTIONS_PLACE),
                guest,
                *interpreter.mounts,
            )
            python = places(self._toolchain)["python"]
            command = f"{python} -I -S {GUEST_PLACE}/{CODE_ANSWERS} {QUESTIONS_PLACE}/questions.json"
            outcome = run(Program(command, QUESTION_LIMITS, mounts=mounts), user=self._user)
        answers = read_json(outcome.stdout, BOUNDS) if outcome.exit_code == 0 else []
        if not isinstance(answers, list) or len(answers) != len(asked):
            return frozenset()
        return frozenset(code for code, answer in zip(asked, answers, strict=True) if answer is True)


def _lay_canary(place: Path) -> None:
    place.mkdir()
    (place / "secret").write_text(CANARY_TEXT)


def copy_tree(source: Path, target: Path) -> bool:
    """Copy a tree that hostile code wrote, links as links, pipes as pipes; False if that fails or takes too long."""
    command = ["cp", "-a", "--reflink=auto", "--", str(source), str(target)]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=COPY_S_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _question(code: Code) -> dict[str, object]:
    return {
        "file": code.file,
        "name": code.name,
        "first_line": code.first_line,
        "table": code.table,
        "code": code.code,
        "values": code.values,
    }
