"""The record of a designation: what was requested, what an outside authority said, when, and unclassified facts.

Takes: a request about an offered model, and later its outcome, by whoever heard of it.
Gives: `Designation`.
Decides: nothing about a model: a designation is made by an outside authority, and no window, grant or release reads it.
Refuses: text with classification or CUI markings, an outcome before its request, a second outcome.
Standard: Executive Order 14409 ("covered frontier model"); markings as `foundation.markings` says.
"""

from leadtime.flow.assessment.designation import list_designations, model_of, note_outcome, note_request
from leadtime.flow.assessment.records import (
    Designation,
    DesignationId,
    DesignationMove,
    DesignationState,
    OutcomeWanted,
    RequestWanted,
)

__all__ = [
    "Designation",
    "DesignationId",
    "DesignationMove",
    "DesignationState",
    "OutcomeWanted",
    "RequestWanted",
    "list_designations",
    "model_of",
    "note_outcome",
    "note_request",
]
