"""Build one release as the recipe says, in the sandbox and under watch, once; later runs take the built tree."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from leadtime.flow.validation.blame.rules import proven_modules
from leadtime.flow.validation.evidence import Evidence
from leadtime.flow.validation.ladder.apply import apply_patch, apply_where_it_fits
from leadtime.flow.validation.ladder.diffs import PATCH_WHERE, read_patch
from leadtime.flow.validation.ladder.records import Applied
from leadtime.flow.validation.network.records import NetworkAttempt
from leadtime.flow.validation.plain import from_plain, to_plain
from leadtime.flow.validation.recipe import Recipe, fill
from leadtime.flow.validation.records import Proof
from leadtime.flow.validation.task import Fetched, Task
from leadtime.flow.validation.trial.builds import SHELF, SealedBuilds
from leadtime.flow.validation.trial.sightings import BuildSightings, read_build
from leadtime.flow.validation.trial.toolchain import GUEST_PLACE, Toolchain, guest_mount
from leadtime.foundation.digests import Digest, digest_of_parts
from leadtime.foundation.errors import Malformed
from leadtime.foundation.strict_json import JsonBounds, read_json
from leadtime.packages.inner import inner_manifests
from leadtime.packages.unpack import UnpackedTree, unpack
from leadtime.sandbox import Ending, Limits, Mount, Outcome, Program, Watch, discard, run

SOURCE_PLACE, SITE_PLACE, NEEDS_PLACE, WORK_PLACE = "/box/src", "/box/site", "/box/needs", "/box/work"
SITE_MAKER = "make_site.py"
NOTE = "built.json"
KEPT_NAME, KEPT_KEY = "leadtime.build-name/1", "leadtime.build-key/1"
NOTE_BOUNDS = JsonBounds(bytes_max=256 << 20, depth_max=8, values_max=8_000_000)
LAST_WORD_CHARS_MAX = 200
BUILD_OPTIONS: Mapping[str, str] = {"ASAN_OPTIONS": "detect_leaks=0"}
"""A traced program cannot look for leaks: it would stop, and an instrumented helper of a build with it."""

ENDINGS: Mapping[Ending, str] = {
    Ending.TIMED_OUT: "reached its time limit",
    Ending.OUT_OF_MEMORY: "reached its memory limit",
    Ending.OUTPUT_FLOOD: "reached its output limit",
    Ending.DISK_FULL: "reached its disk limit",
    Ending.OBSERVER_LOST: "could not be watched to its end",
}


@dataclass(frozen=True, slots=True)
class BuiltNote:
    """What a built tree's judge must know: the release's files by digest, and the modules that are proven.

    ``network``: who tried it while this was built. ``patch``: what a patch touched before that, if there was one.
    """

    release: Mapping[str, str]
    proofs: Mapping[str, Proof]
    log: str
    network: tuple[NetworkAttempt, ...]
    patch: Applied | None = None


@dataclass(frozen=True, slots=True)
class Built:
    """A built release on disk: ``place`` holds ``src``, ``site`` and ``work``."""

    place: Path
    note: BuiltNote

    def mounts(self) -> tuple[Mount, ...]:
        """Return what a run may read of it."""
        return (Mount(self.place / "src", SOURCE_PLACE), Mount(self.place / "site", SITE_PLACE))


@dataclass(frozen=True, slots=True)
class BuildFailure:
    """Why there is nothing to run, in one sentence, and who tried the network meanwhile.

    ``patch``: what a patch touched before it was built; None if it could not be put into the release.
    """

    reason: str
    network: tuple[NetworkAttempt, ...] = ()
    patch: Applied | None = None


def places(toolchain: Toolchain, given: str = "") -> dict[str, str]:
    """Return what the placeholders stand for; none of it needs quoting or tells the version."""
    return {"src": SOURCE_PLACE, "site": SITE_PLACE, "python": shlex.quote(toolchain.interpreter.path), "input": given}


def build(
    task: Task, recipe: Recipe, release: Fetched, toolchain: Toolchain, evidence: Evidence, *, place: Path
) -> Built | BuildFailure:
    """Return the release built in ``place``, from the cache if it has been built before; failures are not kept."""
    missing = _missing_packages(recipe.needs_debian)
    if missing:
        return BuildFailure(f"the Debian packages that the recipe needs are not on this worker: {', '.join(missing)}")
    secret = cache_key(task, recipe, release, toolchain)
    name, key = (digest_of_parts((part, secret)).removeprefix("sha256:") for part in (KEPT_NAME, KEPT_KEY))
    shelf = SealedBuilds(Path(task.cache) / SHELF)
    if shelf.take(name, bytes.fromhex(key), place):
        return Built(place, _note(place))
    discard(place)
    place.mkdir()
    made = _make(place, task, recipe, release, toolchain=toolchain, evidence=evidence)
    if isinstance(made, BuildFailure):
        return made
    (place / NOTE).write_text(json.dumps(to_plain(made)))
    shelf.keep(name, bytes.fromhex(key), place)
    return Built(place, made)


def cache_key(task: Task, recipe: Recipe, release: Fetched, toolchain: Toolchain) -> Digest:
    """Return the key of a build: the recipe's part in it, the release and the toolchain.

    Who knows it can open the build that is kept, so it is written nowhere.
    """
    files = [part for file in task.files for part in (file.name, file.base64)]
    limits = (str(recipe.limits.build_s), str(recipe.limits.memory_mib))
    parts = (*recipe.build, "needs", *task.wheels, "env", *(f"{n}={v}" for n, v in recipe.env), "files", *files)
    uses_site = "site" if recipe.uses("site") else ""
    wheel = release.wheel or ""
    patch = ("patch", release.patch.base64) if release.patch is not None else ()
    made_of = (release.digest, wheel, *patch, toolchain.digest, uses_site, *limits, *parts)
    return digest_of_parts(("leadtime.build/2", *made_of))


def _note(place: Path) -> BuiltNote:
    return from_plain(BuiltNote, read_json((place / NOTE).read_bytes(), NOTE_BOUNDS))


def _make(
    making: Path, task: Task, recipe: Recipe, release: Fetched, *, toolchain: Toolchain, evidence: Evidence
) -> BuiltNote | BuildFailure:
    needs = making / "needs"
    needs.mkdir()
    try:
        files, applied = _unpack(making, task, release)
    except Malformed as problem:
        is_of_patch = release.patch is not None and problem.where.startswith(PATCH_WHERE)
        reason = problem.what if is_of_patch else f"the release cannot be unpacked: {problem}"
        return BuildFailure(reason)
    for name in ("site", "work"):
        (making / name).mkdir(exist_ok=True)
    for file in task.files:
        target = making / "work" / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.content())
    command = _command(recipe, release, toolchain)
    outcome = _run(making, command, recipe, toolchain, task.sandbox_user)
    log = evidence.keep(outcome.stdout + outcome.stderr)
    discard(needs)
    seen = _seen(outcome)
    if outcome.ending is not Ending.EXITED or outcome.exit_code != 0:
        return BuildFailure(_failure(release.purl, outcome), seen.network if seen is not None else (), applied)
    if seen is None:
        return BuildFailure(f"the build of {release.purl} {ENDINGS[Ending.OBSERVER_LOST]}", patch=applied)
    return BuiltNote(files, proven_modules(seen.steps, files), log, seen.network, applied)


def _unpack(making: Path, task: Task, release: Fetched) -> tuple[dict[str, str], Applied | None]:
    """Lay out a release, its wheel and what the build needs, with the patch in them; return the files by digest."""
    patch = read_patch(release.patch.content()) if release.patch is not None else None
    tree, applied = unpack(Path(release.archive), making / "src", where=release.purl), None
    if patch is not None:
        tree, applied = apply_patch(patch, tree)
    files = manifest(tree)
    for number, wheel in enumerate(task.wheels):
        _unpack_beside(Path(wheel), making / "needs", making / f"wheel-{number}")
    if release.wheel is not None:
        site = unpack(Path(release.wheel), making / "site", strip=0, where=release.purl)
        files |= manifest(site if patch is None else apply_where_it_fits(patch, site))
    return files, applied


def _seen(outcome: Outcome) -> BuildSightings | None:
    """Return what was seen of a build; None if that cannot be read."""
    try:
        return read_build(outcome.sightings)
    except Malformed:
        return None


def _failure(purl: str, outcome: Outcome) -> str:
    if outcome.ending is Ending.EXITED:
        return f"the build of {purl} failed with exit code {outcome.exit_code}{_last_word(outcome)}"
    return f"the build of {purl} {ENDINGS.get(outcome.ending, 'was ended by a signal')}"


def _last_word(outcome: Outcome) -> str:
    """Return the line of a failed build's output that tells the most: its last error, else its last line, in print."""
    lines = (outcome.stdout + b"\n" + outcome.stderr).decode(errors="replace").splitlines()
    spoken = [plain for line in lines if (plain := " ".join(_printable(line).split()))]
    errors = [line for line in spoken if "error" in line.lower()]
    last = (errors or spoken)[-1:]
    return f": {last[0][:LAST_WORD_CHARS_MAX]}" if last else ""


