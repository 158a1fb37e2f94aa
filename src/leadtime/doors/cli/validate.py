"""``leadtime validate``: reproduce a flaw in the sandbox and print the verdict, with no server."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import click
from rich.console import Console

from leadtime.doors.cli.validate_patch import ladder_lines
from leadtime.doors.cli.validate_survey import survey_lines
from leadtime.doors.visible import visible_line
from leadtime.flow.intake import Reproducer
from leadtime.flow.validation import (
    RELEASES_TRIED,
    RELEASES_TRIED_MAX,
    FixedWord,
    Minimised,
    NewestRelease,
    PatchJudgement,
    Progress,
    Survey,
    Verdict,
    Word,
    Workshop,
    as_json,
    judge_patch,
    ladder_as_json,
    minimise,
    minimised_as_json,
    pack_bundle,
    prove,
    read_diff,
    read_folder,
    survey,
    survey_as_json,
    task_for,
)
from leadtime.foundation.errors import Unavailable
from leadtime.foundation.settings import read_settings
from leadtime.packages.fetch import Fetcher, open_fetcher
from leadtime.packages.folder import ReleaseFolder

EXIT_CODES = {Word.REPRODUCED: 0, Word.NOT_REPRODUCED: 3, Word.HARNESS_FAULT: 3, Word.INCONCLUSIVE: 4}
EXIT_NO = 3
FRAMES_SHOWN_MAX = 12

_FOLDER = click.Path(file_okay=False, path_type=Path)
_OUT = click.Path(dir_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("validate", epilog="Example: leadtime validate --recipe recipe.json --input crash.bin --json")
@click.option("--recipe", type=_FILE, required=True, help="The recipe (leadtime.recipe/1); its files lie beside it.")
@click.option("--input", "given", type=_FILE, required=True, help="The input that shows the flaw.")
@click.option("--evidence", type=_FOLDER, help="Where to keep what was seen, in clear.")
@click.option("--patch", type=_FILE, help="A unified diff of the vulnerable release: say how far it climbs.")
@click.option("--newest", is_flag=True, help="Also say whether the newest release still fails.")
@click.option("--range", "ranged", is_flag=True, help="Also find which published releases are affected.")
@click.option(
    "--releases-max",
    type=click.IntRange(2, RELEASES_TRIED_MAX),
    default=RELEASES_TRIED,
    show_default=True,
    help="How many releases --range runs, the recipe's own included.",
)
@click.option("--minimise", "smaller", type=_OUT, help="Write a smaller input that shows the same flaw here.")
@click.option("--releases", type=_FOLDER, help="Take releases from a bundle's folder instead of the network.")
@click.option("--bundle", type=_OUT, help="Pack what a maintainer needs to see it again, offline, into this archive.")
@click.option("--json", "as_document", is_flag=True, help="Print the verdict as JSON.")
def command(
    recipe: Path,
    given: Path,
    *,
    evidence: Path | None,
    patch: Path | None,
    newest: bool,
    ranged: bool,
    releases_max: int,
    smaller: Path | None,
    releases: Path | None,
    bundle: Path | None,
    as_document: bool,
) -> int:
    """Reproduce a flaw in the sandbox and print the verdict; no server needed.

    Builds the vulnerable and the fixed release as the recipe says, runs each five times, and watches from outside.
    Exit code 0: reproduced; 3: not reproduced, or the harness is at fault; 4: could not be decided. With a patch, 0
    only if it also reaches the top of its ladder, else 3.
    """
    settings = read_settings(os.environ)
    workshop = Workshop(
        cache=settings.home / "cache",
        evidence=(evidence or settings.home / "evidence").absolute(),
        python=settings.python,
        sandbox_user=settings.sandbox_user,
        evidence_in_clear=evidence is not None,
    )
    wanted = _Wanted(patch, newest or ranged, releases_max if ranged else 0, smaller, bundle)
    fetcher = ReleaseFolder(releases) if releases else open_fetcher(workshop.cache / "releases", os.environ)
    with Console(stderr=True).status("") as status:

        def progress(doing: str, done: int, of: int) -> None:
            status.update(visible_line(f"{doing} ({done + 1} of {of})" if of > 1 else doing))

        found = _find(read_folder(recipe, given), fetcher, workshop, wanted, progress)
    if as_document:
        click.echo(json.dumps(_document(found), indent=1))
    else:
        for line in _all_lines(found):
            click.echo(visible_line(line))
    return patch_exit_code(found.judged) if found.judged else EXIT_CODES[found.verdict.word]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is asked for besides the verdict; ``tried_max`` above 0: the range, with at most so many releases run."""

    patch: Path | None
    newest: bool
    tried_max: int
    smaller: Path | None
    bundle: Path | None


