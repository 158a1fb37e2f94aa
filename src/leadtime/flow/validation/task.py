"""One validation as a message to the process that runs it: self-contained, no database, no secrets, no network."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from leadtime.flow.intake import NamedFile, Reproducer
from leadtime.flow.validation.declared import declared_needs, wheels_for
from leadtime.flow.validation.ladder.diffs import PATCH_BYTES_MAX
from leadtime.flow.validation.recipe import Recipe, parse_recipe
from leadtime.foundation.errors import LeadtimeError, Malformed, Missing
from leadtime.packages.fetch import Fetcher
from leadtime.packages.purls import Purl
from leadtime.packages.releases import Release

Tell = Callable[[str], None]
"""Hears, in a few words, what is being done."""


@dataclass(frozen=True, slots=True)
class CarriedFile:
    """A file as text: its plain relative name and its bytes in base64."""

    name: str
    base64: str

    def content(self) -> bytes:
        """Return its bytes."""
        return base64.b64decode(self.base64)


@dataclass(frozen=True, slots=True)
class Fetched:
    """One release on this machine: its archive in the cache, and its pure wheel where the recipe needs one.

    ``patch``: what is put into it before it is built.
    """

    purl: str
    archive: str
    digest: str
    filename: str
    wheel: str | None
    patch: CarriedFile | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """Everything that a run needs. ``unfetched``: why the fixed release could not be fetched, or empty.

    ``patched``: the vulnerable release with a patch to judge, ``seed`` what its variants are drawn with, and ``known``
    further inputs of the same flaw. ``smaller``: also look for a smaller input.
    """

    recipe: str
    files: tuple[CarriedFile, ...]
    input: CarriedFile
    control: CarriedFile | None
    vulnerable: Fetched
    fixed: Fetched | None
    unfetched: str
    wheels: tuple[str, ...]
    python: str | None
    sandbox_user: str
    cache: str
    evidence: str
    evidence_in_clear: bool
    patched: Fetched | None = None
    seed: int = 0
    known: tuple[CarriedFile, ...] = ()
    smaller: bool = False


def prepare(
    reproducer: Reproducer,
    fetcher: Fetcher,
    *,
    python: str | None,
    sandbox_user: str,
    cache: Path,
    evidence: Path,
    tell: Tell,
    evidence_in_clear: bool = False,
) -> Task:
    """Read the recipe, fetch what it names, and return the task; the only step with a network.

    Raises what `parse_recipe` and `Fetcher.release` raise for the vulnerable release and the needs; a fixed release
    that cannot be had makes the task one-sided.
    """
    recipe = parse_recipe(reproducer.recipe)
    carried = {file.name: file for file in (*reproducer.files, reproducer.input)}
    tell(f"fetching {recipe.vulnerable}")
    vulnerable = _fetch(fetcher, recipe.vulnerable, recipe)
    fixed, unfetched = None, ""
    if recipe.fixed is not None:
        tell(f"fetching {recipe.fixed}")
        try:
            fixed = _fetch(fetcher, recipe.fixed, recipe)
        except Missing as problem:
            unfetched = str(problem)
    wheels = _wheels(fetcher, recipe, vulnerable)
    return Task(
        recipe=reproducer.recipe.decode(),
        files=tuple(_carry(_named(carried, name, "$.files")) for name in recipe.files),
        input=_carry(reproducer.input),
        control=_carry(_named(carried, recipe.control, "$.control")) if recipe.control is not None else None,
        vulnerable=vulnerable,
        fixed=fixed,
        unfetched=unfetched,
        wheels=tuple(str(wheel.archive) for wheel in wheels),
        python=python,
        sandbox_user=sandbox_user,
        cache=str(cache),
        evidence=str(evidence),
        evidence_in_clear=evidence_in_clear,
    )


def _fetch(fetcher: Fetcher, purl: Purl, recipe: Recipe) -> Fetched:
    release = fetcher.release(purl)
    wheel = fetcher.release(purl, wheel=True) if purl.type == "pypi" and recipe.uses("site") else None
    return Fetched(
        purl=str(purl),
        archive=str(release.archive),
        digest=release.digest,
        filename=release.filename,
        wheel=str(wheel.archive) if wheel is not None else None,
    )


def _wheels(fetcher: Fetcher, recipe: Recipe, release: Fetched) -> tuple[Release, ...]:
    """Fetch what the build needs: what the recipe asks for, and what a Python release that is built declares."""
    is_built = recipe.vulnerable.type == "pypi" and (recipe.build or (recipe.uses("site") and release.wheel is None))
    declared = declared_needs(Path(release.archive), where=release.purl) if is_built else ()
    if is_built and not declared:
        declared = ("setuptools", "wheel")
    return wheels_for(fetcher, recipe.needs_pypi, declared) if recipe.needs_pypi or declared else ()


def _named(carried: dict[str, NamedFile], name: str, where: str) -> NamedFile:
    try:
        return carried[name]
    except KeyError:
        raise Malformed(f"the file {name!r} is not there", where=where, next_step="Put it beside the recipe.") from None


def _carry(file: NamedFile) -> CarriedFile:
    return CarriedFile(file.name, base64.b64encode(file.content).decode())


def read_folder(recipe: Path, given: Path) -> Reproducer:
    """Return the reproducer that lies in a recipe's folder, with ``given`` as its input.

    Raises `Malformed` for files that are missing, too large, no regular files, or that lie, links followed, outside
    the folder; and for what `parse_recipe` refuses.
    """
    raw = _read(recipe, recipe.name, RECIPE_FILE_BYTES_MAX)
    try:
        found = parse_recipe(raw)
    except LeadtimeError as problem:
        raise type(problem)(problem.what, where=f"{recipe}: {problem.where}", next_step=problem.next_step) from None
    folder = recipe.parent.resolve()
    wanted = [name for name in (*found.files, found.control) if name is not None]
    files = []
    left = FILES_BYTES_MAX
    for name in dict.fromkeys(wanted):
        path = (folder / name).resolve()
        if not path.is_relative_to(folder):
            raise Malformed(
                f"the file {name!r} lies outside the recipe's folder", where=str(recipe), next_step="Copy it there."
            )
        files.append(NamedFile(name, _read(path, name, left)))
        left -= len(files[-1].content)
    return Reproducer(recipe=raw, files=tuple(files), input=NamedFile(given.name, _read(given, given.name, left)))


def read_diff(path: Path) -> bytes:
    """Return a patch's bytes; raises `Malformed` if there is no such file or it is too large for one."""
    return _read(path, path.name, PATCH_BYTES_MAX)


RECIPE_FILE_BYTES_MAX = 256 * 1024
FILES_BYTES_MAX = 64 << 20
"""Of a recipe's files and its input together."""


def _read(path: Path, name: str, bytes_max: int) -> bytes:
    if not path.is_file():
        raise Malformed(f"the file {name!r} is not there", where=str(path), next_step="Put it beside the recipe.")
    with path.open("rb") as stream:
        content = stream.read(bytes_max + 1)
    if len(content) > bytes_max:
        raise Malformed(f"the file {name!r} is larger than {bytes_max} bytes", where=str(path), next_step="Send less.")
    return content
