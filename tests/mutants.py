"""Change every ``rules.py``, and the order of versions, in small ways, and count the changes that no test notices.

Run by ``make mutants``; needs no database. Prints a line for each file and every survivor, and fails below 85 % killed.
Names of functions narrow it down: ``python tests/mutants.py 'leadtime.flow.merging.rules*'``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path

KILLED_PERCENT_MIN = 85
WORKERS_MAX = 2

MUTANTS = Path("mutants")
LOG = MUTANTS / "run.log"
KILLED_CODES = frozenset({1, 3, 24, 36, -24, 152, 255})
"""Exit codes of mutmut's runs in which a test failed, collection broke, or time ran out."""


def main(wanted: list[str]) -> int:
    """Run mutmut over the rules and return 0 if enough mutants were killed."""
    workers = min(WORKERS_MAX, os.cpu_count() or 1)
    command = [Path(sys.executable).with_name("mutmut"), "run", "--max-children", str(workers), *wanted]
    shutil.rmtree(MUTANTS, ignore_errors=True)
    MUTANTS.mkdir()
    with LOG.open("wb") as log:
        ended = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=False)
    killed: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for meta in sorted(MUTANTS.glob("src/leadtime/**/*.py.meta")):
        codes = json.loads(meta.read_text())["exit_code_by_key"]
        for name, code in codes.items():
            if wanted and not any(fnmatch(name, pattern) for pattern in wanted):
                continue
            found[str(meta.relative_to(MUTANTS)).removesuffix(".meta")] += 1
            killed[str(meta.relative_to(MUTANTS)).removesuffix(".meta")] += code in KILLED_CODES
            if code not in KILLED_CODES:
                print(f"survived: {name} ({code})")
    if not found:
        print(f"no mutant was run (mutmut ended with {ended.returncode}); see {LOG}")
        return 1
    for path, mutants in sorted(found.items()):
        print(f"{path}: {killed[path]} of {mutants} killed, {killed[path] / mutants:.1%}")
    percent = 100 * killed.total() / found.total()
    print(f"all: {killed.total()} of {found.total()} killed, {percent:.1f} % (at least {KILLED_PERCENT_MIN} % wanted)")
    return 0 if percent >= KILLED_PERCENT_MIN else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
