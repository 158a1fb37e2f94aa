"""What ``leadtime validate --patch`` prints: the ladder, rung by rung."""

from __future__ import annotations

from leadtime.flow.validation import Ladder, Standing

MARKS = {Standing.PASSED: "✓", Standing.FAILED: "✗", Standing.NOT_CHECKED: "?"}
UNREVIEWED = "no person has reviewed it yet"
"""Said beside each ladder: the rungs are a machine's, and review is a person's."""

NAME_WIDTH = 18


def ladder_lines(ladder: Ladder | None) -> list[str]:
    """Return how far a patch climbs, in words, from the ground up."""
    if ladder is None:
        return ["patch: not judged, for the flaw did not show without it"]
    reached = ladder.reached.words if ladder.reached is not None else "no rung"
    lines = [f"patch: {ladder.head}; {UNREVIEWED}" if ladder.is_climbed else f"patch: reaches {reached}"]
    for step in ladder.steps:
        name = step.rung.words
        lines.append(f"  {MARKS[step.standing]} {name:{NAME_WIDTH}} {step.reason}")
    return lines
