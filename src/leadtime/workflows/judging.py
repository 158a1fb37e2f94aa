"""How far a case's patches climb: each is judged against the reports of its flaw, one at a time, and kept.

A patch that ends its own flaw is run against what is suggested to be the same one, too: if it silences both, that is
the strongest sign there is (`merging.note_patch_outcome`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from leadtime.flow import coordination, intake, merging, validation
from leadtime.flow.coordination import CaseId, HandedIn, PatchFile, PatchId
from leadtime.flow.intake import NamedFile, ReportId, Reproducer
from leadtime.flow.merging import VulnerabilityId
from leadtime.flow.validation import JudgedPatch, KeptJudgement, Word
from leadtime.foundation.access import SYSTEM
from leadtime.foundation.database import Transaction
from leadtime.foundation.errors import Missing
from leadtime.foundation.settings import Settings
from leadtime.workflows.engine import Station, enqueue
from leadtime.workflows.judge_apart import PatchAsked, as_patch_message
from leadtime.workflows.proving import run_apart
from leadtime.workflows.records import Kind, Priority, Queue

JUDGE_PATCH = Kind("judge_patch", Queue.VALIDATION)

APART = "from leadtime.workflows.judge_apart import main; main()"
"""What the process runs."""

REPORTS_JUDGED_MAX = 8
"""Of its own flaw, that a patch is run against; each takes minutes."""

ALIKE_FLAWS_MAX = 3
"""Flaws suggested to be the same, likeliest first, that a patch is run against, with one report of each."""

REPORTS_LOOKED_AT_MAX = 100
"""Of one flaw, to find those that were reproduced."""

KNOWN_INPUTS_MAX = 8
"""Inputs of other reports of the flaw that go along."""

Judge = Callable[[Settings, PatchAsked, threading.Event], JudgedPatch]
"""Judges a patch in a child process, away from database and keys; gives up when the event is set."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """The report that a patch is judged against next; ``own``: it is in the patch's case."""

    report: ReportId
    own: bool
    asked: PatchAsked


def judge_over(settings: Settings, asked: PatchAsked, stopping: threading.Event) -> JudgedPatch:
    """Return how far a patch climbs; raises as `proving.prove`."""
    return validation.read_judged(run_apart(settings, as_patch_message(asked), stopping, code=APART))


def hand_in_patch(tx: Transaction, case: CaseId, content: bytes) -> HandedIn:
    """Keep a patch for a case and let it be judged; raises as `coordination.hand_in_patch`.

    The first run does not wait for the reports in the queue, since somebody waits for it; the others do.
    """
    handed = coordination.hand_in_patch(tx, case, content)
    if handed.fresh:
        enqueue(tx, JUDGE_PATCH, handed.patch.id, priority=Priority.CALLED)
    return handed


def judge_newest(tx: Transaction, case: CaseId) -> None:
    """Let a case's newest patch be judged against reports that have joined since."""
    for patch in coordination.list_patches(tx, case)[:1]:
        if len(coordination.read_patch(tx, patch.id).judgements) < REPORTS_JUDGED_MAX:
            enqueue(tx, JUDGE_PATCH, patch.id)


def judge_patch(judge: Judge, station: Station, patch: UUID) -> None:
    """Judge a patch against the report whose turn it is, outside of any transaction, and let the next have its turn."""
    with station.database.transaction(SYSTEM) as tx:
        turn = _next_turn(tx, PatchId(patch))
    if turn is None:
        return
    found = judge(station.settings, turn.asked, station.stopping)
    with station.database.transaction(SYSTEM) as tx:
        file = _find(tx, PatchId(patch))
        if file is not None and validation.keep_judgement(tx, turn.report, file.patch.digest, found):
            _note(tx, file, turn, found)
            enqueue(tx, JUDGE_PATCH, patch)


def _note(tx: Transaction, file: PatchFile, turn: _Turn, found: JudgedPatch) -> None:
    """Tell the case and *merging*; of another flaw's report, whose case this is not, *merging* alone."""
    silent = found.ladder.is_silent if found.ladder is not None else None
    if silent is not None:
        merging.note_patch_outcome(tx, turn.report, file.patch.digest, silenced=silent)
    if turn.own:
        coordination.note_judgement(tx, file.patch.id, turn.report, found)


def _next_turn(tx: Transaction, patch: PatchId) -> _Turn | None:
    file = _find(tx, patch)
    if file is None:
        return None
    held = coordination.read_case(tx, file.patch.case)
    judged = {each.report for each in validation.read_judgements(tx, file.patch.digest)}
    if len(file.judgements) < REPORTS_JUDGED_MAX:
        for report, reproducer in _reproduced(tx, held.reports):
            if report not in judged:
                known = _known(tx, held.reports, report)
                return _Turn(report, own=True, asked=PatchAsked(reproducer, file.content, known))
    if not any(_is_silenced(each) for each in file.judgements):
        return None
    for report, reproducer in _alike(tx, held.case.vulnerability, judged):
        return _Turn(report, own=False, asked=PatchAsked(reproducer, file.content, ()))
    return None


def _find(tx: Transaction, patch: PatchId) -> PatchFile | None:
    """Return a patch; None if its case was taken in by one that has the same patch."""
    try:
        return coordination.read_patch(tx, patch)
    except Missing:
        return None


def _is_silenced(kept: KeptJudgement) -> bool:
    return kept.found.ladder is not None and kept.found.ladder.is_silent is True


def _alike(tx: Transaction, flaw: VulnerabilityId, judged: set[ReportId]) -> Iterator[tuple[ReportId, Reproducer]]:
    """Yield a report of each flaw that is suggested to be this one and was not tried yet."""
    for each in merging.read_alike(tx, flaw)[:ALIKE_FLAWS_MAX]:
        reports = merging.read_vulnerability(tx, each.vulnerability).reports
        if judged.isdisjoint(reports):
            yield from islice(_reproduced(tx, reports), 1)


def _known(tx: Transaction, reports: Iterable[ReportId], beside: ReportId) -> tuple[NamedFile, ...]:
    """Return inputs of the other reports."""
    others = (reproducer.input for report, reproducer in _reproduced(tx, reports) if report != beside)
    return tuple(islice(others, KNOWN_INPUTS_MAX))


def _reproduced(tx: Transaction, reports: Iterable[ReportId]) -> Iterator[tuple[ReportId, Reproducer]]:
    """Yield those of the reports that were reproduced, with how."""
    for report in islice(reports, REPORTS_LOOKED_AT_MAX):
        outcome = validation.read_validation(tx, report).outcome
        if outcome is None or outcome.verdict != Word.REPRODUCED:
            continue
        reproducer = intake.read_finding(tx, report).reproducer
        if reproducer is not None:
            yield report, reproducer
