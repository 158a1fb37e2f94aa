"""A developer offers a model: its terms, milestones and windows, who has access, and how it ends at any moment.

Takes: a model and its upstream, agreements, milestones, windows, consents and grants, by their developer's word.
Gives: `Model`, `Window`, `Agreement`, `Entry`, `Grant`, `Return`, and to the gateway a grant's `Standing`.
Decides: when a window ends (`rules.window_end`), how an offer moves (`rules.MODEL_MOVES`, `WINDOW_MOVES`,
    `ENTRY_MOVES`), and whether access stands at an instant (`rules.standing_at`).
Refuses: a government window over 30 days, a partner window before partner release, a partner without the developer's
    consent, a milestone from anybody else, and whatever lies outside an agreement; never *withdraw* or *release* (I1).
Standard: Executive Order 14409, section 3; RFC 7638 thumbprints; CIDR as in RFC 4632 and RFC 4291.
"""

from leadtime.flow.window.agree import agree, agree_anew
from leadtime.flow.window.auditors import name_auditor
from leadtime.flow.window.enrol import enrol_model
from leadtime.flow.window.grant import PREFIX_OF_GRANTS, end_grant, grant, issue_credential
from leadtime.flow.window.history import CHANNEL, enter_log, history_of, log_of, note_refusal, tell_gateways
from leadtime.flow.window.milestones import set_milestones
from leadtime.flow.window.networks import comes_from
from leadtime.flow.window.open_window import open_window, shorten_window
from leadtime.flow.window.partners import consent, end_entry, offer_to, propose_partner, retract_proposal
from leadtime.flow.window.read import (
    list_agreements,
    list_entries,
    list_grants,
    list_models,
    list_windows,
    read_agreement,
    read_grant,
    read_model,
    read_window,
)
from leadtime.flow.window.records import (
    Agreement,
    AgreementId,
    Entry,
    EntryId,
    Grant,
    GrantId,
    GrantWanted,
    IssuedCredential,
    Limits,
    Milestones,
    Model,
    ModelId,
    Return,
    Standing,
    Terms,
    Upstream,
    Variant,
    Window,
    WindowEvent,
    WindowId,
)
from leadtime.flow.window.returns import list_returns, sign_off
from leadtime.flow.window.rules import refusal_of_use, standing_at
from leadtime.flow.window.standing import (
    STANDINGS_MAX,
    STILL_OPEN,
    find_standings,
    open_upstream_credential,
    standings,
)
from leadtime.flow.window.terms import check_line, check_note, is_closed
from leadtime.flow.window.vocabulary import (
    AccessMode,
    BarredUse,
    DeveloperMay,
    Disposition,
    Ending,
    EntryState,
    EventKind,
    Modality,
    ModelState,
    RecordMode,
    WindowKind,
    WindowState,
    WireFormat,
)
from leadtime.flow.window.withdraw import release, withdraw, withdraw_model

__all__ = [
    "CHANNEL",
    "PREFIX_OF_GRANTS",
    "STANDINGS_MAX",
    "STILL_OPEN",
    "AccessMode",
    "Agreement",
    "AgreementId",
    "BarredUse",
    "DeveloperMay",
    "Disposition",
    "Ending",
    "Entry",
    "EntryId",
    "EntryState",
    "EventKind",
    "Grant",
    "GrantId",
    "GrantWanted",
    "IssuedCredential",
    "Limits",
    "Milestones",
    "Modality",
    "Model",
    "ModelId",
    "ModelState",
    "RecordMode",
    "Return",
    "Standing",
    "Terms",
    "Upstream",
    "Variant",
    "Window",
    "WindowEvent",
    "WindowId",
    "WindowKind",
    "WindowState",
    "WireFormat",
    "agree",
    "agree_anew",
    "check_line",
    "check_note",
    "comes_from",
    "consent",
    "end_entry",
    "end_grant",
    "enrol_model",
    "enter_log",
    "find_standings",
    "grant",
    "history_of",
    "is_closed",
    "issue_credential",
    "list_agreements",
    "list_entries",
    "list_grants",
    "list_models",
    "list_returns",
    "list_windows",
    "log_of",
    "name_auditor",
    "note_refusal",
    "offer_to",
    "open_upstream_credential",
    "open_window",
    "propose_partner",
    "read_agreement",
    "read_grant",
    "read_model",
    "read_window",
    "refusal_of_use",
    "release",
    "retract_proposal",
    "set_milestones",
    "shorten_window",
    "sign_off",
    "standing_at",
    "standings",
    "tell_gateways",
    "withdraw",
    "withdraw_model",
]
