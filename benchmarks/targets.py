"""Take every target of a folder, and every bogus report in it, through ``leadtime validate`` and print the table.

A target is a folder with ``target.json`` (package, expected class, inputs); a script of the collection turns it into a
recipe folder. Usage: targets.py [TARGETS_FOLDER] [--only TEXT]. Exit code 1 if any verdict or class is wrong.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
DEFAULT = ROOT.parent / "shared" / "data" / "targets"
LEADTIME = Path(sys.executable).with_name("leadtime")
SECONDS_MAX = 1800


@dataclass(frozen=True, slots=True)
class Trial:
    """One input of one recipe, and what must come of it; ``crash_class`` None: not reproduced."""

    name: str
    recipe: Path
    input: Path
    crash_class: str | None


@dataclass(frozen=True, slots=True)
class Result:
    """What ``leadtime validate`` answered."""

    verdict: str
    crash_class: str
    fixed: str
    exit_code: int
    seconds: float

    def is_right(self, trial: Trial) -> bool:
        """Tell whether it is what the trial expects, on both sides."""
        if trial.crash_class is None:
            return (self.verdict, self.exit_code) == ("not_reproduced", 3)
        return (self.verdict, self.crash_class, self.fixed, self.exit_code) == (
            "reproduced",
            trial.crash_class,
            "clean",
            0,
        )


def trials(folder: Path, scratch: Path) -> Iterator[Trial]:
    """Yield every trial of a collection, its recipe folders made in ``scratch``."""
    spec = importlib.util.spec_from_file_location("to_recipe", folder.parent / "to_recipe.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"{folder.parent}: there is no to_recipe.py. Name a folder of targets.")
    to_recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(to_recipe)
    for target in sorted(path.parent for path in folder.glob("*/target.json")):
        recipe, inputs, told = to_recipe.convert(target, scratch / target.name)
        for given in inputs:
            yield Trial(f"{target.name} {given.name}", recipe, given, told["expected_class"])
    for bogus in sorted(path.parent for path in folder.glob("_bogus/*/report.json")):
        told = json.loads((bogus / "report.json").read_text())
        yield Trial(bogus.name, bogus / "recipe.json", bogus / told["input"], None)


def validate(trial: Trial) -> Result:
    """Run the command on one trial."""
    begun = time.monotonic()
    command = [LEADTIME, "validate", "--recipe", trial.recipe, "--input", trial.input, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    seconds = time.monotonic() - begun
    try:
        told = json.loads(done.stdout)
    except ValueError:
        last = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        return Result(last[:60], "", "", done.returncode, seconds)
    crash, fixed = told.get("crash") or {}, told.get("fixed") or {}
    return Result(told["verdict"], crash.get("class", ""), fixed.get("verdict", ""), done.returncode, seconds)


def main() -> int:
    """Print the table and tell whether all of it is right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=DEFAULT)
    parser.add_argument("--only", default="", help="only trials whose name contains this")
    asked = parser.parse_args()
    console = Console(width=140)
    if not asked.folder.is_dir():
        console.print(f"skipped: there is no folder {asked.folder}")
        return 0
    table = Table("target and input", "expected", "verdict", "class", "fixed side", "exit", "seconds", "right")
    wrong = 0
    with tempfile.TemporaryDirectory() as scratch, console.status("") as status:
        for trial in trials(asked.folder, Path(scratch)):
            if asked.only not in trial.name:
                continue
            status.update(trial.name)
            result = validate(trial)
            right = result.is_right(trial)
            wrong += not right
            expected = trial.crash_class or "not_reproduced"
            seen = (result.verdict, result.crash_class, result.fixed, str(result.exit_code), f"{result.seconds:.1f}")
            console.log(f"{trial.name}: {result.verdict}, {'right' if right else 'WRONG'}")
            table.add_row(trial.name, expected, *seen, "yes" if right else "[red]NO")
    console.print(table)
    console.print(f"{table.row_count - wrong} of {table.row_count} right")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
