"""BOD 26-04 (CISA, 10 June 2026) as a lookup: sixteen rows, what may be assumed, and how the days are counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, timedelta

from leadtime.flow.priority.records import (
    Answer,
    CountedFrom,
    CveFacts,
    Decision,
    Exploitation,
    Impact,
    Inputs,
    Reading,
    Row,
)
from leadtime.foundation.errors import Malformed
from leadtime.foundation.explanation import Explanation, Fact

YEAR_MIN, YEAR_MAX = 1990, 2200
"""Dates outside are no dates of flaws; within them adding days cannot overflow."""

DIRECTIVE = "CISA BOD 26-04 (10 June 2026)"

_YES, _NO = True, False
_PARTIAL, _TOTAL = Impact.PARTIAL, Impact.TOTAL

ROWS: tuple[Row, ...] = (
    Row(1, exposed=_YES, in_kev=_YES, automatable=_YES, impact=_TOTAL, days=3, forensic=_YES),
    Row(2, exposed=_YES, in_kev=_YES, automatable=_YES, impact=_PARTIAL, days=3, forensic=_NO),
    Row(3, exposed=_YES, in_kev=_YES, automatable=_NO, impact=_TOTAL, days=3, forensic=_YES),
    Row(4, exposed=_YES, in_kev=_YES, automatable=_NO, impact=_PARTIAL, days=14, forensic=_NO),
    Row(5, exposed=_YES, in_kev=_NO, automatable=_YES, impact=_TOTAL, days=3, forensic=_NO),
    Row(6, exposed=_YES, in_kev=_NO, automatable=_YES, impact=_PARTIAL, days=14, forensic=_NO),
    Row(7, exposed=_YES, in_kev=_NO, automatable=_NO, impact=_TOTAL, days=14, forensic=_NO),
    Row(8, exposed=_YES, in_kev=_NO, automatable=_NO, impact=_PARTIAL, days=60, forensic=_NO),
    Row(9, exposed=_NO, in_kev=_YES, automatable=_YES, impact=_TOTAL, days=3, forensic=_YES),
    Row(10, exposed=_NO, in_kev=_YES, automatable=_YES, impact=_PARTIAL, days=14, forensic=_NO),
    Row(11, exposed=_NO, in_kev=_YES, automatable=_NO, impact=_TOTAL, days=14, forensic=_NO),
    Row(12, exposed=_NO, in_kev=_YES, automatable=_NO, impact=_PARTIAL, days=14, forensic=_NO),
    Row(13, exposed=_NO, in_kev=_NO, automatable=_YES, impact=_TOTAL, days=60, forensic=_NO),
    Row(14, exposed=_NO, in_kev=_NO, automatable=_YES, impact=_PARTIAL, days=60, forensic=_NO),
    Row(15, exposed=_NO, in_kev=_NO, automatable=_NO, impact=_TOTAL, days=None, forensic=_NO),
    Row(16, exposed=_NO, in_kev=_NO, automatable=_NO, impact=_PARTIAL, days=None, forensic=_NO),
)
"""The directive's table, row by row; nothing is computed from anything else."""

_BY_ANSWERS = {(row.exposed, row.in_kev, row.automatable, row.impact): row for row in ROWS}

FORENSIC_STEPS: tuple[tuple[int, str], ...] = (
    (2, "establish the scope"),
    (24, "secure volatile evidence, before patching"),
    (72, "decide whether the asset was compromised"),
)
"""The forensic-triage runbook: hours from the start, and what is done by then."""

ASSUMED_EXPOSED = "exposure is not known: reckoned as exposed to the internet"
ASSUMED_NOT_AUTOMATABLE = "whether an attack can be automated is not known: reckoned as no, since it is not in KEV"
ASSUMED_TOTAL = "the technical impact is not known: reckoned as total, since it is not in KEV"
AS_IF_IN_KEV = "exploited in the wild but not in KEV: treated as in KEV from the evidence on"
INFORMATIVE = "informative: the directive binds federal civilian agencies only"