def _printable(line: str) -> str:
    return "".join(each if each.isprintable() else " " for each in line)


def manifest(tree: UnpackedTree) -> dict[str, str]:
    """Return digest -> path of every file of a release and of the archives in it, whose own top folder falls away."""
    found: dict[str, str] = {}
    for inner in inner_manifests(tree):
        tops = {path.partition("/")[0] for path in inner.files}
        for path, digest in inner.files.items():
            found[digest] = path.partition("/")[2] if len(tops) == 1 and "/" in path else path
    found.update({digest: path for path, digest in tree.files.items()})
    return found


def _unpack_beside(wheel: Path, into: Path, scratch: Path) -> None:
    unpack(wheel, scratch, strip=0, where=wheel.name)
    for path in scratch.iterdir():
        if not (into / path.name).exists():
            path.rename(into / path.name)
    discard(scratch)


def _command(recipe: Recipe, release: Fetched, toolchain: Toolchain) -> str:
    commands = [fill(command, places(toolchain)) for command in recipe.build]
    if recipe.uses("site") and release.wheel is None:
        commands.insert(0, f"{places(toolchain)['python']} -B {GUEST_PLACE}/{SITE_MAKER} {SOURCE_PLACE} {SITE_PLACE}")
    return " && ".join(f"sh -c {shlex.quote(command)}" for command in commands) or "true"


