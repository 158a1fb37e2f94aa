"""One root cause, one vulnerability, all the credit (I7).

Takes: the `Evidence` of a reproduced report: component, releases, crash class and the subject's frames.
Gives: `Vulnerability` with every finder's `Credit`, and an explanation for every merge (I9).
Decides: whether two crashes are one flaw (`rules.compare`); joined or suggested, the same in any order.
Refuses: to join again what a person split; to split all or nothing.
Standard: none; stack shapes of AddressSanitizer, libFuzzer, gdb, CPython, Java and JavaScript are read (`stacks`).
"""

from leadtime.flow.merging.alike import Alike, join, read_alike, read_claimed
from leadtime.flow.merging.claims import note_claims
from leadtime.flow.merging.cluster import CrashText, cluster
from leadtime.flow.merging.fingerprints import Clue, FingerprintKind, clues_of, fingerprints_of, fingerprints_of_all
from leadtime.flow.merging.held import HeldAsk, HeldBudget, count_ask, list_asks, note_held, own_marks, read_held
from leadtime.flow.merging.links import read_links
from leadtime.flow.merging.merge_in import merge_in
from leadtime.flow.merging.outcomes import (
    OutcomeKind,
    RootOutcome,
    answer_to,
    list_outcomes,
    note_outcome,
    outcome_of,
)
from leadtime.flow.merging.patched import note_patch_outcome
from leadtime.flow.merging.read import (
    finders_of,
    first_report_of,
    is_proven,
    read_evidence_of,
    read_vulnerability,
    vulnerability_of,
)
from leadtime.flow.merging.records import (
    Credit,
    Evidence,
    Frame,
    Link,
    LinkKind,
    Merged,
    Vulnerability,
    VulnerabilityId,
)
from leadtime.flow.merging.rules import compare, group
from leadtime.flow.merging.severities import SaidAs, Severity, list_severities, state_severity
from leadtime.flow.merging.split import split
from leadtime.flow.merging.stacks import Stack, parse_stack

__all__ = [
    "Alike",
    "Clue",
    "CrashText",
    "Credit",
    "Evidence",
    "FingerprintKind",
    "Frame",
    "HeldAsk",
    "HeldBudget",
    "Link",
    "LinkKind",
    "Merged",
    "OutcomeKind",
    "RootOutcome",
    "SaidAs",
    "Severity",
    "Stack",
    "Vulnerability",
    "VulnerabilityId",
    "answer_to",
    "clues_of",
    "cluster",
    "compare",
    "count_ask",
    "finders_of",
    "fingerprints_of",
    "fingerprints_of_all",
    "first_report_of",
    "group",
    "is_proven",
    "join",
    "list_asks",
    "list_outcomes",
    "list_severities",
    "merge_in",
    "note_claims",
    "note_held",
    "note_outcome",
    "note_patch_outcome",
    "outcome_of",
    "own_marks",
    "parse_stack",
    "read_alike",
    "read_claimed",
    "read_evidence_of",
    "read_held",
    "read_links",
    "read_vulnerability",
    "split",
    "state_severity",
    "vulnerability_of",
]
