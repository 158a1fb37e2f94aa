"""Groups crash states by ClusterFuzz's `CrashComparer`, within each project; run by ``benchmarks/clustering.py``.

Reads ``[[project, state], …]``, where a state is the first three frames, one a line; prints a group's number for each.
"""

from __future__ import annotations

import json
import sys
from itertools import combinations

from clusterfuzz._internal.crash_analysis.crash_comparer import CrashComparer


def main() -> None:
    """Print the groups that similar states connect."""
    states = json.load(sys.stdin)
    parent = list(range(len(states)))
    by_project: dict[str, list[int]] = {}
    for number, (project, _) in enumerate(states):
        by_project.setdefault(project, []).append(number)
    for numbers in by_project.values():
        for one, other in combinations(numbers, 2):
            if CrashComparer(states[one][1], states[other][1]).is_similar():
                parent[root(parent, other)] = root(parent, one)
    json.dump([root(parent, number) for number in range(len(states))], sys.stdout)


def root(parent: list[int], number: int) -> int:
    """Return the number that stands for a state's group."""
    while parent[number] != number:
        parent[number] = parent[parent[number]]
        number = parent[number]
    return number


if __name__ == "__main__":
    main()
