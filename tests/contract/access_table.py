"""Who may use which address: route x (role, relation) -> what they get. Written by hand; read it like a contract.

One letter a column:
  A  allowed (whatever the state of the thing then says)     U  401: sign in
  M  404: there is no such thing for them                    R  403: their role may not

Columns, left to right: anyone | finder of the report, other finder | coordinator | maintainer it was delivered to,
other maintainer | operator exposed, other operator | agency | developer | partner | auditor
"""

from __future__ import annotations

COLUMNS = (
    "anyone",
    "finder",
    "other_finder",
    "coordinator",
    "maintainer",
    "other_maintainer",
    "operator",
    "other_operator",
    "agency",
    "developer",
    "partner",
    "auditor",
)

TABLE: dict[str, str] = {
    # API: parties, reports, validations, vulnerabilities, cases, deliveries, advisories, operators, facts
    "GET /api/v1/advisories": "A AA A AA AA A A A A",
    "GET /api/v1/advisories/{found}": "M MM M MM MM M M M M",
    "POST /api/v1/advisories/{found}/publication": "U RM A RM MM M M M M",
    "POST /api/v1/advisories/{found}/withdrawal": "U RM A RM MM M M M M",
    "GET /api/v1/advisories/{found}/{rendered}": "M MM M MM MM M M M M",
    "GET /api/v1/cases": "U AA A AA RR R R R R",
    "GET /api/v1/cases/{case}": "U AM A AM MM M M M M",
    "GET /api/v1/cases/{case}/advisory": "U RM A AM MM M M M M",
    "POST /api/v1/cases/{case}/advisory": "U MM A RM MM M M M M",
    "POST /api/v1/cases/{case}/closing": "U RM A RM MM M M M M",
    "POST /api/v1/cases/{case}/deliveries": "U RM A RM MM M M M M",
    "POST /api/v1/cases/{case}/embargo": "U RM A RM MM M M M M",
    "POST /api/v1/cases/{case}/embargo-lift": "U RM A RM MM M M M M",
    "POST /api/v1/cases/{case}/participants": "U RM A RM MM M M M M",
    "POST /api/v1/cases/{case}/reopening": "U RM A RM MM M M M M",
    "GET /api/v1/deliveries/{delivery}": "U AM A AM MM M M M M",
    "POST /api/v1/deliveries/{delivery}/acknowledgement": "U RM A AM MM M M M M",
    "POST /api/v1/deliveries/{delivery}/fixed-version": "U RM A AM MM M M M M",
    "GET /api/v1/exposures": "U RR R RR AA A R R R",
    "POST /api/v1/exposures/{exposed}/deployment": "U MM M MM AM M M M M",
    "GET /api/v1/inventories": "U RR R RR AA A R R R",
    "POST /api/v1/inventories": "U RR R RR AA A R R R",
    "GET /api/v1/me": "U AA A AA AA A A A A",
    "GET /api/v1/organisations": "U RR A RR RR R R R R",
    "POST /api/v1/organisations": "U RR A RR RR R R R R",
    "GET /api/v1/organisations/{organisation}/pace": "U MM A AM MM M M M M",
    "POST /api/v1/organisations/{organisation}/pace": "U MM A AM MM M M M M",
    "GET /api/v1/organisations/{organisation}/people": "U MM A AM MM M M M M",
    "POST /api/v1/people": "U RR A RR RR R R R R",
    "POST /api/v1/people/{person}/removal": "U RR A RR RR R R R R",
    "POST /api/v1/people/{person}/sign-in-links": "U RR A RR RR R R R R",
    "POST /api/v1/people/{person}/tokens": "U RR A RR RR R R R R",
    "GET /api/v1/priority": "A AA A AA AA A A A A",
    "GET /api/v1/reports": "U AA A AA AA A A A A",
    "POST /api/v1/reports": "U AA A AA AA A R A R",
    "POST /api/v1/reports/batch": "U AA A AA AA A R A R",
    "GET /api/v1/reports/{report}": "U AM A AM MM M M M M",
    "GET /api/v1/reports/{report}/receipt": "U AM A AM MM M M M M",
    "GET /api/v1/reports/{report}/validation": "U AM A AM MM M M M M",
    "GET /api/v1/sources": "A AA A AA AA A A A A",
    "POST /api/v1/sources/{kind}": "U RR A RR RR R R R R",
    "GET /api/v1/totals": "A AA A AA AA A A A A",
    "GET /api/v1/vulnerabilities/{vulnerability}": "U MM A AM MM M M M M",
    "POST /api/v1/vulnerabilities/{vulnerability}/split": "U MM A RM MM M M M M",
    # Pages
    "GET /": "A AA A AA AA A A A A",
    "GET /advisories": "A AA A AA AA A A A A",
    "GET /advisories/{advisory}": "M MM A AM MM M M M M",
    "GET /api": "A AA A AA AA A A A A",
    "GET /cases": "U AA A AA RR R R R R",
    "GET /cases/{case}": "U AM A AM MM M M M M",
    "POST /cases/{case}/deliver": "U RM A RM MM M M M M",
    "POST /cases/{case}/draft": "U MM A RM MM M M M M",
    "POST /cases/{case}/embargo": "U RM A RM MM M M M M",
    "POST /cases/{case}/publish": "U RM A RM MM M M M M",
    "GET /csaf/{name}.json": "M MM M MM MM M M M M",
    "GET /d/{secret}": "A AA A AA AA A A A A",
    "POST /d/{secret}/acknowledge": "A AA A AA AA A A A A",
    "POST /d/{secret}/fixed": "A AA A AA AA A A A A",
    "GET /d/{secret}/reproducer.zip": "A AA A AA AA A A A A",
    "POST /inventories": "U RR R RR AA A R R R",
    "GET /osv/{name}.json": "M MM M MM MM M M M M",
    "GET /patch-by": "U RR R RR AA A R R R",
    "POST /patch-by/{exposure}/deployed": "U MM M MM AM M M M M",
    "GET /reports": "U AA A AA AA A A A A",
    "GET /reports/{report}": "U AM A AM MM M M M M",
    "GET /reports/{report}/receipt.json": "U AM A AM MM M M M M",
    "GET /sign-in": "A AA A AA AA A A A A",
    "POST /sign-in": "A AA A AA AA A A A A",
    "GET /sign-in/{secret}": "A AA A AA AA A A A A",
    "POST /sign-in/{secret}": "A AA A AA AA A A A A",
    "POST /sign-out": "A AA A AA AA A A A A",
    # Operations
    "GET /.well-known/security.txt": "A AA A AA AA A A A A",
    "GET /healthz": "A AA A AA AA A A A A",
    "GET /metrics": "A AA A AA AA A A A A",
    "GET /readyz": "A AA A AA AA A A A A",
}
"""The things named are embargoed ones, of a case that takes in the finder and the maintainer."""

PUBLISHED = (
    "/advisories/{advisory}",
    "/api/v1/advisories/{advisory}",
    "/api/v1/advisories/{advisory}/osv",
    "/api/v1/advisories/{advisory}/csaf",
    "/osv/x_{number}.json",
    "/csaf/{file}.json",
)
"""What everybody reads of a published advisory, signed in or not."""
