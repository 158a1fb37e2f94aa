"""Groups sets of tokens by `datasketch` MinHash LSH, as its manual shows; run by ``benchmarks/merging.py``."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from datasketch import MinHash, MinHashLSH

PERMUTATIONS = 128


def main(path: Path, threshold: float) -> None:
    """Print the processor's seconds that grouping took, and a group's number for each set."""
    sets = [[token.encode() for token in tokens] for tokens in json.loads(path.read_text())]
    began = time.process_time()
    lsh = MinHashLSH(threshold=threshold, num_perm=PERMUTATIONS)
    parent = list(range(len(sets)))
    for number, tokens in enumerate(sets):
        signature = MinHash(num_perm=PERMUTATIONS)
        signature.update_batch(tokens)
        for other in lsh.query(signature):
            parent[root(parent, other)] = root(parent, number)
        lsh.insert(number, signature)
    groups = [root(parent, number) for number in range(len(sets))]
    print(json.dumps({"seconds": time.process_time() - began, "groups": groups}))


def root(parent: list[int], number: int) -> int:
    """Return the number that stands for a set's group."""
    while parent[number] != number:
        parent[number] = parent[parent[number]]
        number = parent[number]
    return number


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
