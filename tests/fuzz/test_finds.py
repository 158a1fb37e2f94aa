"""What fuzzing starts from and what it has found: every reader reads or refuses it, and nothing else happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.readers import READERS, refused

VECTORS = Path(__file__).parents[1] / "vectors"
GOOD = sorted((VECTORS / "good" / "readers").glob("*/*"))
BAD = sorted((VECTORS / "bad" / "readers").glob("*/*"))


def test_every_reader_has_seeds_and_every_vector_a_reader():
    assert {path.parent.name for path in GOOD} == set(READERS)
    assert {path.parent.name for path in BAD} <= set(READERS)


@pytest.mark.parametrize("path", GOOD, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_seed_is_read(path):
    assert not refused(READERS[path.parent.name], path.read_bytes())


@pytest.mark.parametrize("path", BAD, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_find_is_read_or_refused_in_a_sentence(path):
    refused(READERS[path.parent.name], path.read_bytes())