@dataclass(frozen=True, slots=True)
class _Found:
    verdict: Verdict
    judged: PatchJudgement | None
    survey: Survey | None
    minimised: Minimised | None


def _find(reproducer: Reproducer, fetcher: Fetcher, workshop: Workshop, wanted: _Wanted, progress: Progress) -> _Found:
    judged = None
    if wanted.patch is not None:
        judged = judge_patch(reproducer, read_diff(wanted.patch), fetcher, workshop, progress=progress)
    verdict = judged.verdict if judged else prove(reproducer, fetcher, workshop, progress=progress)
    found = None
    if wanted.newest:
        try:
            found = survey(reproducer, verdict, fetcher, workshop, tried_max=wanted.tried_max, progress=progress)
        except Unavailable as problem:  # it takes nothing from the verdict
            found = Survey(NewestRelease(None, str(problem)), None, str(problem) if wanted.tried_max > 0 else "")
    minimised = None
    if wanted.smaller is not None:
        minimised = minimise(reproducer, verdict, fetcher, workshop, progress=progress)
        wanted.smaller.write_bytes(minimised.content)
        reproducer = replace(reproducer, input=replace(reproducer.input, content=minimised.content))
        verdict = minimised.verdict
    if wanted.bundle is not None:
        pack_bundle(wanted.bundle, reproducer, task_for(reproducer, fetcher, workshop, progress), verdict)
    return _Found(verdict, judged, found, minimised)


def _document(found: _Found) -> dict[str, object]:
    document = as_json(found.verdict)
    if found.survey is not None:
        document |= survey_as_json(found.survey)
    if found.minimised is not None:
        document["minimised"] = minimised_as_json(found.minimised)
    return document | ({"patch": ladder_as_json(found.judged.ladder)} if found.judged else {})


def _all_lines(found: _Found) -> list[str]:
    lines = _lines(found.verdict)
    if found.survey is not None:
        lines += survey_lines(found.survey)
    if found.minimised is not None:
        lines.append(f"smaller input: {len(found.minimised.content)} of {found.minimised.bytes_before} bytes")
    return lines + (ladder_lines(found.judged.ladder) if found.judged else [])


def patch_exit_code(judged: PatchJudgement) -> int:
    """Return the exit code for a judged patch: the verdict's, but 3 where the patch does not reach the top."""
    is_short = judged.ladder is not None and not judged.ladder.is_climbed
    return EXIT_NO if is_short else EXIT_CODES[judged.verdict.word]


def _lines(verdict: Verdict) -> list[str]:
    """Return the verdict in words."""
    lines = [f"{verdict.word.value.replace('_', ' ')}: {verdict.reason}"]
    rate = verdict.rate
    if rate is not None and rate.hits:
        span = f"{rate.low * 100:.0f} to {rate.high * 100:.0f} %"
        lines.append(f"  in {rate.hits} of {rate.runs} runs; of many more, {span} would show it (95 % confidence)")
    elif rate is not None and verdict.word is Word.NOT_REPRODUCED:
        lines.append(f"  in 0 of {rate.runs} runs")
    lines += _crash_lines(verdict)
    if verdict.fixed.word is not FixedWord.NOT_CHECKED:
        lines.append(f"fixed release: {verdict.fixed.word.value.replace('_', ' ')} in {verdict.fixed.runs} runs")
    return lines


def _crash_lines(verdict: Verdict) -> list[str]:
    """Return a crash, its stack from the flaw's own frame on; of what lies above that, and of the rest, the number."""
    crash = verdict.crash
    if crash is None:
        return []
    proven = verdict.word is Word.REPRODUCED and crash.subject_frames
    above = crash.frames.index(crash.subject_frames[0]) if proven else 0
    shown = crash.frames[above : above + FRAMES_SHOWN_MAX]
    more = len(crash.frames) - above - len(shown)
    return [
        f"  {crash.crash_class} {crash.access}".rstrip(),
        *([f"    ({above} frames of other code above)"] if above else []),
        *(f"    {frame.text}" for frame in shown),
        *([f"    … and {more} more"] if more else []),
    ]


def main() -> None:
    """Run the command alone."""
    sys.exit(command.main(standalone_mode=False))


if __name__ == "__main__":
    main()
