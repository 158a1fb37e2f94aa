"""What the merging benchmarks share: scores over pairs, and a Python of its own for each peer."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "leadtime-bench"


@dataclass(frozen=True)
class Score:
    """How many pairs are together rightly, together wrongly, and apart wrongly."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        """Return the share of the pairs put together that belong together."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        """Return the share of the pairs that belong together that were put together."""
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0

    @property
    def f1(self) -> float:
        """Return the harmonic mean of both."""
        return 2 * self.right / (2 * self.right + self.wrong + self.missed) if self.right else 0.0

    @property
    def text(self) -> str:
        """Return the figures as one stretch of a table."""
        return f"precision {self.precision:.3f}  recall {self.recall:.3f}  F1 {self.f1:.3f}"


def score(keys: Iterable[Hashable], labels: Sequence[Hashable]) -> Score:
    """Return how well equal keys stand for equal labels, over all pairs."""
    together: dict[Hashable, Counter[Hashable]] = defaultdict(Counter)
    for key, label in zip(keys, labels, strict=True):
        together[key][label] += 1
    right = sum(pairs(times) for counted in together.values() for times in counted.values())
    joined = sum(pairs(counted.total()) for counted in together.values())
    return Score(right, joined - right, sum(pairs(times) for times in Counter(labels).values()) - right)


def pairs(count: int) -> int:
    """Return how many pairs ``count`` things make."""
    return count * (count - 1) // 2


def bench_python(package: str, *options: str) -> Path:
    """Return a Python that has one package, installed by pip into a folder of its own the first time."""
    python = CACHE / package / "bin" / "python"
    ready = CACHE / package / "installed"
    if not ready.exists():
        subprocess.run([sys.executable, "-m", "venv", str(CACHE / package)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *options, package], check=True)
        ready.touch()
    return python
