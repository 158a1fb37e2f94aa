"""Every list pages by cursor: each item once, in one order, whatever the size of a page."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.doors.api.shapes import page_of
from leadtime.foundation.errors import Malformed

API = "/api/v1"
NO_LIST = {"/totals"}
"""One picture of a fixed number of steps."""
IDS = st.lists(st.uuids(), unique=True)


@given(IDS, st.integers(1, 7))
def test_pages_hold_each_item_once_in_order(listed, limit):
    seen, cursor = [], None
    while True:
        page = page_of(listed, cursor, limit, lambda one: one)
        assert len(page.items) <= limit
        seen += page.items
        if page.cursor is None:
            break
        cursor = UUID(page.cursor)
    assert seen == listed


@given(IDS, st.uuids())
def test_a_cursor_that_is_in_no_list_is_refused(listed, cursor):
    listed = [one for one in listed if one != cursor]
    with pytest.raises(Malformed, match="no item of this list has this id"):
        page_of(listed, cursor, 5, lambda one: one)


def test_organisations_page(clients, world):
    coordinator = clients(world.token("coordinator"))
    whole = coordinator.get(f"{API}/organisations").json()
    assert whole["cursor"] is None
    first = coordinator.get(f"{API}/organisations?limit=1").json()
    rest = coordinator.get(f"{API}/organisations?cursor={first['cursor']}").json()
    assert first["items"] + rest["items"] == whole["items"]
    assert coordinator.get(f"{API}/organisations?cursor={UUID(int=1)}").status_code == 400


def test_what_was_said_of_a_root_cause_pages_by_number(clients, world):
    coordinator = clients(world.token("coordinator"))
    flaw = f"{API}/vulnerabilities/{world.quiet.vulnerability}"
    for word in ("low", "high"):
        said = {"severity": word, "reason": f"It is {word}."}
        assert coordinator.post(f"{flaw}/severity", json=said).status_code == 201
        assert coordinator.post(f"{flaw}/outcome", json={"kind": "re-rated", **said}).status_code == 201
    for listed in ("outcomes", "severities"):
        whole = coordinator.get(f"{flaw}/{listed}").json()["items"]
        assert [one["number"] for one in whole] == list(range(len(whole), 0, -1))
        assert [whole[0]["severity"], whole[-1]["severity"]] == ["high", "low"]
        first = coordinator.get(f"{flaw}/{listed}?limit=1").json()
        assert first == {"items": whole[:1], "cursor": str(len(whole))}
        assert coordinator.get(f"{flaw}/{listed}?cursor={len(whole)}").json()["items"] == whole[1:]
        assert coordinator.get(f"{flaw}/{listed}?cursor=999").status_code == 400


def test_checklists_page_by_kind(clients):
    whole = clients().get(f"{API}/checklists").json()["items"]
    first = clients().get(f"{API}/checklists?limit=3").json()
    assert first["cursor"] == "cloud"
    assert first["items"] + clients().get(f"{API}/checklists?cursor=cloud").json()["items"] == whole


def test_no_answer_is_a_bare_list(clients):
    told = clients().get(f"{API}/openapi.json").json()["paths"]
    answers = {
        f"{method} {path}": answer["content"]["application/json"]["schema"].get("type")
        for path, methods in told.items()
        for method, call in methods.items()
        if path not in NO_LIST and "application/json" in (answer := call["responses"].get("200", {})).get("content", {})
    }
    assert answers
    assert [call for call, kind in answers.items() if kind == "array"] == []
