"""Reports come in: once each, within bounds, sealed, and answered with a receipt that nobody can deny.

Takes: the bytes of a ``leadtime.report/1``, or of a form that `importing` turns into some, from a finder.
Gives: a signed `Receipt`; to the right a `Report` as it was written and a `Finding` as it was read.
Decides: what makes two reports the same one (`rules.identity_of`), and what a receipt promises.
Refuses: what is too large, too deep, ambiguous or outside its bounds (`Malformed`, with the place); the same reference
    with other content (`Conflict`).
Standard: JSON as RFC 8259 under the stricter RFC 7493; purl; Ed25519 (RFC 8032); base64 (RFC 4648, section 4);
    SARIF 2.1.0; OSV; CSAF 2.0; CSV (RFC 4180); mail (RFC 5322, MIME).
"""

from leadtime.flow.intake.find import find_reports
from leadtime.flow.intake.importing import (
    Given,
    Imported,
    LeftOut,
    NotRead,
    ReadReport,
    ReportForm,
    import_reports,
    recognise_report,
)
from leadtime.flow.intake.pack import pack_reports
from leadtime.flow.intake.read import list_reports, read_credits, read_finding, read_receipt, read_report, read_sender
from leadtime.flow.intake.receive import Received, receive, receive_all
from leadtime.flow.intake.records import (
    Component,
    Disclosure,
    Finding,
    FoundBy,
    Location,
    NamedFile,
    Package,
    Product,
    Receipt,
    Report,
    ReportBody,
    ReportId,
    ReportPage,
    ReportSummary,
    Reproducer,
)
from leadtime.flow.intake.rules import (
    check_receipt,
    found_with,
    name_of,
    other_software_run,
    parse_report,
    place_claimed,
    read_receipt_json,
    receipt_as_json,
    software_run,
)

__all__ = [
    "Component",
    "Disclosure",
    "Finding",
    "FoundBy",
    "Given",
    "Imported",
    "LeftOut",
    "Location",
    "NamedFile",
    "NotRead",
    "Package",
    "Product",
    "ReadReport",
    "Receipt",
    "Received",
    "Report",
    "ReportBody",
    "ReportForm",
    "ReportId",
    "ReportPage",
    "ReportSummary",
    "Reproducer",
    "check_receipt",
    "find_reports",
    "found_with",
    "import_reports",
    "list_reports",
    "name_of",
    "other_software_run",
    "pack_reports",
    "parse_report",
    "place_claimed",
    "read_credits",
    "read_finding",
    "read_receipt",
    "read_receipt_json",
    "read_report",
    "read_sender",
    "receipt_as_json",
    "receive",
    "receive_all",
    "recognise_report",
    "software_run",
]
