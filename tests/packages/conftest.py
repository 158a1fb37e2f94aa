from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from leadtime.packages import limits
from leadtime.packages.fetch import Fetcher
from leadtime.packages.indexes import Indexes
from tests.packages.registries import Registry, running_registry


@pytest.fixture
def registry() -> Iterator[Registry]:
    with running_registry() as running:
        yield running


@pytest.fixture
def other() -> Iterator[Registry]:
    with running_registry() as running:
        yield running


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=10) as client:
        yield client


@pytest.fixture
def fetcher_for(tmp_path: Path, client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Fetcher]:
    """Make fetchers that share one cache and do not wait between tries."""
    monkeypatch.setattr(limits, "RETRY_WAIT_SECONDS", 0)

    def make(*registries: Registry) -> Fetcher:
        addresses = tuple(f"{each.address}/simple" for each in registries)
        npm = f"{registries[0].address}/npm" if registries else ""
        return Fetcher(tmp_path / "cache", Indexes(addresses, npm), client)

    return make


@pytest.fixture
def fetcher(registry: Registry, fetcher_for: Callable[..., Fetcher]) -> Fetcher:
    return fetcher_for(registry)
