"""BSI's CSAF validator, kept running for a whole test session."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

FOLDER = Path(__file__).parent


def missing() -> str | None:
    """Say what is missing to run the validator here, None if nothing is."""
    if shutil.which("node") is None:
        return "node is missing: apt-get install nodejs npm, then make test"
    if not (FOLDER / "node_modules" / "@secvisogram" / "csaf-validator-lib").is_dir():
        return "the CSAF validator is not installed: run npm ci in tests/conformance (make test does)"
    return None


class Validator:
    """One node process; `verdict` may be asked as often as wanted."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            ["node", "validate.mjs"], cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate()

    def verdict(self, document: bytes) -> dict[str, object]:
        """Return ``{valid, tests, failed: [{name, errors}]}`` of one CSAF document."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(json.loads(document)) + "\n")
        self._process.stdin.flush()
        answer: dict[str, object] = json.loads(self._process.stdout.readline())
        return answer


@pytest.fixture(scope="session")
def validator() -> Iterator[Validator]:
    """The running validator, or a skip that says what is missing."""
    why = missing()
    if why:
        pytest.skip(why)
    with Validator() as running:
        yield running
