"""The doors' fixtures, from the module that makes them."""

from __future__ import annotations

from tests.browser.chromium import browser  # noqa: F401  # fixtures are found by their names here
from tests.doors.standing import (  # noqa: F401  # fixtures are found by their names here
    anyone,
    auditor,
    clients,
    clients_of,
    coordinator,
    finder,
    site,
    stranger,
    world,
)
