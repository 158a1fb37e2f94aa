"""What one validation showed, read from its kept result for a page."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from leadtime.doors.read_models.names import Name
from leadtime.doors.read_models.pictures import Badge, Evidence, FrameLine, ReleaseMark, ReleaseStrip, Runs, Tone
from leadtime.flow import intake, validation
from leadtime.flow.intake import Report
from leadtime.flow.validation import (
    FixedWord,
    Grounds,
    Hand,
    Harness,
    KeptValidation,
    Oracle,
    State,
    Survey,
    Tier,
    Word,
    count_independent,
    model_family,
    tier_of,
)
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing, Refused

FRAMES_SHOWN_MAX = 24
OWN = "subject"
"""Origin of a frame whose code comes unchanged from the release."""

TONES: Mapping[str, Tone] = {
    "reproduced": Tone.GOOD,
    "not_reproduced": Tone.PLAIN,
    "harness_fault": Tone.WARM,
    "inconclusive": Tone.MILD,
}
"""How a verdict is coloured; its word stands beside the colour."""

RATED = frozenset({"reproduced", "not_reproduced"})
"""Verdicts whose rate says something of the flaw."""

WAITING: Mapping[State, str] = {
    State.QUEUED: "waiting to be reproduced",
    State.RUNNING: "being reproduced",
    State.SET_ASIDE: "set aside: a person looks at why it cannot be run",
}

_CLEAN: Mapping[str, bool | None] = {"clean": True, "still_fails": False, "fails_otherwise": False}


def verdict_badge(kept: KeptValidation | None) -> Badge:
    """Return where a report's validation stands, in a word or two."""
    return badge_in(kept.state if kept else None, kept.outcome.verdict if kept and kept.outcome else None)


def badge_in(state: State | None, verdict: str | None) -> Badge:
    """Return where a validation of that state and verdict stands, in a word or two; no state: there is none."""
    if state is None:
        return Badge("received", Tone.COOL)
    if verdict is None:
        return Badge(WAITING.get(state, state.value), Tone.COOL)
    return Badge(verdict.replace("_", " "), TONES.get(verdict, Tone.PLAIN))


def find_validation(tx: Transaction, report: intake.ReportId) -> KeptValidation | None:
    """Return a report's validation if there is one that the viewer may see."""
    try:
        return validation.read_validation(tx, report)
    except (Missing, Refused):
        return None


def evidence_of(report: Report, kept: KeptValidation, finder: Name, *, results: int = 1) -> Evidence | None:
    """Return what the validation of a report showed, None until it is decided.

    ``results``: how many that are independent of each other show the same flaw.
    """
    if kept.outcome is None:
        return None
    result = json.loads(kept.outcome.result)
    crash = result.get("crash") or {}
    vulnerable, fixed = subjects_of(report)
    return Evidence(
        report=str(report.id),
        finder=finder.text,
        example=finder.example,
        verdict=verdict_badge(kept),
        vulnerable=_vulnerable(vulnerable, kept.outcome.verdict, result.get("rate")),
        fixed=_fixed(fixed, result.get("fixed")),
        crash_class=str(crash.get("class") or ""),
        access=str(crash.get("access") or ""),
        frames=_frames(crash),
        signature=str(crash.get("signature") or ""),
        environment=str((result.get("environment") or {}).get("digest") or ""),
        harness=str(result.get("harness") or ""),
        reason=str(result.get("reason") or ""),
        decided_at=kept.decided_at,
        digests=tuple(str(digest) for digest in result.get("evidence") or ()),
        releases=strip_of(kept.survey.found) if kept.survey else None,
        tier=tier_in(result, results) if kept.outcome.verdict == Word.REPRODUCED else None,
        results=results,
    )


def count_results(proven: Iterable[tuple[Report, KeptValidation | None]]) -> int:
    """Return how many of the reports of one flaw were reproduced and are independent of each other (`tier`)."""
    return count_independent(
        [
            Hand(str(report.organisation), model_family=model_family(report.body.found_by.model))
            for report, kept in proven
            if kept and kept.outcome and kept.outcome.verdict == Word.REPRODUCED
        ]
    )


def tier_in(result: Mapping[str, Any], results: int) -> Tier:
    """Return the tier of a kept result that was reproduced."""
    fixed = (result.get("fixed") or {}).get("verdict") or FixedWord.NOT_CHECKED
    harness = Harness(result.get("harness") or Harness.FINDER)
    oracle = Oracle(result.get("oracle") or Oracle.SANITIZER)
    controlled = result.get("control") == "clean"
    return tier_of(Grounds(harness, FixedWord(fixed), controlled=controlled, results=results, oracle=oracle))


def strip_of(found: Survey) -> ReleaseStrip:
    """Return a survey as a strip with one mark a release."""
    newest = found.newest.tried
    told = f"{newest.release}: {newest.word.replace('_', ' ')}" if newest else f"not known: {found.newest.reason}"
    affected = found.affected
    if affected is None:
        return ReleaseStrip((), found.reason, told, 0)
    tried = {each.release: each for each in affected.tried}
    marks = [
        ReleaseMark(name, tried[name].word.value, tried[name].reason) if name in tried else ReleaseMark(name, "")
        for name in affected.releases
    ]
    events = ", ".join(f"{event.bound} {event.release}" for event in affected.events)
    return ReleaseStrip(tuple(marks), events or "no release", told, len(affected.undecided))


def subjects_of(report: Report) -> tuple[str, str]:
    """Return the purls of the vulnerable and the fixed release that a report's recipe names, empty where none."""
    if report.body.reproducer is None:
        return "", ""
    subject = json.loads(report.body.reproducer.recipe).get("subject")
    if not isinstance(subject, dict):
        return "", ""
    return str(subject.get("vulnerable") or ""), str(subject.get("fixed") or "")


def _vulnerable(subject: str, verdict: str, rate: Mapping[str, Any] | None) -> Runs | None:
    if not rate:
        return None
    return Runs(
        subject=subject,
        outcome=verdict,
        clean=False if verdict == "reproduced" else None,
        hits=int(rate["hits"]),
        runs=int(rate["runs"]),
        low=float(rate["low"]) if verdict in RATED else None,
        high=float(rate["high"]) if verdict in RATED else None,
    )


def _fixed(subject: str, fixed: Mapping[str, Any] | None) -> Runs | None:
    if not fixed or not subject:
        return None
    outcome = str(fixed["verdict"])
    runs = int(fixed.get("runs") or 0)
    clean = _CLEAN.get(outcome)
    hits = int(fixed.get("hits", 0 if clean else runs))
    return Runs(subject=subject, outcome=outcome, clean=clean, hits=hits, runs=runs)


def _frames(crash: Mapping[str, Any]) -> tuple[FrameLine, ...]:
    """Return the stack, innermost first; the fault is at the release's own innermost frame."""
    stack = (crash.get("stack") or ())[:FRAMES_SHOWN_MAX]
    own = [number for number, frame in enumerate(stack) if frame["origin"] == OWN]
    return tuple(
        FrameLine(
            function=str(frame["function"]),
            place=_place(frame),
            subject=frame["origin"] == OWN,
            fault=number == own[0] if own else False,
        )
        for number, frame in enumerate(stack)
    )


def _place(frame: Mapping[str, Any]) -> str:
    file, line = frame.get("file") or "", frame.get("line")
    return f"{file}:{line}" if file and line else str(file)