MISSING_KEV = "whether it is in KEV (load the catalogue)"
MISSING_AUTOMATABLE = "whether an attack can be automated (an entry in KEV is never defaulted)"
MISSING_IMPACT = "the technical impact (an entry in KEV is never defaulted)"


@dataclass(frozen=True, slots=True)
class Reckoned:
    """The four answers that a row is looked up by, and what was assumed on the way."""

    exposed: bool
    in_kev: bool
    automatable: bool
    impact: Impact
    assumed: tuple[str, ...]


def lookup(*, exposed: bool, in_kev: bool, automatable: bool, impact: Impact) -> Row:
    """Return the row of the directive's table for four known answers."""
    return _BY_ANSWERS[(exposed, in_kev, automatable, impact)]


def decide(inputs: Inputs) -> Decision:
    """Return the decision: the row and its dates, or what is missing for one.

    An entry in KEV is never defaulted, and while no catalogue is loaded nobody can say that a flaw is not in it: both
    are *undetermined*. Both ways of counting are kept, the earlier due first; one that was already past when the later
    of its two events happened is *overdue on arrival*. Raises `Malformed` for a date outside `YEAR_MIN` to `YEAR_MAX`.
    """
    _check_dates(inputs)
    missing = missing_of(inputs)
    reckoned = None if missing else _reckon(inputs)
    row = None if reckoned is None else _row_of(reckoned)
    readings = () if row is None else _readings(inputs, row)
    due = readings[0].due if readings else None
    assumed = () if reckoned is None else reckoned.assumed
    return Decision(
        row=row,
        due=due,
        readings=readings,
        overdue_on_arrival=due is not None and due < max(reading.start for reading in readings),
        missing=missing,
        assumed=assumed,
        in_kev=inputs.kev is Answer.YES,
        kev_due=inputs.kev_due,
        kev_forensic=inputs.kev_forensic,
        informative=not inputs.binding,
        why=_explain(inputs, row, due, missing, assumed),
    )


def missing_of(inputs: Inputs) -> tuple[str, ...]:
    """Return what must be known before a row may be read: nothing is guessed of an entry that is or may be in KEV."""
    if inputs.kev is Answer.UNKNOWN:
        return (MISSING_KEV,)
    if inputs.kev is Answer.NO:
        return ()
    wanted = ((inputs.automatable is Answer.UNKNOWN, MISSING_AUTOMATABLE), (inputs.impact is None, MISSING_IMPACT))
    return tuple(what for is_missing, what in wanted if is_missing)


def urgency(decision: Decision) -> tuple[int, date, int]:
    """Return a sort key for patch-by lists: undetermined first (KEV's before all), then by date, then by row."""
    if decision.row is None:
        return (0 if decision.in_kev else 1, date.min, 0)
    return (2, decision.due or date.max, decision.row.number)


def inputs_from(facts: CveFacts, *, exposed: Answer, enumerated: date | None, binding: bool = False) -> Inputs:
    """Return the inputs that the loaded sources and one operator's asset make; a source never loaded says *unknown*."""
    kev, ssvc = facts.kev, facts.ssvc
    exploited = ssvc is not None and ssvc.exploitation is Exploitation.ACTIVE
    return Inputs(
        exposed=exposed,
        kev=Answer.UNKNOWN if facts.kev_source is None else Answer.NO if kev is None else Answer.YES,
        automatable=Answer.UNKNOWN if ssvc is None else ssvc.automatable,
        impact=None if ssvc is None else ssvc.impact,
        kev_added=None if kev is None else kev.added,
        kev_due=None if kev is None else kev.due,
        kev_forensic=None if kev is None else kev.forensic,
        exploited_since=ssvc.as_of.astimezone(UTC).date() if ssvc is not None and exploited else None,
        enumerated=enumerated,
        binding=binding,
        facts=_sources(facts),
    )


