from __future__ import annotations

from uuid import UUID

import pytest

from leadtime.foundation.access import (
    ANYONE,
    RULES,
    SCOPES,
    SYSTEM,
    Act,
    Relation,
    Role,
    Scope,
    Viewer,
    has_conflict,
    may,
    relation_to_own,
    require,
)
from leadtime.foundation.errors import Missing, Refused

HOUSE = UUID(int=7)
LETTERS = {Relation.OWN: "o", Relation.PARTICIPANT: "p", Relation.STRANGER: "s"}
SHORT = {
    Role.FINDER: "finder",
    Role.COORDINATOR: "coord",
    Role.MAINTAINER: "maint",
    Role.OPERATOR: "oper",
    Role.AGENCY: "agency",
    Role.DEVELOPER: "devel",
    Role.PARTNER: "partner",
    Role.AUDITOR: "auditor",
    Role.SYSTEM: "system",
}

# Written by hand, reviewed by people: act -> who may, as role:relations (o own, p participant, s stranger).
REVIEWED = {
    Act.HAND_IN_REPORT: "finder:o coord:o maint:o oper:o agency:o partner:o",
    Act.ASK_HELD: "finder:o coord:o agency:o partner:o",
    Act.READ_REPORT: "finder:o coord:ops maint:op oper:o agency:o devel:o partner:o auditor:o",
    Act.READ_VALIDATION: "finder:o coord:ops maint:op oper:o agency:o devel:o partner:o auditor:o",
    Act.READ_VULNERABILITY: "coord:ops maint:p",
    Act.STATE_SEVERITY: "coord:ops maint:p",
    Act.LIST_CASES: "finder:o coord:ops maint:o",
    Act.READ_CASE: "finder:p coord:ops maint:p",
    Act.COORDINATE_CASE: "coord:ops",
    Act.ANSWER_DELIVERY: "coord:ops maint:p",
    Act.HAND_IN_PATCH: "coord:ops maint:p",
    Act.READ_PATCH: "coord:ops maint:p",
    Act.PUBLISH_ADVISORY: "coord:ops",
    Act.READ_DRAFT: "coord:ops maint:p",
    Act.KEEP_INVENTORY: "oper:o agency:o",
    Act.READ_EXPOSURE: "oper:o agency:o",
    Act.MARK_DEPLOYED: "oper:o agency:o",
    Act.LOAD_SOURCE: "coord:ops",
    Act.STATE_PACE: "coord:ops maint:o",
    Act.MANAGE_PARTIES: "coord:ops",
    Act.READ_ORGANISATION: "finder:o coord:ops maint:o oper:o agency:o devel:o partner:o auditor:o",
    Act.READ_SIGN_INS: "finder:o coord:o maint:o oper:o agency:o devel:o partner:o auditor:o",
    Act.KEEP_PEOPLE: "finder:o maint:o oper:o agency:o devel:o partner:o auditor:o",
    Act.STATE_FLAGS: "finder:o coord:o maint:o oper:o agency:o devel:o partner:o auditor:o",
    Act.KEEP_SIGN_INS: "finder:o coord:o maint:o oper:o agency:o devel:o partner:o auditor:o",
    Act.EXPORT_CASES: "coord:ops",
    Act.BREAK_GLASS: "auditor:o",
    Act.CONFIRM_ACT: "coord:ops",
    Act.AUDIT_READS: "auditor:o",
    Act.READ_MODEL_LOG: "devel:o auditor:p",
    Act.READ_TOTALS: "finder:ops coord:ops maint:ops oper:ops agency:ops devel:ops partner:ops auditor:ops system:ops",
    Act.ENROL_MODEL: "devel:o",
    Act.LIST_MODELS: "agency:o devel:o partner:o auditor:o",
    Act.READ_MODEL: "agency:p devel:o partner:p auditor:p",
    Act.OFFER_MODEL: "devel:o",
    Act.WRITE_MILESTONE: "devel:o",
    Act.END_OFFER: "devel:o",
    Act.PROPOSE_PARTNER: "agency:p devel:o",
    Act.CONSENT_TO_PARTNER: "devel:o",
    Act.GRANT_ACCESS: "agency:p devel:o partner:p",
    Act.USE_GRANT: "agency:p partner:p",
    Act.KEEP_SEALING_KEY: "agency:o devel:o partner:o",
    Act.SIGN_OFF_RETURN: "agency:p partner:p",
    Act.RECORD_DESIGNATION: "agency:p devel:o",
}


def written(act: Act) -> str:
    entries = []
    for role, short in SHORT.items():
        letters = "".join(letter for relation, letter in LETTERS.items() if (role, relation) in RULES[act])
        if letters:
            entries.append(f"{short}:{letters}")
    return " ".join(entries)


