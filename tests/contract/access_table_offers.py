"""Who may use which address of half A: route x everybody around one offered model. Written by hand; a contract.

Letters as in `access_table`, and C: 409, whoever asks may, but not as things stand here: the partner joined already,
its window is open, then released, and an access is not over when its return is signed. The model is offered to the
agency (government window, ended by partner release) and to two partners who compete (partner window, open); an auditor
was named. Everybody else is a stranger to it.

Columns: anyone | developer, other developer | agency, other agency | partner, rival partner, other partner |
coordinator | auditor, other auditor | finder
"""

from __future__ import annotations

COLUMNS = (
    "anyone",
    "developer",
    "other_developer",
    "agency",
    "other_agency",
    "partner",
    "rival_partner",
    "other_partner",
    "coordinator",
    "auditor",
    "other_auditor",
    "finder",
)

TABLE: dict[str, str] = {
    "GET /api/v1/models": "U AA AA AAA R AA R",
    "POST /api/v1/models": "U AA RR RRR R RR R",
    "GET /api/v1/models/{model}": "U AM AM AAM M AM M",
    "POST /api/v1/models/{model}/milestones": "U AM RM RRM M RM M",
    "POST /api/v1/models/{model}/withdrawal": "U AM RM RRM M RM M",
    "POST /api/v1/models/{model}/release": "U AM RM RRM M RM M",
    "POST /api/v1/models/{model}/agreements": "U AM RM RRM M RM M",
    "POST /api/v1/models/{model}/auditors": "U AM RM RRM M RM M",
    "POST /api/v1/models/{model}/designations": "U AM AM RRM M RM M",
    "POST /api/v1/models/{model}/windows": "U CM RM RRM M RM M",
    "POST /api/v1/models/{model}/partners": "U AM AM RRM M RM M",
    "GET /api/v1/models/{model}/calls": "U AM AM AAM M AM M",
    "GET /api/v1/models/{model}/calls/{call}/record": "U MM MM MMM M MM M",  # no call was made here
    "GET /api/v1/models/{model}/leaves/{leaf}/opening": "U AM RM RRM M MM M",  # an auditor is handed one
    "GET /api/v1/models/{model}/records/{word}": "U AM AM AAM M AM M",
    "GET /api/v1/sealing-key": "U AA AA AAA R RR R",
    "POST /api/v1/sealing-key": "U AA AA AAA R RR R",
    "GET /api/v1/agreements/{agreement}": "U AM MM AMM M MM M",
    "POST /api/v1/agreements/{agreement}/versions": "U AM MM RMM M MM M",
    "POST /api/v1/designations/{designation}/outcome": "U AM MM MMM M MM M",
    "GET /api/v1/windows/{window_id}": "U AM MM AAM M MM M",
    "POST /api/v1/windows/{window_id}/withdrawal": "U AM MM RRM M MM M",
    "POST /api/v1/windows/{window_id}/end": "U CM MM RRM M MM M",
    "POST /api/v1/windows/{window_id}/agencies": "U CM MM RRM M MM M",
    "POST /api/v1/entries/{entry}/consent": "U CM MM RMM M MM M",
    "POST /api/v1/entries/{entry}/retraction": "U CM MM RMM M MM M",
    "POST /api/v1/entries/{entry}/end": "U AM MM RMM M MM M",
    "POST /api/v1/entries/{entry}/grants": "U AM MM AMM M MM M",
    "POST /api/v1/grants/{grant_id}/credential": "U RM MM AMM M MM M",
    "POST /api/v1/grants/{grant_id}/end": "U AM MM AMM M MM M",
    "POST /api/v1/grants/{grant_id}/return": "U RM MM CMM M MM M",
}
"""Entry, grant and agreement are the partner's; the designation was noted by the developer."""

PAGES: dict[str, str] = {
    "GET /models": "U AA AA AAA R AA R",
    "GET /models/{model}": "U AM AM AAM M AM M",
    "POST /models": "U AA RR RRR R RR R",
    "POST /models/{model}/milestones": "M AM RM RRM M RM M",
    "POST /models/{model}/partners": "M AM AM RRM M RM M",
    "POST /models/{model}/offers": "M AM RM RRM M RM M",
    "POST /models/{model}/entries/{entry}/grants": "M AM MM AMM M MM M",
    "POST /models/{model}/windows/{window_id}/withdraw": "M AM MM RRM M MM M",
    "POST /models/{model}/grants/{grant_id}/credential": "M RM MM AMM M MM M",
    "POST /models/{model}/grants/{grant_id}/end": "M AM MM AMM M MM M",
    "POST /models/{model}/grants/{grant_id}/return": "M RM MM AMM M MM M",
    "POST /models/{model}/entries/{entry}/end": "M AM MM RMM M MM M",
    "POST /models/{model}/withdraw": "M AM RM RRM M RM M",
    "POST /models/{model}/release": "M AM RM RRM M RM M",
}
"""The same acts from the pages."""
