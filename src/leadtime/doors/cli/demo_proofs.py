"""What the demonstration tells of ranges and patches: how far each is while it is found out, and what it came to."""

from __future__ import annotations

from collections.abc import Iterator

from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from leadtime.doors.cli.validate_patch import MARKS, UNREVIEWED
from leadtime.doors.cli.validate_survey import survey_lines
from leadtime.doors.play_proofs import Climbed, Further, Surveyed
from leadtime.doors.visible import visible_line
from leadtime.flow.validation import JudgedPatch, Rung, Standing, Survey

TONES = {Standing.PASSED: "green", Standing.FAILED: "red", Standing.NOT_CHECKED: "dim"}


def further_table(further: Further) -> Table:
    """Draw how far everything is that is being found out, one row each."""
    table = Table("package", "asked", "seen", box=None, pad_edge=True)
    for surveyed in further.surveyed:
        seen = Text(_run(surveyed.found)) if surveyed.found else Spinner("dots", text="running other releases")
        table.add_row(_package(surveyed), "which releases are affected?", seen)
    for climbed in further.climbed:
        rungs = _rungs(climbed.found) if climbed.found else Spinner("dots", text="climbing")
        table.add_row(_package(climbed), f"does it hold? {visible_line(climbed.proposed.title)}", rungs)
    return table


def further_lines(further: Further) -> Iterator[str]:
    """Yield what everything came to, in words; what is not finished yet is said to be."""
    for surveyed in further.surveyed:
        yield f"Which releases of {_package(surveyed)} are affected:"
        lines = survey_lines(surveyed.found) if surveyed.found else ["not finished; the site goes on with it"]
        yield from (f"  {visible_line(line)}" for line in lines)
    for climbed in further.climbed:
        yield f"The patch “{visible_line(climbed.proposed.title)}” {_came_to(climbed.found)}."


def _package(each: Surveyed | Climbed) -> str:
    delivered = each.delivered if isinstance(each, Surveyed) else each.proposed.delivered
    return visible_line(delivered.handling.component.removeprefix("pkg:"))


def _run(found: Survey) -> str:
    if found.affected is None:
        return "not known"
    return f"{len(found.affected.tried)} of {len(found.affected.releases)} releases were run"


def _rungs(found: JudgedPatch) -> Text:
    """Draw a ladder in one line, from the ground up."""
    text = Text()
    for step in found.ladder.steps if found.ladder is not None else ():
        text.append(f"{step.rung.words} {MARKS[step.standing]}  ", style=TONES[step.standing])
    return text


def _came_to(found: JudgedPatch | None) -> str:
    """Return how far a patch climbed, and why no further."""
    if found is None:
        return "is not judged yet; the site goes on with it"
    if found.ladder is None:
        return f"could not be judged: {visible_line(found.reason)}"
    if found.ladder.is_climbed:
        held = [step.reason for step in found.ladder.steps if step.rung in (Rung.VARIANTS, Rung.BEHAVIOUR)]
        return f"holds as far as was checked: {found.ladder.head}; {UNREVIEWED}: {visible_line('; '.join(held))}"
    passed_over = (Rung.TESTS, Standing.NOT_CHECKED)
    open_steps = [step for step in found.ladder.steps if step.standing is not Standing.PASSED]
    stop = next(step for step in open_steps if (step.rung, step.standing) != passed_over)
    return f"stops at “{stop.rung.words}”: {visible_line(stop.reason)}"
