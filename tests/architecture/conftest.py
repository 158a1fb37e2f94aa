"""The site whose routes are read."""

from __future__ import annotations

from tests.doors.standing import site  # noqa: F401  # a fixture is found by its name here
