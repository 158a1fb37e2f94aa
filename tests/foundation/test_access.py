from __future__ import annotations

from uuid import UUID

import pytest

from leadtime.foundation.access import (
    ANYONE,
    RULES,
    SYSTEM,
    Act,
    Relation,
    Role,
    Viewer,
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
    Act.READ_REPORT: "finder:o coord:ops maint:op oper:o agency:o devel:o partner:o auditor:o",
    Act.READ_VALIDATION: "finder:o coord:ops maint:op oper:o agency:o devel:o partner:o auditor:o",
    Act.READ_VULNERABILITY: "coord:ops maint:p",
    Act.LIST_CASES: "finder:o coord:ops maint:o",
    Act.READ_CASE: "finder:p coord:ops maint:p",
    Act.COORDINATE_CASE: "coord:ops",
    Act.ANSWER_DELIVERY: "coord:ops maint:p",
    Act.PUBLISH_ADVISORY: "coord:ops",
    Act.READ_DRAFT: "coord:ops maint:p",
    Act.KEEP_INVENTORY: "oper:o agency:o",
    Act.READ_EXPOSURE: "oper:o agency:o",
    Act.MARK_DEPLOYED: "oper:o agency:o",
    Act.LOAD_SOURCE: "coord:ops",
    Act.STATE_PACE: "coord:ops maint:o",
    Act.MANAGE_PARTIES: "coord:ops",
    Act.READ_ORGANISATION: "finder:o coord:ops maint:o oper:o agency:o devel:o partner:o auditor:o",
    Act.READ_TOTALS: "finder:ops coord:ops maint:ops oper:ops agency:ops devel:ops partner:ops auditor:ops system:ops",
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
    viewer = Viewer(role=role, organisation=HOUSE)
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