@pytest.mark.parametrize("act", Act)
def test_the_table_says_what_was_reviewed(act: Act) -> None:
    assert written(act) == REVIEWED[act]


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("relation", Relation)
def test_what_is_not_in_the_table_is_refused(act: Act, role: Role, relation: Relation) -> None:
    viewer = Viewer(role=role, organisation=HOUSE, scope=Scope.PERSONAL)
    if role is Role.SYSTEM or (role, relation) in RULES[act]:
        assert may(role, act, relation)
        require(viewer, act, relation)
        return
    assert not may(role, act, relation)
    with pytest.raises(Missing if relation is Relation.STRANGER else Refused):
        require(viewer, act, relation)


def test_a_stranger_does_not_learn_that_the_thing_exists() -> None:
    with pytest.raises(Missing) as caught:
        require(Viewer(Role.FINDER, HOUSE), Act.READ_REPORT, Relation.STRANGER)
    assert str(caught.value) == (
        "there is no such thing that you may see. Check the address and who you are signed in as."
    )


def test_one_who_stands_in_a_relation_is_told_role_and_act() -> None:
    with pytest.raises(Refused) as caught:
        require(Viewer(Role.FINDER, HOUSE), Act.ANSWER_DELIVERY, Relation.PARTICIPANT)
    assert str(caught.value) == (
        "the role finder may not answer a delivery. Ask somebody whose organisation has the role for it."
    )


def test_a_visitor_who_belongs_to_no_organisation_owns_nothing() -> None:
    assert relation_to_own(ANYONE) is Relation.STRANGER
    assert relation_to_own(SYSTEM) is Relation.STRANGER
    assert relation_to_own(Viewer(Role.AUDITOR, HOUSE)) is Relation.OWN


CHANGING_NOTHING = {
    "READ_REPORT", "READ_VALIDATION", "READ_VULNERABILITY", "LIST_CASES", "READ_CASE", "READ_PATCH", "READ_DRAFT",
    "READ_EXPOSURE", "LIST_MODELS", "READ_MODEL", "READ_MODEL_LOG", "AUDIT_READS", "READ_ORGANISATION",
    "READ_SIGN_INS", "READ_TOTALS",
}  # fmt: skip


def test_each_scope_holds_the_acts_that_were_reviewed() -> None:
    assert SCOPES[Scope.PERSONAL] == frozenset(Act)
    assert SCOPES[Scope.EVERYTHING] == frozenset(Act) - {Act.KEEP_SIGN_INS, Act.KEEP_PEOPLE}
    assert {act.name for act in SCOPES[Scope.READ_ONLY]} == CHANGING_NOTHING
    assert {act.name for act in SCOPES[Scope.REPORTS]} == {
        "HAND_IN_REPORT", "ASK_HELD", "READ_REPORT", "READ_VALIDATION", "READ_ORGANISATION",
    }  # fmt: skip
    assert {act.name for act in SCOPES[Scope.INVENTORIES]} == {
        "KEEP_INVENTORY", "READ_EXPOSURE", "MARK_DEPLOYED", "READ_ORGANISATION", "READ_TOTALS",
    }  # fmt: skip
    assert set(SCOPES) == set(Scope)


def test_a_scope_narrows_what_the_role_may_and_never_widens_it() -> None:
    reader = Viewer(Role.COORDINATOR, HOUSE, scope=Scope.READ_ONLY)
    require(reader, Act.READ_CASE, Relation.STRANGER)
    with pytest.raises(Refused) as caught:
        require(reader, Act.COORDINATE_CASE, Relation.STRANGER)
    assert str(caught.value) == (
        "a credential of the scope read only may not coordinate a case. "
        "Sign in to the pages, or use a token of a wider scope."
    )
    with pytest.raises(Refused, match="the role finder may not"):
        require(Viewer(Role.FINDER, HOUSE, scope=Scope.PERSONAL), Act.COORDINATE_CASE, Relation.OWN)


def test_a_program_that_was_given_no_scope_changes_no_way_of_signing_in() -> None:
    with pytest.raises(Refused, match="a credential of the scope everything may not change their own ways"):
        require(Viewer(Role.FINDER, HOUSE), Act.KEEP_SIGN_INS, Relation.OWN)


def test_the_system_has_no_scope() -> None:
    require(Viewer(Role.SYSTEM, scope=Scope.READ_ONLY), Act.MANAGE_PARTIES, Relation.STRANGER)


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.AGENCY, Role.DEVELOPER])
def test_a_conflict_of_interest_hides_a_developers_things_from_every_role(role: Role) -> None:
    developer, other = UUID(int=8), UUID(int=9)
    viewer = Viewer(role, HOUSE, conflicts=frozenset({developer}))
    assert has_conflict(viewer, developer)
    assert not has_conflict(viewer, other)
    assert not has_conflict(viewer, None)
    for about in (other, None):
        require(viewer, Act.READ_ORGANISATION, Relation.OWN, about=about)
    with pytest.raises(Missing) as caught:
        require(viewer, Act.READ_ORGANISATION, Relation.OWN, about=developer)
    assert caught.value.what == "there is no such thing that you may see"