def _run(making: Path, command: str, recipe: Recipe, toolchain: Toolchain, user: str) -> Outcome:
    limits = Limits(wall_s=recipe.limits.build_s, memory_mib=recipe.limits.memory_mib, pids_max=512)
    env = {**BUILD_OPTIONS, "PYTHONPATH": NEEDS_PLACE, "PYTHONDONTWRITEBYTECODE": "1", **dict(recipe.env)}
    with guest_mount(SITE_MAKER) as guest:
        mounts = (
            Mount(making / "src", SOURCE_PLACE, writable=True),
            Mount(making / "site", SITE_PLACE, writable=True),
            Mount(making / "work", WORK_PLACE, writable=True),
            Mount(making / "needs", NEEDS_PLACE),
            guest,
            *toolchain.interpreter.mounts,
        )
        return run(Program(command, limits, mounts=mounts, env=env, watch=Watch.BUILDS), user=user)


def _missing_packages(names: tuple[str, ...]) -> list[str]:
    """Return which Debian packages are not installed; all of them where nothing can say."""
    missing = []
    for name in names:
        command = ["dpkg-query", "-W", "-f", "${db:Status-Status}", "--", name]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        except OSError:
            return list(names)
        if done.stdout.strip() != "installed":
            missing.append(name)
    return missing
