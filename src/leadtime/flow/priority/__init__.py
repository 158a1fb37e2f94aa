"""What comes first, by when, and why.

Takes: an operator's exposure and dates, CISA's KEV catalogue and Vulnrichment answers as dated files.
Gives: `Decision`: the row, the date and every other reading, what is missing, what was assumed, and the explanation.
Decides: by lookup in sixteen rows (`rules.ROWS`), never by a formula.
Refuses: a source older than the loaded one; guessing anything of an entry that is or may be in KEV.
Standard: CISA BOD 26-04 (10 June 2026); SSVC 2.0.3 (CISA's tree); CVE JSON 5 (ADP container).
"""

from leadtime.flow.priority.facts import facts_for, read_exploited
from leadtime.flow.priority.load import load_source, read_loaded
from leadtime.flow.priority.records import (
    Answer,
    CountedFrom,
    CveFacts,
    Decision,
    Exploitation,
    Impact,
    Inputs,
    KevEntry,
    Loaded,
    Reading,
    Row,
    SourceKind,
    SsvcEntry,
)
from leadtime.flow.priority.rules import FORENSIC_STEPS, INFORMATIVE, ROWS, decide, inputs_from, lookup, urgency

__all__ = [
    "FORENSIC_STEPS",
    "INFORMATIVE",
    "ROWS",
    "Answer",
    "CountedFrom",
    "CveFacts",
    "Decision",
    "Exploitation",
    "Impact",
    "Inputs",
    "KevEntry",
    "Loaded",
    "Reading",
    "Row",
    "SourceKind",
    "SsvcEntry",
    "decide",
    "facts_for",
    "inputs_from",
    "load_source",
    "lookup",
    "read_exploited",
    "read_loaded",
    "urgency",
]