def _reckon(inputs: Inputs) -> Reckoned:
    as_if = inputs.kev is Answer.NO and inputs.exploited_since is not None
    assumptions = (
        (inputs.exposed is Answer.UNKNOWN, ASSUMED_EXPOSED),
        (inputs.automatable is Answer.UNKNOWN, ASSUMED_NOT_AUTOMATABLE),
        (inputs.impact is None, ASSUMED_TOTAL),
        (as_if, AS_IF_IN_KEV),
    )
    return Reckoned(
        exposed=inputs.exposed is not Answer.NO,
        in_kev=as_if or inputs.kev is Answer.YES,
        automatable=inputs.automatable is Answer.YES,
        impact=inputs.impact or Impact.TOTAL,
        assumed=tuple(sentence for is_assumed, sentence in assumptions if is_assumed),
    )


def _check_dates(inputs: Inputs) -> None:
    for name, at in _dates(inputs):
        if at is not None and not YEAR_MIN <= at.year <= YEAR_MAX:
            raise Malformed(
                f"a date between {YEAR_MIN} and {YEAR_MAX} is expected", where=name, next_step="Correct the date."
            )


def _dates(inputs: Inputs) -> tuple[tuple[str, date | None], ...]:
    return (
        ("added to KEV", inputs.kev_added),
        ("KEV's own due date", inputs.kev_due),
        ("exploited since", inputs.exploited_since),
        ("enumerated", inputs.enumerated),
    )


def _row_of(reckoned: Reckoned) -> Row:
    return lookup(
        exposed=reckoned.exposed,
        in_kev=reckoned.in_kev,
        automatable=reckoned.automatable,
        impact=reckoned.impact,
    )


def _readings(inputs: Inputs, row: Row) -> tuple[Reading, ...]:
    """Return every way to count the row's calendar days, earliest due first."""
    if row.days is None:
        return ()
    in_kev = inputs.kev is Answer.YES
    starts = (
        (CountedFrom.KEV_ADDITION, inputs.kev_added if in_kev else None),
        (CountedFrom.EVIDENCE, None if in_kev else inputs.exploited_since),
        (CountedFrom.ENUMERATION, inputs.enumerated),
    )
    found = [Reading(counted_from, start, start + timedelta(days=row.days)) for counted_from, start in starts if start]
    return tuple(sorted(found, key=lambda reading: reading.due))


def _explain(
    inputs: Inputs, row: Row | None, due: date | None, missing: tuple[str, ...], assumed: tuple[str, ...]
) -> Explanation:
    if row is None:
        decision, rule = "undetermined: missing " + " and ".join(missing), DIRECTIVE
    else:
        decision = row.timeline if due is None else f"{row.timeline}, by {due.isoformat()}"
        rule = f"{DIRECTIVE}, row {row.number}"
    reckoned = tuple(Fact("assumed", sentence, DIRECTIVE) for sentence in assumed)
    label = () if inputs.binding else (Fact("label", INFORMATIVE, DIRECTIVE),)
    return Explanation(decision, rule, (*_answers(inputs), *inputs.facts, *reckoned, *label))


def _answers(inputs: Inputs) -> tuple[Fact, ...]:
    """Return the four answers and the dates as they came in."""
    return (
        Fact("exposed", inputs.exposed.value, "inputs"),
        Fact("in KEV", inputs.kev.value, "inputs"),
        Fact("automatable", inputs.automatable.value, "inputs"),
        Fact("technical impact", inputs.impact.value if inputs.impact else "unknown", "inputs"),
        *(Fact(name, at.isoformat(), "inputs") for name, at in _dates(inputs) if at),
    )


def _sources(facts: CveFacts) -> tuple[Fact, ...]:
    """Return what each source says of the flaw, with the source's own date."""
    name = facts.cve or "no CVE"
    kev, ssvc = facts.kev_source, facts.ssvc_source
    listed = "not loaded" if kev is None else "listed" if facts.kev else "not listed"
    assessed = "not loaded" if ssvc is None else "assessed" if facts.ssvc else "not assessed"
    return (
        Fact(name, listed, "CISA KEV catalogue", None if kev is None else kev.as_of),
        Fact(name, assessed, "CISA Vulnrichment (SSVC)", None if ssvc is None else ssvc.as_of),
    )
