"""One record per case from which every public format is rendered, published only by a person.

Takes: a case, what was run (with the validation that ran it), ranges with their source, texts that a person wrote.
Gives: `Advisory` to the case's people and `PublishedAdvisory` to everybody, `AdvisoryDocument` to the formats.
Decides: what may be said (`rules.check_facts`), what is missing before publication, and which move follows which.
Refuses: a release as affected that was neither run nor entered with a source, and publication by anything but a person.
Standard: OSV schema 1.7 and CSAF 2.0 are renderings (`leadtime.formats`); TLP 2.0 (FIRST).
"""

from leadtime.flow.advisory.affected import affected_package
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
    PublishedAdvisory,
)
from leadtime.flow.advisory.rules import MOVES, explain_affected, missing_facts, span_text

__all__ = [
    "MOVES",
    "Advisory",
    "AdvisoryId",
    "AdvisoryMove",
    "AdvisoryState",
    "DraftFacts",
    "PublishedAdvisory",
    "affected_package",
    "draft",
    "edit",
    "explain_affected",
    "find_advisory",
    "find_numbered",
    "find_published",
    "list_published",
    "missing_facts",
    "publish",
    "read_advisory",
    "read_published",
    "revise",
    "span_text",
    "withdraw",
]
