"""What a survey of a package's releases found, as lines for a terminal: one mark a release."""

from __future__ import annotations

from leadtime.flow.validation import AffectedRange, NewestRelease, ReleaseWord, Survey

MARKS = {
    ReleaseWord.FAILS: "x",
    ReleaseWord.FAILS_OTHERWISE: "~",
    ReleaseWord.CLEAN: ".",
    ReleaseWord.UNKNOWN: "?",
}
NOT_RUN = "-"
MARKS_A_LINE = 72
LEGEND = "  x fails   ~ fails otherwise   . clean   ? not known   - not run; oldest first"


def survey_lines(found: Survey) -> list[str]:
    """Return a survey in words, with the range as a picture where it was asked for."""
    lines = [_newest_line(found.newest)]
    if found.affected is not None:
        lines += _range_lines(found.affected)
    elif found.reason:
        lines.append(f"affected releases: not known: {found.reason}")
    return lines


def _newest_line(newest: NewestRelease) -> str:
    if newest.tried is None:
        return f"newest release: not known: {newest.reason}"
    said = newest.tried.word.value.replace("_", " ")
    return f"newest release {newest.tried.release}: {said}: {newest.tried.reason}"


def _range_lines(affected: AffectedRange) -> list[str]:
    events = ", ".join(f"{event.bound.value} {event.release}" for event in affected.events) or "none"
    marks = {each.release: MARKS[each.word] for each in affected.tried}
    row = "".join(marks.get(release, NOT_RUN) for release in affected.releases)
    lines = [f"affected releases: {events} ({len(affected.tried)} of {len(affected.releases)} run)"]
    lines += [f"  {row[start : start + MARKS_A_LINE]}" for start in range(0, len(row), MARKS_A_LINE)]
    lines.append(LEGEND)
    failing = [each.release for each in affected.tried if each.word is ReleaseWord.FAILS]
    if failing:
        lines.append(f"  seen failing: {', '.join(failing)}")
    if affected.undecided:
        lines.append(f"  not decided: {len(affected.undecided)} releases; beside one that fails they count as affected")
    return lines
