"""A priority's decision as a badge and a sentence."""

from __future__ import annotations

from leadtime.doors.read_models.pictures import Badge, Priority, Tone
from leadtime.flow import priority
from leadtime.flow.priority import Decision
from leadtime.foundation.database import Transaction

_TONES = ((3, Tone.HOT), (14, Tone.WARM), (60, Tone.COOL))


def badge_of(decision: Decision) -> Badge:
    """Return the timeline as a badge; *undetermined* is as loud as a short one, in its own colour."""
    if decision.row is None:
        return Badge("undetermined", Tone.ASK)
    days = decision.row.days
    if days is None:
        return Badge("on upgrade", Tone.PLAIN)
    tone = next((tone for days_max, tone in _TONES if days <= days_max), Tone.COOL)
    return Badge(f"{days} days", tone)


def sentence_of(decision: Decision) -> str:
    """Return the row and timeline as a sentence, or what is missing for one."""
    if decision.row is None:
        return f"No date can be told: {' and '.join(decision.missing)} is not known."
    return f"Row {decision.row.number} of BOD 26-04: {decision.row.timeline}."


def decision_of(tx: Transaction, cve: str | None) -> Decision:
    """Return the decision on a flaw as if it were exposed, since who runs it is not yet known."""
    facts = priority.facts_for(tx, cve)
    return priority.decide(priority.inputs_from(facts, exposed=priority.Answer.UNKNOWN, enumerated=None))


def priority_of(tx: Transaction, cve: str | None) -> Priority:
    """Return what comes first for a flaw as if it were exposed, as a case's page shows it."""
    decision = decision_of(tx, cve)
    sentence = f"{sentence_of(decision)} Reckoned as exposed; each operator's own list counts for itself."
    return Priority(badge_of(decision), sentence, decision.why)
