"""From what a validation saw to what merging compares: the same facts in the other stage's words. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from leadtime.flow.intake import Finding, software_run
from leadtime.flow.merging import Evidence, Frame
from leadtime.flow.validation import KeptValidation, State, Word
from leadtime.foundation.errors import Conflict
from leadtime.packages.purls import parse_purl

_PLACED = re.compile(r"(?P<function>.*\S) (?P<file>\S+):(?P<line>[0-9]{1,9})")
_LINELESS = re.compile(r"(?P<function>.*\S) (?P<file>[^\s:]*[./][^\s:]*)")
"""A frame with its place; a C++ function's own name may hold spaces, a file's after the last one may not. A hang's
common frames carry no line where the samples differ in it: then the last word is a file if it looks like a path."""

CLEAN = "clean"


def evidence_of(finding: Finding, kept: KeptValidation) -> Evidence:
    """Return a reproduced report's evidence; the component and releases are those that were run, not those claimed.

    Raises `Conflict` for a validation that is not decided or came to no crash.
    """
    result = json.loads(kept.outcome.result) if kept.outcome else {}
    crash = result.get("crash")
    if crash is None or finding.reproducer is None:
        raise Conflict(
            "a report that was not reproduced has no evidence",
            where=str(kept.report),
            next_step="Wait for its validation.",
        )
    subject = json.loads(finding.reproducer.recipe)["subject"]
    vulnerable = parse_purl(subject["vulnerable"], where="recipe.subject.vulnerable")
    return Evidence(
        report=kept.report,
        finder=kept.organisation,
        component=str(vulnerable.without_version()),
        release=vulnerable.version,
        fixed_release=_fixed_release(subject, result),
        crash_class=crash["class"],
        access=crash.get("access") or "",
        frames=tuple(read_frame(written) for written in crash["subject_frames"]),
    )


def unproven_evidence_of(finding: Finding, kept: KeptValidation) -> Evidence:
    """Return what a report that was not reproduced says of its root cause: the component, and nothing that was seen.

    It is linked to no other report, and names no release. Raises `Conflict` while its validation waits, and for one
    that was reproduced: that opens a case by itself.
    """
    if kept.outcome is None and kept.state is not State.SET_ASIDE:
        raise Conflict(
            "this report's validation is not decided yet", where=str(kept.report), next_step="Wait for its verdict."
        )
    if kept.outcome is not None and kept.outcome.verdict == Word.REPRODUCED:
        raise Conflict(
            "this report was reproduced: its case opens by itself", where=str(kept.report), next_step="Wait for it."
        )
    return Evidence(
        report=kept.report,
        finder=kept.organisation,
        component=software_run(finding.reproducer) or (finding.software if finding.software.startswith("pkg:") else ""),
        release=None,
        fixed_release=None,
        crash_class="",
        access="",
        frames=(),
    )


def read_frame(written: str) -> Frame:
    """Return the frame that ``function file:line`` writes; without a place all of it is the function."""
    if placed := _PLACED.fullmatch(written):
        return Frame(placed["function"], placed["file"], int(placed["line"]))
    if lineless := _LINELESS.fullmatch(written):
        return Frame(lineless["function"], lineless["file"])
    return Frame(written)


def _fixed_release(subject: Mapping[str, Any], result: Mapping[str, Any]) -> str | None:
    """Return the release that was run and did not fail, if one was."""
    fixed = result.get("fixed") or {}
    if fixed.get("verdict") != CLEAN or not subject.get("fixed"):
        return None
    return parse_purl(subject["fixed"], where="recipe.subject.fixed").version
