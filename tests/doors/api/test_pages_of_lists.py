"""Every list pages by cursor: each item once, in one order, whatever the size of a page."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtime.doors.api.shapes import page_of
from leadtime.foundation.errors import Malformed

API = "/api/v1"
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
