"""Reports over HTTP: what being durable costs, and NDJSON beside FastAPI with pydantic and ORM rows, interleaved.

Run: ``.venv/bin/python benchmarks/intake.py``. One server process serves the site; another the same site whose route
for reports reads, checks and signs as ever and stores nothing; the peer serves from the first one's process, over the
same PostgreSQL (fsync on), and answers each line after its commit. Server and database are pinned to the first core,
the client to the others.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path

from gateway import ENVIRONMENT, OTHER_CORES, PROXY_CORES, await_port, free_port, pinned, running

ROLES = Path(__file__).resolve().parent / "roles" / "intake.py"
ROUNDS = 3
SECONDS = 3.0
CONNECTIONS = (1, 16)
BATCH_REPORTS = 2_000
SECRET_SECONDS_MAX = 60

DURABLE_BAR = 0.4
BATCH_BAR = 2.0


def main() -> int:
    """Print the tables and which bars hold; 1 if one is missed."""
    found: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="intake") as folder, ExitStack() as stack:
        Path(folder).chmod(0o755)
        ours, secret = start(stack, Path(folder) / "ours", "leadtime")
        nothing, other = start(stack, Path(folder) / "nothing", "nothing")
        for _ in range(ROUNDS + 1):
            for connections in CONNECTIONS:
                for name, port, key in (("durable", ours[0], secret), ("nothing", nothing[0], other)):
                    told = client("singly", port, key, connections, SECONDS)
                    found[f"{name} {connections}"].append(told["rate"])
                    found[f"{name} {connections} ms"].append(told["median_ms"])
            for name, port in zip(("leadtime", "each", "together"), ours, strict=True):
                found[name].append(client("batch", port, secret, BATCH_REPORTS)["rate"])
    return report({name: statistics.median(figures[1:]) for name, figures in found.items()})


def start(stack: ExitStack, folder: Path, role: str) -> tuple[list[int], str]:
    """Start a server; return its ports (the site's, the peer's two) and a finder's token."""
    (folder / "home").mkdir(parents=True)
    ports = [free_port() for _ in range(3)]
    command = [sys.executable, str(ROLES), role, str(folder), *map(str, ports)]
    stack.enter_context(running(command, PROXY_CORES))
    until = time.monotonic() + SECRET_SECONDS_MAX
    while not (folder / "secret").exists() and time.monotonic() < until:
        time.sleep(0.1)
    for port in ports:
        await_port(port)
    return ports, (folder / "secret").read_text()


def client(kind: str, port: int, secret: str, *arguments: float) -> dict[str, float]:
    """Run the client once on its own core."""
    command = [sys.executable, str(ROLES), kind, str(port), secret, *map(str, arguments)]
    done = subprocess.run(pinned(command, OTHER_CORES), stdout=subprocess.PIPE, check=True, env=ENVIRONMENT)
    told: dict[str, float] = json.loads(done.stdout)
    return told


def report(found: dict[str, float]) -> int:
    """Print tables and bars."""
    print(f"{os.cpu_count()} cores; medians of {ROUNDS} rounds\n")
    print("| one report a request | c=1, ms | c=1, reports/s | c=16, reports/s |\n|---|---|---|---|")
    for name, what in (("durable", "Leadtime, durable"), ("nothing", "the same, storing nothing")):
        one, many = found[f"{name} 1"], found[f"{name} 16"]
        print(f"| {what} | {found[f'{name} 1 ms']:.2f} | {one:,.0f} | {many:,.0f} |")
    print(f"\n| NDJSON, {BATCH_REPORTS:,} reports a stream | reports/s |\n|---|---|")
    for name, what in (
        ("leadtime", "Leadtime: sealed, signed, logged, queued"),
        ("each", "pydantic and ORM rows, a commit for each line"),
        ("together", "pydantic and ORM rows, a commit for 500 lines"),
    ):
        print(f"| {what} | {found[name]:,.0f} |")
    ratios = {f"durable to nothing, c={c}": found[f"durable {c}"] / found[f"nothing {c}"] for c in CONNECTIONS}
    print()
    held = [tell(name, ratio, DURABLE_BAR) for name, ratio in ratios.items()]
    held.append(tell("NDJSON to pydantic and ORM rows", found["leadtime"] / found["each"], BATCH_BAR))
    print(f"NDJSON to ORM rows in batches of 500: {found['leadtime'] / found['together']:.2f}")
    return 0 if all(held) else 1


def tell(name: str, ratio: float, bar: float) -> bool:
    """Print one ratio beside its bar."""
    print(f"{name}: {ratio:.2f} (at least {bar})")
    return ratio >= bar


if __name__ == "__main__":
    sys.exit(main())
