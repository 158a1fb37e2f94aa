"""How fast and how well 100,000 crash reports are grouped, beside MinHash LSH of `datasketch`, in one interleaved run.

Run: ``.venv/bin/python benchmarks/merging.py``. The reports are made up (`crashes`), so their root causes are known.
`datasketch` is installed by pip into a folder of its own the first time. Both get stacks that one parser read, ours as
frames, its as the sets of tokens it hashes, and both time the grouping alone; of several tokens and thresholds it gets
those with its best F1 on the first reports. A second line says what the same takes from texts, parsing included.
Times are of the processor, both peers having one thread: on an idle machine they are the clock's, and on a busy one
neighbours do not count. Exits with 1 where a bar is missed.
"""

from __future__ import annotations

import gc
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from crashes import Report, make_reports
from scores import Score, bench_python, score

from leadtime.flow.merging import CrashText, Stack, cluster, parse_stack
from leadtime.flow.merging.cluster import group_stacks

ROLE = Path(__file__).resolve().parent / "roles" / "minhash.py"
REPORTS, CAUSES, SEED = 100_000, 10_000, 20
TUNING_REPORTS = 5_000
ROUNDS = 2
THRESHOLDS = (0.5, 0.7, 0.9)
PLACES = 4
TIMES_FASTER_MIN = 15.0
PRECISION_MIN = 0.99

Tokens = Callable[[str, Stack], list[str]]


def functions(component: str, stack: Stack) -> list[str]:
    """Return each function of a stack as a token, within its component."""
    return [f"{component}\0{frame.function}" for frame in stack.frames]


def calls(component: str, stack: Stack) -> list[str]:
    """Return each pair of caller and called as a token, within its component."""
    names = functions(component, stack)
    return [f"{one}\0{two}" for one, two in pairwise(names)] or names


def places(component: str, stack: Stack) -> list[str]:
    """Return the first frames with their lines as tokens, within their component."""
    return [f"{component}\0{frame.text}" for frame in stack.frames[:PLACES]]


TOKENS: dict[str, Tokens] = {"functions": functions, "calls": calls, "places": places}


def main() -> int:
    """Print the table and which bars hold; 1 if one is missed."""
    reports = make_reports(REPORTS, CAUSES, SEED)
    began = time.process_time()
    stacks = [(report.component, parse_stack(report.text)) for report in reports]
    parsing = time.process_time() - began
    causes = [report.cause for report in reports]
    print(f"{REPORTS:,} reports of {len(set(causes)):,} root causes")
    with tempfile.TemporaryDirectory(prefix="lt-merging") as folder:
        python = bench_python("datasketch")
        tokens, threshold = tune(python, Path(folder), stacks[:TUNING_REPORTS], causes[:TUNING_REPORTS])
        peer_tokens = write_tokens(Path(folder) / "all.json", stacks, TOKENS[tokens])
        gc.freeze()
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(timed(lambda: group_stacks(stacks)))
            theirs.append(minhash(python, peer_tokens, threshold))
        whole = timed(lambda: whole_texts(reports))
    table = {
        "leadtime": (score(ours[0][1], causes), statistics.median(seconds for seconds, _ in ours)),
        f"datasketch, {tokens}, {threshold}": (
            score(theirs[0][1], causes),
            statistics.median(seconds for seconds, _ in theirs),
        ),
    }
    for name, (result, seconds) in table.items():
        print(f"{name:28}{result.text} {seconds:8.2f} s")
    print(f"from texts: leadtime {whole[0]:.1f} s, datasketch with the same parser {parsing + theirs[0][0]:.1f} s")
    return verdict(*table.values())


def verdict(ours: tuple[Score, float], theirs: tuple[Score, float]) -> int:
    """Print each bar, and return 1 if one is missed."""
    faster = theirs[1] / ours[1]
    bars = {
        f"{faster:.1f} times faster, at least {TIMES_FASTER_MIN}": faster >= TIMES_FASTER_MIN,
        f"precision {ours[0].precision:.4f}, at least {PRECISION_MIN}": ours[0].precision >= PRECISION_MIN,
        f"recall {ours[0].recall:.4f}, at least {theirs[0].recall:.4f}": ours[0].recall >= theirs[0].recall,
    }
    for bar, held in bars.items():
        print(f"{'held  ' if held else 'MISSED'} {bar}")
    return 0 if all(bars.values()) else 1


def tune(python: Path, folder: Path, stacks: Sequence[tuple[str, Stack]], causes: Sequence[int]) -> tuple[str, float]:
    """Return the tokens and the threshold with which `datasketch` does best."""
    found = []
    for name, tokens in TOKENS.items():
        written = write_tokens(folder / f"{name}.json", stacks, tokens)
        for threshold in THRESHOLDS:
            result = score(minhash(python, written, threshold)[1], causes)
            print(f"  datasketch on {len(causes):,}, {name}, threshold {threshold}: {result.text}")
            found.append((result.f1, name, threshold))
    _, name, threshold = max(found)
    return name, threshold


def write_tokens(path: Path, stacks: Iterable[tuple[str, Stack]], tokens: Tokens) -> Path:
    """Write what `datasketch` groups, and return where."""
    path.write_text(json.dumps([tokens(component.partition("@")[0], stack) for component, stack in stacks]))
    return path


def minhash(python: Path, tokens: Path, threshold: float) -> tuple[float, list[int]]:
    """Return how long `datasketch` took, and its groups."""
    command = [str(python), str(ROLE), str(tokens), str(threshold)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    return answer["seconds"], answer["groups"]


def timed(work: Callable[[], list[int]]) -> tuple[float, list[int]]:
    """Return how long some grouping took, and its groups."""
    began = time.process_time()
    groups = work()
    return time.process_time() - began, groups


def whole_texts(reports: Iterable[Report]) -> list[int]:
    """Group the reports as ``leadtime cluster`` does, from their texts."""
    groups = cluster([CrashText(report.id, report.component, report.text) for report in reports])
    numbers = {name: number for number, name in enumerate(groups)}
    return [numbers[group] for group in groups.values()]


if __name__ == "__main__":
    sys.exit(main())
