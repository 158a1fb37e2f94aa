"""Is this document valid? Recognise its kind, apply the official rules of that kind, list every rule that fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from leadtime.formats import csaf_rules, schema_rules
from leadtime.formats.limits import DOCUMENT, FAILURES_SHOWN_MAX
from leadtime.formats.members import JsonObject, object_in
from leadtime.formats.verdicts import Failure
from leadtime.foundation.errors import Malformed
from leadtime.foundation.strict_json import read_json


class DocumentKind(StrEnum):
    """A standard that is recognised."""

    CSAF_2_0 = "CSAF 2.0"
    CSAF_2_1 = "CSAF 2.1"
    OSV = "OSV"
    CVE = "CVE record"
    CYCLONEDX = "CycloneDX"
    OPENVEX = "OpenVEX"


CHECKED: Mapping[DocumentKind, str] = {
    DocumentKind.CSAF_2_0: "its JSON schema and the 33 mandatory tests of section 6.1",
    DocumentKind.OSV: "its JSON schema",
    DocumentKind.CVE: "the JSON schema of CVE records 5.1.1",
    DocumentKind.CYCLONEDX: "the JSON schema of its version",
}
"""What is checked, by kind; a kind that is not here is recognised only."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found: the kind, the rules that failed (the first `FAILURES_SHOWN_MAX`) and how many more did.

    ``checked`` says against what; None: nothing here can check this kind, so no word about validity.
    """

    kind: DocumentKind
    checked: str | None
    failures: tuple[Failure, ...]
    more: int

    @property
    def valid(self) -> bool:
        """Tell whether everything was checked that can be and nothing failed."""
        return self.checked is not None and not self.failures


def check_document(raw: bytes, schemas: Path) -> Verdict:
    """Return the verdict on one document; ``schemas`` is the directory of `schemas`.

    Raises `Malformed` for what is not JSON within bounds or of no kind that is known, `Unavailable` if a schema is
    not set up.
    """
    document = object_in(read_json(raw.removeprefix(b"\xef\xbb\xbf"), DOCUMENT), "$")
    kind = recognise(document)
    rules = _RULES.get(kind)
    if rules is None:
        return Verdict(kind, None, (), 0)
    if kind is DocumentKind.CYCLONEDX and not schema_rules.cyclonedx_version(document):
        return Verdict(kind, None, (), 0)
    failures = rules(document, schemas)
    shown = failures[:FAILURES_SHOWN_MAX]
    return Verdict(kind, CHECKED[kind], shown, len(failures) - len(shown))


def recognise(document: JsonObject) -> DocumentKind:
    """Return the kind of a document by the members that each standard requires; raises `Malformed` if none fits."""
    inner = document.get("document")
    if isinstance(inner, dict) and ("csaf_version" in inner or {"category", "tracking"} <= inner.keys()):
        return DocumentKind.CSAF_2_1 if inner.get("csaf_version") == "2.1" else DocumentKind.CSAF_2_0
    if document.get("dataType") == "CVE_RECORD" or "cveMetadata" in document:
        return DocumentKind.CVE
    if document.get("bomFormat") == "CycloneDX":
        return DocumentKind.CYCLONEDX
    if "openvex" in str(document.get("@context", "")):
        return DocumentKind.OPENVEX
    if "id" in document and not {"modified", "affected", "schema_version"}.isdisjoint(document):
        return DocumentKind.OSV
    raise Malformed(
        "this is none of CSAF, OSV, CVE, CycloneDX VEX and OpenVEX",
        where="$",
        next_step="Give a document of one of these kinds.",
    )


_RULES: Mapping[DocumentKind, Callable[[JsonObject, Path], tuple[Failure, ...]]] = {
    DocumentKind.CSAF_2_0: csaf_rules.failures_of,
    DocumentKind.OSV: schema_rules.osv_failures,
    DocumentKind.CVE: schema_rules.cve_failures,
    DocumentKind.CYCLONEDX: schema_rules.cyclonedx_failures,
}
