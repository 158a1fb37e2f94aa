"""Published software with known flaws through the whole command, indexes and all; read in place, never copied here."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]
TARGETS = ROOT.parent / "shared" / "data" / "targets"

pytestmark = [
    pytest.mark.fetch,
    pytest.mark.sandbox,
    pytest.mark.skipif(not TARGETS.is_dir(), reason=f"the test data folder {TARGETS} is not on this machine"),
]


@pytest.fixture
def benchmark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the benchmark that takes every target through the command, with a home of its own."""
    spec = importlib.util.spec_from_file_location("targets", ROOT / "benchmarks" / "targets.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "targets", module)
    spec.loader.exec_module(module)
    monkeypatch.setenv("LEADTIME_HOME", str(tmp_path / "home"))
    return module


@pytest.mark.parametrize("name", ["ujson-cve-2021-45958 a.json", "sqlite-bug-in4-001 in4-001.sql"])
def test_a_real_flaw_is_reproduced_and_its_fix_is_clean(name: str, benchmark: ModuleType, tmp_path: Path) -> None:
    (trial,) = (one for one in benchmark.trials(TARGETS, tmp_path) if one.name == name)

    result = benchmark.validate(trial)

    assert result.is_right(trial), result
