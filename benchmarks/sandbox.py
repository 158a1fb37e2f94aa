"""What the walls cost: one run inside and outside, watched and not, a crash with and without its stack, and repeats.

Run: ``.venv/bin/python benchmarks/sandbox.py``. Each program runs in turn with every wall on; the figures are medians
of interleaved rounds. Needs gcc with AddressSanitizer.

A repeat is one of a validation's `RUNS` of one input, watched, in a fresh place, and what it costs is that of the whole
series, with its box's beginning and end, divided by them. Beside it stands the same run outside: of a program that
works for so many ms of processor time, and of a crash that its own runtime symbolises. What a repeat costs more is
the same few ms for each of them, so the ratio is one for programs that do some work.
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
from functools import partial
from pathlib import Path

from leadtime.flow.validation.trial.run import RUNS
from leadtime.sandbox import Ending, Limits, Mount, Program, Repeats, Watch, run

ROUNDS = 15
LIMITS = Limits(wall_s=30.0, memory_mib=1024)
WORK = "/box/work"
MORE_MS_MAX = 25.0
SYMBOLISED_TIMES_MAX = 3.0
REPEAT_TIMES_MAX = 1.1
WORK_MS = (0, 50, 200, 500)
REPEAT_ROUNDS = 7
NAIVE = "ASAN_OPTIONS=detect_leaks=0:symbolize=1"
BARE = "ASAN_OPTIONS=detect_leaks=0:symbolize=0"

SOURCES = {
    "small": "int main(void) { return 0; }",
    "work": """
        #include <stdlib.h>
        #include <time.h>
        int main(int count, char **words) { while (clock() < (count > 1 ? atol(words[1]) : 0) * 1000) {} return 0; }
    """,
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
        took = measured(ways, ROUNDS)
        subjects = {f"{ms} ms of work": f"/box/programs/work {ms}" for ms in WORK_MS}
        subjects["a crash, symbolised"] = "/box/programs/crash"
        return report(took, repeats(place, subjects))


def measured(ways: dict[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """Return the median of each way in ms, all taken in turn."""
    took: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
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


def repeats(place: Path, subjects: dict[str, str]) -> dict[str, tuple[float, float]]:
    """Return by subject what a run outside takes and what each of a series inside does, in ms."""
    ways: dict[str, Callable[[], None]] = {}
    for name, command in subjects.items():
        bare = command.replace("/box/programs/", "./")
        crashes = "crash" in command
        ways[f"{name} outside"] = partial(outside, place, f"{NAIVE} {bare} 2>&1" if crashes else bare)
        ways[f"{name} inside"] = partial(series, place, f"{BARE} {command}" if crashes else command)
    took = measured(ways, REPEAT_ROUNDS)
    return {name: (took[f"{name} outside"], took[f"{name} inside"] / RUNS) for name in subjects}


def series(place: Path, command: str) -> None:
    """Run a command again and again as a validation does."""
    program = Program(command, LIMITS, (Mount(place, "/box/programs"),), watch=Watch.REPORTS)
    with tempfile.TemporaryDirectory(prefix="lt-repeats-") as folder:
        runs = Path(folder, "runs")
        runs.mkdir()
        Path(folder).chmod(0o755)
        with Repeats(program, runs, {"work": WORK}) as again:
            for _ in range(RUNS):
                fresh = Path(tempfile.mkdtemp(dir=runs))
                (fresh / "work").mkdir()
                if again.run(fresh).ending is not Ending.EXITED:
                    raise RuntimeError("the sandbox ended it")


def report(took: dict[str, float], repeated: dict[str, tuple[float, float]]) -> int:
    """Print the medians, and each bar with whether it holds."""
    print(f"{os.cpu_count()} cores; medians of {ROUNDS} interleaved rounds, {REPEAT_ROUNDS} of {RUNS} repeats")
    for name, median in took.items():
        print(f"  {name:50}{median:>9.1f} ms")
    print(f"  {'one of ' + str(RUNS) + ' repeats':30}{'outside':>12}{'inside':>12}{'more':>12}{'times':>8}")
    for name, (out, within) in repeated.items():
        print(f"  {name:30}{out:>9.1f} ms{within:>9.1f} ms{within - out:>9.1f} ms{within / out:>8.2f}")
    more = took["inside"] - took["outside"]
    times = took["crash inside, watched, stack and sources read"] / took["the same inside, watched, without its crash"]
    working, crash = f"{WORK_MS[-2]} ms of work", "a crash, symbolised"
    bars = [
        ("what the walls add to a run, in ms", more, MORE_MS_MAX),
        ("symbolised crash, times one that is not", times, SYMBOLISED_TIMES_MAX),
        *(
            (f"repeats of one input, {name}, times outside", repeated[name][1] / repeated[name][0], REPEAT_TIMES_MAX)
            for name in (working, crash)
        ),
    ]
    for what, value, most in bars:
        print(f"{'holds ' if value <= most else 'MISSED'}  {what}: {value:.2f} (at most {most:.2f})")
    return 0 if all(value <= most for _, value, most in bars) else 1


if __name__ == "__main__":
    sys.exit(main())
