"""How well crash reports are grouped by root cause, pairwise, beside the keys that others use for it.

Run: ``.venv/bin/python benchmarks/clustering.py [FOLDER]``. The folder holds ``crash-groups.jsonl.gz``; by default the
one beside the checkout. Its labels are noisy both ways (one commit can fix several bugs; its README says how), so the
figures compare, they do not certify. Rows whose frames stand in two groups are left out of the first two tables, as
its README asks; for them *equal top three frames* is right by construction within a project.
"""

from __future__ import annotations

import gzip
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path

from leadtime.flow.merging import CrashText, cluster, parse_stack

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "corpora"
FILE = "crash-groups.jsonl.gz"
TOP_FRAMES = 3

Report = dict[str, object]


def main(folder: Path) -> int:
    """Print one table a selection of the reports; 0 also where there is nothing to measure on."""
    if not (folder / FILE).is_file():
        print(f"skipped: {folder / FILE} is not on this machine")
        return 0
    with gzip.open(folder / FILE) as stream:
        reports = [json.loads(line) for line in stream]
    clear = [report for report in reports if not report["same_frames_in_other_group"]]
    show("clearly labelled, project known", clear, lambda report: str(report["project"]))
    show("clearly labelled, project not told", clear, lambda _: "")
    show("every report, project known", reports, lambda report: str(report["project"]))
    show(
        "full sanitizer logs only",
        [report for report in reports if report["full_stack"]],
        lambda report: str(report["project"]),
    )
    return 0


def show(title: str, reports: list[Report], component_of: Callable[[Report], str]) -> None:
    """Print precision, recall and F1 over pairs for our groups and for keys made of the top frames and the class."""
    texts = [CrashText(str(r["id"]), component_of(r), str(r["stack_text"])) for r in reports]
    began = time.perf_counter()
    groups = cluster(texts)
    seconds = time.perf_counter() - began
    stacks = {text.id: parse_stack(text.text) for text in texts}
    frames = {name: tuple(frame.function for frame in stack.frames) for name, stack in stacks.items()}
    keys: dict[str, Callable[[CrashText], Hashable]] = {
        "leadtime cluster": lambda text: groups[text.id],
        "top 3 frames": lambda text: (text.component, frames[text.id][:TOP_FRAMES]),
        "top 3 frames + class": lambda t: (t.component, frames[t.id][:TOP_FRAMES], stacks[t.id].crash_class),
        "top frame": lambda text: (text.component, frames[text.id][:1]),
        "top frame + class": lambda text: (text.component, frames[text.id][:1], stacks[text.id].crash_class),
    }
    labels = [str(report["group"]) for report in reports]
    print(f"\n{title}: {len(reports)} reports, {len(set(labels))} groups, {len(reports) / seconds:,.0f} reports/s")
    print(f"{'':22}{'precision':>10}{'recall':>10}{'F1':>10}{'false pairs':>13}")
    for name, key_of in keys.items():
        right, wrong, missed = pairs([key_of(text) for text in texts], labels)
        precision = right / (right + wrong) if right + wrong else 1.0
        recall = right / (right + missed) if right + missed else 1.0
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        print(f"{name:22}{precision:>10.3f}{recall:>10.3f}{f1:>10.3f}{wrong:>13,}")


def pairs(keys: Iterable[Hashable], labels: list[str]) -> tuple[int, int, int]:
    """Return how many pairs are together rightly, together wrongly, and apart wrongly."""
    together: dict[Hashable, Counter[str]] = defaultdict(Counter)
    for key, label in zip(keys, labels, strict=True):
        together[key][label] += 1
    right = sum(choose_two(times) for counted in together.values() for times in counted.values())
    joined = sum(choose_two(counted.total()) for counted in together.values())
    wanted = sum(choose_two(times) for times in Counter(labels).values())
    return right, joined - right, wanted - right


def choose_two(count: int) -> int:
    """Return how many pairs ``count`` things make."""
    return count * (count - 1) // 2


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
