"""What the walls cost: one run inside and outside, watched and not, and a crash with and without its stack read.

Run: ``.venv/bin/python benchmarks/sandbox.py``. Each program runs in turn with every wall on; the figures are medians
of interleaved rounds. Needs gcc with AddressSanitizer.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from leadtime.sandbox import Ending, Limits, Mount, Program, Watch, run

ROUNDS = 15
LIMITS = Limits(wall_s=30.0, memory_mib=1024)
WORK = "/box/work"
MORE_MS_MAX = 25.0
SYMBOLISED_TIMES_MAX = 3.0
NAIVE = "ASAN_OPTIONS=detect_leaks=0:symbolize=1"
BARE = "ASAN_OPTIONS=detect_leaks=0:symbolize=0"

SOURCES = {
    "small": "int main(void) { return 0; }",
    "crash": """
        #include <stdlib.h>
        static int read_past(volatile char *at, int by) { return at[by]; }
        int main(int count, char **words) { (void)words; return read_past(calloc(1, 8), count > 1 ? 0 : 9); }
    """,
}


def main() -> int:
    """Print the table and which bars hold; 1 if one is missed."""
    if shutil.which("gcc") is None:
        print("skipped: gcc is not on this machine")
        return 0
    with tempfile.TemporaryDirectory(prefix="lt-walls-") as folder:
        place = Path(folder)
        place.chmod(0o755)
        for name, source in SOURCES.items():
            compile_program(place / name, source)
        ways: dict[str, Callable[[], None]] = {
            "outside": lambda: outside(place, "./small"),
            "inside": lambda: inside(place, "./small", Watch.NOTHING),
            "inside, watched": lambda: inside(place, "./small", Watch.REPORTS),
            "crash outside, not symbolised": lambda: outside(place, f"{BARE} ./crash 2>&1"),
            "crash outside, symbolised by its runtime": lambda: outside(place, f"{NAIVE} ./crash 2>&1"),
            "the same inside, watched, without its crash": lambda: inside(place, f"{BARE} ./crash x", Watch.REPORTS),
            "crash inside, watched, stack and sources read": lambda: inside(place, f"{BARE} ./crash", Watch.REPORTS),
        }
        return report(measured(ways))


def measured(ways: dict[str, Callable[[], None]]) -> dict[str, float]:
    """Return the median of each way in ms, all taken in turn."""
    took: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(ROUNDS + 1):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            if number:
                took[name].append((time.perf_counter() - began) * 1000)
    return {name: statistics.median(times) for name, times in took.items()}


def compile_program(program: Path, source: str) -> None:
    """Compile a program, with AddressSanitizer where it is to crash."""
    checks = ["-fsanitize=address"] if program.name == "crash" else []
    command = ["gcc", "-g", "-O1", "-fno-omit-frame-pointer", *checks, "-x", "c", "-", "-o", str(program)]
    subprocess.run(command, input=source.encode(), check=True)


def outside(place: Path, command: str) -> None:
    """Run a command with no walls."""
    subprocess.run(["sh", "-c", command], cwd=place, stdout=subprocess.DEVNULL, check=False)


def inside(place: Path, command: str, watch: Watch) -> None:
    """Run a command in the sandbox."""
    outcome = run(Program(command, LIMITS, (Mount(place, WORK),), watch=watch))
    if outcome.ending is not Ending.EXITED:
        raise RuntimeError(f"the sandbox ended it: {outcome.ending.value}")


def report(took: dict[str, float]) -> int:
    """Print the medians, and each bar with whether it holds."""
    print(f"{os.cpu_count()} cores; medians of {ROUNDS} interleaved rounds")
    for name, median in took.items():
        print(f"  {name:50}{median:>9.1f} ms")
    more = took["inside"] - took["outside"]
    times = took["crash inside, watched, stack and sources read"] / took["the same inside, watched, without its crash"]
    bars = [
        ("what the walls add to a run, in ms", more, MORE_MS_MAX),
        ("symbolised crash, times one that is not", times, SYMBOLISED_TIMES_MAX),
    ]
    for what, value, most in bars:
        print(f"{'holds ' if value <= most else 'MISSED'}  {what}: {value:.2f} (at most {most:.2f})")
    return 0 if all(value <= most for _, value, most in bars) else 1


if __name__ == "__main__":
    sys.exit(main())
