"""One record per case from which every public format is rendered, published only by a person.

Takes: a case, what was run (with the validation that ran it), ranges with their source, texts that a person wrote.
Gives: `Advisory` to the case's people and `PublishedAdvisory` to everybody, `AdvisoryDocument` to the formats.
Decides: what may be said (`rules.check_facts`), what is missing before publication, and which move follows which.
Refuses: a release as affected that was neither run nor entered with a source, and publication by anything but a person.
Standard: OSV schema 1.7 and CSAF 2.0 are renderings (`leadtime.formats`); TLP 2.0 (FIRST).
"""

from leadtime.flow.advisory.affected import affected_package, fixes_in_order
from leadtime.flow.advisory.draft import draft, edit
from leadtime.flow.advisory.publish import publish, revise, withdraw
from leadtime.flow.advisory.read import (
    find_advisory,
    find_numbered,
    find_published,
    list_published,
    read_advisory,
    read_published,
)
from leadtime.flow.advisory.records import (
    Advisory,
    AdvisoryId,
    AdvisoryMove,
    AdvisoryState,
    DraftFacts,
    FinderShare,
    PublishedAdvisory,
)
from leadtime.flow.advisory.rules import MOVES, credits_of, missing_facts, runs_of, span_text

__all__ = [
    "MOVES",
    "Advisory",
    "AdvisoryId",
    "AdvisoryMove",
    "AdvisoryState",
    "DraftFacts",
    "FinderShare",
    "PublishedAdvisory",
    "affected_package",
    "credits_of",
    "draft",
    "edit",
    "find_advisory",
    "find_numbered",
    "find_published",
    "fixes_in_order",
    "list_published",
    "missing_facts",
    "publish",
    "read_advisory",
    "read_published",
    "revise",
    "runs_of",
    "span_text",
    "withdraw",
]
