"""Organisations, the named people in them, how they show who they are, and what keeps them away.

Takes: names, roles, mail addresses, flags; secrets, passkeys and subjects that somebody presents.
Gives: `Organisation`, `Employer`, `Person`, `SignIns`, `IssuedToken`, the `access.Viewer` that a secret stands for, and
    `PairedAct`, an act that two people take together.
Decides: whether a credential holds at an instant (`rules.holds`), how long one may last, whether a challenge may be
    answered (`rules.answers`), and how an act of two people moves (`rules.PAIRED_ACT_MOVES`).
Refuses: a credential that is unknown, ended, expired, idle or of a removed person, always in the same words; an act
    that one person alone would take.
Standard: WebAuthn Level 3; OpenID Connect Core 1.0; NIST SP 800-63B-4 for how long sessions last; secrets have 256 bits
    and only their SHA-256 is stored (OWASP ASVS 4.0.3, 2.6 and 3.2).
"""

from leadtime.flow.parties.credentials import authenticate
from leadtime.flow.parties.enrol import end_engagement, enrol_employer, enrol_organisation, enrol_person
from leadtime.flow.parties.flags import end_conflict, list_conflicts, mark_organisation, mark_person, state_conflict
from leadtime.flow.parties.identities import (
    Trip,
    begin_trip,
    connect_identity,
    end_trip,
    remove_identity,
    sign_in_by_identity,
)
from leadtime.flow.parties.links import issue_sign_in_link, redeem_sign_in_link
from leadtime.flow.parties.notices import PEOPLE_CHANNEL
from leadtime.flow.parties.paired_acts import begin_act, confirm_act, list_acts, take_act, withdraw_act
from leadtime.flow.parties.passkeys import (
    add_passkey,
    begin_passkey,
    challenge_passkey,
    remove_passkey,
    sign_in_by_passkey,
)
from leadtime.flow.parties.read import (
    list_employers,
    list_organisations,
    list_people,
    read_employer,
    read_organisation,
    read_people,
    read_person,
)
from leadtime.flow.parties.records import (
    ActKind,
    ActState,
    ConflictId,
    ConflictOfInterest,
    Employer,
    EmployerId,
    Happened,
    Identity,
    IdentityId,
    IssuedToken,
    Organisation,
    OrganisationId,
    PairedAct,
    PairedActId,
    Passkey,
    PasskeyId,
    Person,
    PersonEvent,
    PersonId,
    RelyingParty,
    Session,
    SessionId,
    SignIns,
    Token,
    TokenId,
    Way,
)
from leadtime.flow.parties.remove import remove_person
from leadtime.flow.parties.rules import refuse_barred
from leadtime.flow.parties.sessions import end_own_session, end_session, open_session_by_token
from leadtime.flow.parties.sign_ins import find_own_session, read_sign_ins
from leadtime.flow.parties.tokens import end_own_token, issue_token, make_own_token

__all__ = [
    "PEOPLE_CHANNEL",
    "ActKind",
    "ActState",
    "ConflictId",
    "ConflictOfInterest",
    "Employer",
    "EmployerId",
    "Happened",
    "Identity",
    "IdentityId",
    "IssuedToken",
    "Organisation",
    "OrganisationId",
    "PairedAct",
    "PairedActId",
    "Passkey",
    "PasskeyId",
    "Person",
    "PersonEvent",
    "PersonId",
    "RelyingParty",
    "Session",
    "SessionId",
    "SignIns",
    "Token",
    "TokenId",
    "Trip",
    "Way",
    "add_passkey",
    "authenticate",
    "begin_act",
    "begin_passkey",
    "begin_trip",
    "challenge_passkey",
    "confirm_act",
    "connect_identity",
    "end_conflict",
    "end_engagement",
    "end_own_session",
    "end_own_token",
    "end_session",
    "end_trip",
    "enrol_employer",
    "enrol_organisation",
    "enrol_person",
    "find_own_session",
    "issue_sign_in_link",
    "issue_token",
    "list_acts",
    "list_conflicts",
    "list_employers",
    "list_organisations",
    "list_people",
    "make_own_token",
    "mark_organisation",
    "mark_person",
    "open_session_by_token",
    "read_employer",
    "read_organisation",
    "read_people",
    "read_person",
    "read_sign_ins",
    "redeem_sign_in_link",
    "refuse_barred",
    "remove_identity",
    "remove_passkey",
    "remove_person",
    "sign_in_by_identity",
    "sign_in_by_passkey",
    "state_conflict",
    "take_act",
    "withdraw_act",
]
