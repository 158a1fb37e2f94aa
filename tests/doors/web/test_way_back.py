from __future__ import annotations

import pytest

from leadtime.doors.web.way_back import way_back


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/cases/1/embargo", "/cases/1"),
        ("/d/secret/fixed", "/d/secret"),
        ("/patch-by/1/deployed", "/patch-by"),
        ("/inventories", "/patch-by"),
        ("/sign-in", "/sign-in"),
        ("/sign-in/secret", "/sign-in/secret"),
        ("/sign-out", "/"),
        ("/me/people/1/removal", "/me"),
        ("/flags/people/1/mark", "/flags"),
        ("/", "/"),
    ],
)
def test_a_form_is_sent_to_an_address_below_its_page(path: str, page: str) -> None:
    assert way_back(path) == page
