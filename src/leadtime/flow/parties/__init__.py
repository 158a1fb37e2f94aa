"""Organisations, the named people in them, and how they show who they are.

Takes: names, roles, mail addresses; secrets that somebody presents.
Gives: `Organisation`, `Person`, `IssuedToken`, and the `access.Viewer` that a secret stands for.
Decides: whether a credential holds at an instant (`rules.holds`), and how long one may last.
Refuses: a credential that is unknown, ended, expired or of a removed person, always in the same words.
Standard: none; secrets have 256 bits and only their SHA-256 is stored (OWASP ASVS 4.0.3, 2.6 and 3.2).
"""

from leadtime.flow.parties.credentials import (
    authenticate,
    end_session,
    issue_sign_in_link,
    issue_token,
    redeem_sign_in_link,
)
from leadtime.flow.parties.enrol import enrol_organisation, enrol_person
from leadtime.flow.parties.read import list_organisations, list_people, read_organisation, read_person
from leadtime.flow.parties.records import IssuedToken, Organisation, OrganisationId, Person, PersonId
from leadtime.flow.parties.remove import remove_person

__all__ = [
    "IssuedToken",
    "Organisation",
    "OrganisationId",
    "Person",
    "PersonId",
    "authenticate",
    "end_session",
    "enrol_organisation",
    "enrol_person",
    "issue_sign_in_link",
    "issue_token",
    "list_organisations",
    "list_people",
    "read_organisation",
    "read_person",
    "redeem_sign_in_link",
    "remove_person",
]
