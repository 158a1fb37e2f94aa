from __future__ import annotations

import pytest

from tests.doors.model_api.standing import serving
from tests.doors.model_api.upstream import answering


@pytest.fixture
def upstream():
    with answering() as running:
        yield running


@pytest.fixture
def served(database, address):
    """A gateway over the test's own database."""
    with serving(database, address) as running:
        yield running
