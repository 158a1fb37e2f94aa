"""A token's scope narrows every address: what only reads changes nothing, whoever holds it."""

from __future__ import annotations

import pytest

from leadtime.flow import parties
from leadtime.foundation.access import SYSTEM, Scope
from tests.contract.access_table import COLUMNS, TABLE
from tests.contract.test_access import API, ask


@pytest.mark.parametrize("who", ["coordinator", "maintainer", "operator", "finder", "auditor"])
def test_a_token_that_reads_only_changes_nothing_anywhere(who, clients, world):
    with world.database.transaction(SYSTEM) as tx:
        token = parties.issue_token(tx, world.people[who].person.id, days=1, scope=Scope.READ_ONLY).secret
    program = clients(token)
    column = COLUMNS.index(who)
    wrong = []
    for route, row in sorted(TABLE.items()):
        if route.startswith(f"POST {API}") and row.replace(" ", "")[column] == "A":
            got = ask(route, program, world)
            if got not in {"R", "M"}:
                wrong.append(f"{route}: {got}")
        elif route.startswith(f"GET {API}") and row.replace(" ", "")[column] == "A":
            got = ask(route, program, world)
            if got == "M":
                wrong.append(f"{route}: {got}")
    assert not wrong, "\n".join(wrong)


def test_a_token_for_inventories_gives_one_and_hands_in_no_report(clients, world):
    with world.database.transaction(SYSTEM) as tx:
        person = world.people["operator"].person.id
        token = parties.issue_token(tx, person, days=1, scope=Scope.INVENTORIES).secret
    program = clients(token)
    assert ask("POST /api/v1/inventories", program, world) == "A"
    assert ask("GET /api/v1/exposures", program, world) == "A"
    assert ask("POST /api/v1/reports", program, world) == "R"
    assert ask("GET /api/v1/reports", program, world) == "R"
