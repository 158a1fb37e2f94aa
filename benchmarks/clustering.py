"""How well crash reports are grouped by root cause, pairwise, beside others' keys and ClusterFuzz's own way.

Run: ``.venv/bin/python benchmarks/clustering.py [FOLDER]``. The folder holds ``crash-groups.jsonl.gz``; by default the
one beside the checkout. Its labels are noisy both ways (one commit can fix several bugs; its README says how), so the
figures compare, they do not certify. Rows whose frames stand in two groups are left out of all but one table, as its
README asks; for them *equal top three frames* is right by construction within a project. Rules were chosen on one half
of the groups, by a digest of the group's name; the other half is shown beside it. Exits with 1 where any way has a
better F1 than ours on clearly labelled reports. `clusterfuzz` is installed by pip, without what it needs to run a farm,
into a folder of its own the first time.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path

from scores import Score, bench_python, score

from leadtime.flow.merging import CrashText, Stack, cluster, parse_stack

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "corpora"
FILE = "crash-groups.jsonl.gz"
ROLE = Path(__file__).resolve().parent / "roles" / "crash_comparer.py"
TOP_FRAMES = 3
OURS = "leadtime cluster"

Report = dict[str, object]


def main(folder: Path) -> int:
    """Print one table a selection of the reports, and whether ours is the best; 0 also with nothing to measure on."""
    if not (folder / FILE).is_file():
        print(f"skipped: {folder / FILE} is not on this machine")
        return 0
    with gzip.open(folder / FILE) as stream:
        reports = [json.loads(line) for line in stream]
    clear = [report for report in reports if not report["same_frames_in_other_group"]]
    full = [report for report in clear if report["full_stack"]]
    title, best = show("clearly labelled", clear)
    show("clearly labelled, the half that rules were chosen on", [r for r in clear if not held_out(r)])
    show("clearly labelled, the half held out", [r for r in clear if held_out(r)])
    show("clearly labelled, full sanitizer logs", full)
    show("every report", reports)
    print(f"{'held  ' if best else 'MISSED'} best F1: {title}")
    return 0 if best else 1


def held_out(report: Report) -> bool:
    """Tell whether a report's group is of the half that no rule was chosen on."""
    return bool(hashlib.sha256(str(report["group"]).encode()).digest()[0] & 1)


def show(title: str, reports: list[Report]) -> tuple[str, bool]:
    """Print precision, recall and F1 over pairs for each way, and return whether ours has the best F1."""
    texts = [CrashText(str(r["id"]), str(r["project"]), str(r["stack_text"])) for r in reports]
    began = time.perf_counter()
    groups = cluster(texts)
    seconds = time.perf_counter() - began
    stacks = [parse_stack(text.text) for text in texts]
    labels = [str(report["group"]) for report in reports]
    print(f"\n{title}: {len(reports)} reports, {len(set(labels))} groups, {len(reports) / seconds:,.0f} reports/s")
    print(f"{'':22}{'precision':>10}{'recall':>10}{'F1':>10}{'false pairs':>13}")
    ways = {OURS: [groups[text.id] for text in texts], **keys(texts, stacks), "CrashComparer": compared(texts, stacks)}
    found = {name: score(way, labels) for name, way in ways.items()}
    for name, one in found.items():
        print(f"{name:22}{one.precision:>10.3f}{one.recall:>10.3f}{one.f1:>10.3f}{one.wrong:>13,}")
    return title, all(is_best(found[OURS], one) for one in found.values())


def is_best(ours: Score, other: Score) -> bool:
    """Tell whether no F1 is above ours."""
    return ours.f1 >= other.f1


def keys(texts: Sequence[CrashText], stacks: Sequence[Stack]) -> Mapping[str, Sequence[Hashable]]:
    """Return the keys that trackers group by: hashes of top frames, and the class."""
    shapes: dict[str, Callable[[Stack], Hashable]] = {
        "top 3 frames": names,
        "top 3 frames + class": lambda stack: (names(stack), stack.crash_class),
        "top frame": lambda stack: names(stack)[:1],
        "top frame + class": lambda stack: (names(stack)[:1], stack.crash_class),
        "project + class": lambda stack: stack.crash_class,
    }
    pairs = list(zip(texts, stacks, strict=True))
    return {name: [(text.component, shape(stack)) for text, stack in pairs] for name, shape in shapes.items()}


def compared(texts: Sequence[CrashText], stacks: Sequence[Stack]) -> list[int]:
    """Return the groups of ClusterFuzz's `CrashComparer` over crash states, within each project."""
    python = bench_python("clusterfuzz", "--no-deps")
    states = [(text.component, "\n".join(names(stack))) for text, stack in zip(texts, stacks, strict=True)]
    done = subprocess.run(
        [str(python), str(ROLE)], input=json.dumps(states), capture_output=True, text=True, check=True
    )
    groups: list[int] = json.loads(done.stdout)
    return groups


def names(stack: Stack) -> tuple[str, ...]:
    """Return the functions of the first frames: what ClusterFuzz calls a crash state."""
    return tuple(frame.function for frame in stack.frames[:TOP_FRAMES])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
