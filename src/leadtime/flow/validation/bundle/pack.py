"""Pack a reproduced flaw into one archive."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from leadtime.flow.intake import Reproducer
from leadtime.flow.validation.bundle.scripts import RUN, UNPACK, given_place, readme_of, steps_of
from leadtime.flow.validation.prove import as_json
from leadtime.flow.validation.recipe import Recipe, parse_recipe
from leadtime.flow.validation.records import Verdict
from leadtime.flow.validation.task import Fetched, Task
from leadtime.flow.validation.trial.toolchain import tool_versions
from leadtime.foundation.digests import Digest, digest_of, digest_of_file
from leadtime.foundation.errors import Refused
from leadtime.sandbox import guest_place

RECIPE_PLACE = "recipe/"
SITE_MAKER = "make_site.py"
BUNDLE_BYTES_MAX = 2 << 30
FILE_MODE, PROGRAM_MODE = 0o644, 0o755
PROGRAMS = frozenset({"run.sh"})
HELD = "releases/held.json"
"""Which archive is whose: ``[{"purl", "form", "path", "digest"}]``, as `packages.folder` reads it."""


def pack_bundle(into: Path, reproducer: Reproducer, task: Task, verdict: Verdict) -> None:
    """Write the bundle of a reproducer to ``into``: the same bytes for the same verdict, whoever packs it.

    Raises `Refused` for releases that are too large to hand on.
    """
    recipe = parse_recipe(reproducer.recipe)
    archives = dict(_archives(task))
    if sum(path.stat().st_size for path in archives.values()) > BUNDLE_BYTES_MAX:
        raise Refused(f"the releases are larger than {BUNDLE_BYTES_MAX} bytes", next_step="Send the report without.")
    texts = _texts(recipe, reproducer, task, verdict)
    texts[HELD] = json.dumps(_held(task, archives), indent=1).encode()
    digests = {name: digest_of(content) for name, content in texts.items()}
    digests |= {name: digest_of_file(path) for name, path in archives.items()}
    texts["SHA256SUMS"] = _sums(digests)
    with tarfile.open(into, "w") as bundle:
        for name in sorted({*texts, *archives}):
            if name in texts:
                bundle.addfile(_entry(name, len(texts[name])), io.BytesIO(texts[name]))
            else:
                with archives[name].open("rb") as stream:
                    bundle.addfile(_entry(name, archives[name].stat().st_size), stream)


def _texts(recipe: Recipe, reproducer: Reproducer, task: Task, verdict: Verdict) -> dict[str, bytes]:
    """Return the small files by their names."""
    steps = steps_of(recipe, reproducer.input.name, has_wheel=task.vulnerable.wheel is not None)
    environment = {"digest": verdict.environment, "tools": tool_versions(task.sandbox_user)}
    own = {
        "README.md": readme_of(recipe, verdict),
        "run.sh": RUN,
        "unpack.py": UNPACK,
        "verdict.json": json.dumps(as_json(verdict), indent=1),
        "environment.json": json.dumps(environment, indent=1),
        f"steps/{SITE_MAKER}": (guest_place() / SITE_MAKER).read_text(),
        **steps,
    }
    files = {f"{RECIPE_PLACE}{file.name}": file.content for file in reproducer.files}
    given = {
        f"{RECIPE_PLACE}recipe.json": reproducer.recipe,
        given_place(reproducer.input.name): reproducer.input.content,
    }
    return {**files, **given, **{name: text.encode() for name, text in own.items()}}


def _archives(task: Task) -> Iterator[tuple[str, Path]]:
    for side, release in _sides(task):
        yield f"releases/{side}/source", Path(release.archive)
        if release.wheel is not None:
            yield f"releases/{side}/wheel", Path(release.wheel)
    for number, wheel in enumerate(task.wheels):
        yield f"releases/needs/{number:03}.whl", Path(wheel)


def _held(task: Task, archives: Mapping[str, Path]) -> list[dict[str, str]]:
    """Return what each archive is, for a rerun that fetches nothing."""
    purls = {f"releases/{side}/": release.purl for side, release in _sides(task)}
    return [
        {
            "purl": next((purl for place, purl in purls.items() if name.startswith(place)), ""),
            "form": "source" if name.endswith("/source") else "wheel",
            "path": name.removeprefix("releases/"),
            "digest": digest_of_file(path),
        }
        for name, path in sorted(archives.items())
    ]


def _sides(task: Task) -> tuple[tuple[str, Fetched], ...]:
    return (("vulnerable", task.vulnerable), *((("fixed", task.fixed),) if task.fixed is not None else ()))


def _sums(digests: Mapping[str, Digest]) -> bytes:
    """Return the digests as sha256sum(1) reads them; a name of a finder's may need its escapes."""
    lines = []
    for name, digest in sorted(digests.items()):
        escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
        lines.append(f"{'' if escaped == name else chr(92)}{digest.removeprefix('sha256:')}  {escaped}\n")
    return "".join(lines).encode()


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size = size
    entry.mode = PROGRAM_MODE if name in PROGRAMS else FILE_MODE
    return entry
