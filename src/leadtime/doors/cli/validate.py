"""``leadtime validate``: reproduce a flaw in the sandbox and print the verdict, with no server."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click
from rich.console import Console

from leadtime.doors.cli.validate_patch import ladder_lines
from leadtime.doors.cli.validate_survey import survey_lines
from leadtime.doors.visible import visible_line
from leadtime.flow.validation import (
    RELEASES_TRIED,
    RELEASES_TRIED_MAX,
    FixedWord,
    PatchJudgement,
    Verdict,
    Word,
    Workshop,
    as_json,
    judge_patch,
    ladder_as_json,
    prove,
    read_diff,
    read_folder,
    survey,
    survey_as_json,
)
from leadtime.foundation.settings import read_settings
from leadtime.packages.fetch import open_fetcher

EXIT_CODES = {Word.REPRODUCED: 0, Word.NOT_REPRODUCED: 3, Word.HARNESS_FAULT: 3, Word.INCONCLUSIVE: 4}
EXIT_NO = 3
FRAMES_SHOWN_MAX = 12

_FOLDER = click.Path(file_okay=False, path_type=Path)
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
@click.option("--json", "as_document", is_flag=True, help="Print the verdict as JSON.")
def command(
    recipe: Path,
    given: Path,
    evidence: Path | None,
    patch: Path | None,
    releases_max: int,
    *,
    newest: bool,
    ranged: bool,
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
    console = Console(stderr=True)
    with console.status("") as status:

        def progress(doing: str, done: int, of: int) -> None:
            status.update(visible_line(f"{doing} ({done + 1} of {of})" if of > 1 else doing))

        fetcher = open_fetcher(workshop.cache / "releases", os.environ)
        reproducer = read_folder(recipe, given)
        judged = None
        if patch is not None:
            judged = judge_patch(reproducer, read_diff(patch), fetcher, workshop, progress=progress)
        verdict = judged.verdict if judged else prove(reproducer, fetcher, workshop, progress=progress)
        found = None
        if newest or ranged:
            tried_max = releases_max if ranged else 0
            found = survey(reproducer, verdict, fetcher, workshop, tried_max=tried_max, progress=progress)
    if as_document:
        told = as_json(verdict) | (survey_as_json(found) if found else {})
        click.echo(json.dumps(told | ({"patch": ladder_as_json(judged.ladder)} if judged else {}), indent=1))
    else:
        for line in _lines(verdict) + (survey_lines(found) if found else []):
            click.echo(visible_line(line))
        for line in ladder_lines(judged.ladder) if judged else []:
            click.echo(visible_line(line))
    return patch_exit_code(judged) if judged else EXIT_CODES[verdict.word]


def patch_exit_code(judged: PatchJudgement) -> int:
    """Return the exit code for a judged patch: the verdict's, but 3 where the patch does not reach the top."""
    is_short = judged.ladder is not None and not judged.ladder.is_climbed
    return EXIT_NO if is_short else EXIT_CODES[judged.verdict.word]


def _lines(verdict: Verdict) -> list[str]:
    """Return the verdict in words."""
    lines = [f"{verdict.word.value.replace('_', ' ')}: {verdict.reason}"]
    if verdict.rate is not None and verdict.rate.hits:
        rate = verdict.rate
        lines.append(f"  in {rate.hits} of {rate.runs} runs (rate {rate.low} to {rate.high}, 95 %)")
    if verdict.crash is not None:
        crash = verdict.crash
        lines.append(f"  {crash.crash_class} {crash.access}".rstrip())
        lines += [f"    {frame.text}" for frame in crash.frames[:FRAMES_SHOWN_MAX]]
    if verdict.fixed.word is not FixedWord.NOT_CHECKED:
        lines.append(f"fixed release: {verdict.fixed.word.value.replace('_', ' ')} in {verdict.fixed.runs} runs")
    return lines


def main() -> None:
    """Run the command alone."""
    sys.exit(command.main(standalone_mode=False))


if __name__ == "__main__":
    main()
