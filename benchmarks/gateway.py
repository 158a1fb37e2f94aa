"""The gateway beside LiteLLM, nginx and a plain Starlette proxy, before one mock upstream, in one interleaved run.

Run: ``.venv/bin/python benchmarks/gateway.py``. LiteLLM is installed by pip into a folder of its own the first time;
nginx is left out where there is none. Everything of Leadtime's is on: grant, budgets, and a durable leaf before a call
goes out (PostgreSQL with fsync). The proxy is pinned to the first core, with its database if it has one; client and
upstream to the others. With two cores client and upstream share one, which slows the fastest proxies most.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import psycopg

HERE = Path(__file__).resolve().parent
ROLES = HERE / "roles" / "gateway.py"
VENV = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "leadtime-bench" / "litellm"
HOST = "127.0.0.1"
ROUNDS = 3
SECONDS = 2.0
READY_SECONDS_MAX = 90
SYNCS = 60
COUNTED_SECONDS = 5.0
STATISTICS_SECONDS = 11
"""PostgreSQL's idle servers report what they counted after ten."""

PROXY_CORES = {0}
OTHER_CORES = set(range(os.cpu_count() or 1)) - PROXY_CORES or PROXY_CORES

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(HERE.parent)}

LITELLM_BARS = {"16": 12.0, "64": 25.0, "streams": 60.0}


@dataclass
class Peer:
    """One proxy that runs: where, with which secret, and all that was measured of it."""

    name: str
    port: int
    secret: str
    process: subprocess.Popen[bytes]
    figures: dict[str, list[float]] = field(default_factory=dict)

    def note(self, figure: str, value: float) -> None:
        """Keep one round's figure."""
        self.figures.setdefault(figure, []).append(value)

    def median(self, figure: str) -> float:
        """Return the median over the rounds."""
        return statistics.median(self.figures[figure])


def main() -> int:
    """Print the table and which bars hold; 1 if one is missed."""
    with tempfile.TemporaryDirectory(prefix="gwb") as folder, ExitStack() as stack:
        home = Path(folder)
        home.chmod(0o755)
        upstream = free_port()
        stack.enter_context(running([sys.executable, str(ROLES), "upstream", str(upstream)], OTHER_CORES))
        await_port(upstream)
        peers = [peer for start in PEERS for peer in start(stack, home, upstream)]
        for peer in peers:
            measure(peer, "16", 16, 0.5, stream=False, keep=False)
        syncs, commits = [], []
        for _ in range(ROUNDS):
            for peer in peers:
                one_round(peer)
            syncs += time_syncs(home)
            commits += time_commits(home)
        for connections in (1, 64):
            count_syncs(peers[0], home, connections)
        return report(peers, statistics.median(syncs), statistics.median(commits))


def one_round(peer: Peer) -> None:
    """Measure one peer once, in everything."""
    measure(peer, "1", 1, SECONDS, stream=False)
    measure(peer, "16", 16, SECONDS, stream=False)
    measure(peer, "64", 64, SECONDS, stream=False)
    measure(peer, "streams", 16, SECONDS, stream=True)
    measure(peer, "first", 1, SECONDS, stream=True)
    tree = [psutil.Process(peer.process.pid), *psutil.Process(peer.process.pid).children(recursive=True)]
    own = [one for one in tree if "postgres" not in one.name()]
    peer.note("MiB", sum(one.memory_full_info().pss for one in own) / (1 << 20))


def measure(peer: Peer, figure: str, connections: int, seconds: float, *, stream: bool, keep: bool = True) -> None:
    """Have the client load a peer; it prints calls a second, the median call and the median first byte, in ms."""
    arguments = [str(peer.port), peer.secret, str(connections), str(seconds), "stream" if stream else "whole"]
    command = [sys.executable, str(ROLES), "client", *arguments]
    done = subprocess.run(pinned(command, OTHER_CORES), capture_output=True, text=True, check=True, env=ENVIRONMENT)
    result = json.loads(done.stdout)
    if result["wrong"]:
        print(f"  {peer.name}: {result['wrong']} wrong answers, such as {result['sample']!r}", file=sys.stderr)
    if keep:
        peer.note(figure, result["rate"])
        peer.note(f"{figure} ms", result["median_ms"])
        peer.note(f"{figure} first ms", result["first_ms"])


def leadtime(stack: ExitStack, home: Path, upstream: int) -> Iterator[Peer]:
    """Start the gateway with its database, and the same without one, to see what the database adds."""
    for role, name in (("leadtime", "leadtime"), ("unrecorded", "the same, unrecorded")):
        port, folder = free_port(), home / role
        folder.mkdir()
        arguments = [sys.executable, str(ROLES), role, str(port), str(upstream), str(folder)]
        process = stack.enter_context(running(arguments, PROXY_CORES))
        await_port(port)
        yield Peer(name, port, (folder / "secret").read_text(), process)


def starlette(stack: ExitStack, _: Path, upstream: int) -> Iterator[Peer]:
    """Start the plain proxy: Starlette on granian, httpx to the upstream."""
    port = free_port()
    process = stack.enter_context(
        running([sys.executable, str(ROLES), "starlette", str(port), str(upstream)], PROXY_CORES)
    )
    await_port(port)
    yield Peer("Starlette + httpx", port, "sk", process)


def litellm(stack: ExitStack, home: Path, upstream: int) -> Iterator[Peer]:
    """Start LiteLLM's proxy, one worker, no database."""
    program = VENV / "bin" / "litellm"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
        subprocess.run([str(VENV / "bin" / "python"), "-m", "pip", "install", "-q", "litellm[proxy]"], check=True)
    port, config = free_port(), home / "litellm.yaml"
    model = {"model": "openai/mock", "api_base": f"http://{HOST}:{upstream}/v1", "api_key": "sk"}
    entry = {"model_name": "orion-1/plain", "litellm_params": model}
    config.write_text(json.dumps({"model_list": [entry], "general_settings": {"master_key": "sk-bench"}}))
    quiet = {"LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False"}
    command = [str(program), "--config", str(config), "--host", HOST, "--port", str(port), "--num_workers", "1"]
    process = stack.enter_context(running(command, PROXY_CORES, quiet))
    await_port(port)
    await_answer(port, "sk-bench")
    yield Peer("LiteLLM", port, "sk-bench", process)


def nginx(stack: ExitStack, home: Path, upstream: int) -> Iterator[Peer]:
    """Start nginx as a plain proxy with connections kept open, if it is there."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(program).exists():
        print("nginx is not installed here: left out, and with it the bar on the first token")
        return
    port, folder = free_port(), home / "nginx"
    folder.mkdir()
    folder.chmod(0o777)
    (folder / "nginx.conf").write_text(
        f"""daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
        events {{ worker_connections 1024; }}
        http {{ access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b;
        fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
        upstream model {{ server {HOST}:{upstream}; keepalive 128; }}
        server {{ listen {HOST}:{port}; keepalive_requests 1000000; location / {{ proxy_pass http://model;
        proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }} }} }}"""
    )
    process = stack.enter_context(running([program, "-c", f"{folder}/nginx.conf", "-p", str(folder)], PROXY_CORES))
    await_port(port)
    yield Peer("nginx", port, "sk", process)


PEERS: tuple[Callable[[ExitStack, Path, int], Iterator[Peer]], ...] = (leadtime, litellm, nginx, starlette)


@contextmanager
def running(
    command: list[str], cores: set[int], extra: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program on some cores while the block runs."""
    process = subprocess.Popen(
        pinned(command, cores),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env={**ENVIRONMENT, **(extra or {})},
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def pinned(command: list[str], cores: set[int]) -> list[str]:
    """Return a command that runs on some cores alone."""
    return ["taskset", "--cpu-list", ",".join(str(core) for core in sorted(cores)), *command]


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def await_port(port: int) -> None:
    """Return once somebody listens."""
    until = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < until:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"nobody listens on {port}")


def await_answer(port: int, secret: str) -> None:
    """Return once a first call was answered."""
    body = {"model": "orion-1/plain", "messages": [{"role": "user", "content": "hi"}]}
    headers = {"authorization": f"Bearer {secret}"}
    until = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < until:
        try:
            url = f"http://{HOST}:{port}/v1/chat/completions"
            if httpx.post(url, json=body, headers=headers, timeout=30).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    raise TimeoutError(f"no answer from {port}")


def time_syncs(home: Path) -> list[float]:
    """Return what an fdatasync of a page takes here, in ms."""
    took = []
    with (home / "sync").open("wb", buffering=0) as file:
        for _ in range(SYNCS):
            file.write(b"x" * 8192)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - began) * 1000)
    return took


def time_commits(home: Path) -> list[float]:
    """Return what one commit of one row takes in the gateway's own database, in ms."""
    took = []
    with psycopg.connect((home / "leadtime" / "database").read_text(), autocommit=True) as connection:
        for _ in range(SYNCS):
            began = time.perf_counter()
            connection.execute("insert into bench_commits values (1)")
            took.append((time.perf_counter() - began) * 1000)
    return took


def count_syncs(peer: Peer, home: Path, connections: int) -> None:
    """Note how often the database synced its log for one call, as it counts that itself."""
    figure, before = f"counted {connections}", syncs_so_far(home)
    measure(peer, figure, connections, COUNTED_SECONDS, stream=False)
    time.sleep(STATISTICS_SECONDS)
    calls = peer.figures[figure].pop() * COUNTED_SECONDS
    peer.note(figure, (syncs_so_far(home) - before) / calls)


def syncs_so_far(home: Path) -> int:
    """Return how often the gateway's database has synced its log."""
    with psycopg.connect((home / "leadtime" / "database").read_text()) as connection:
        row = connection.execute("select sum(fsyncs) from pg_stat_io where object = 'wal'").fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def report(peers: list[Peer], sync_ms: float, commit_ms: float) -> int:
    """Print what was measured, and each bar with whether it holds."""
    print(f"\n{os.cpu_count()} cores; medians of {ROUNDS} interleaved rounds of {SECONDS:g} s")
    print(f"fdatasync {sync_ms:.2f} ms, one commit {commit_ms:.2f} ms\n")
    print(f"{'':22}{'c=1 ms':>9}{'c=16 /s':>10}{'c=64 /s':>10}{'streams/s':>11}{'first ms':>10}{'MiB':>7}")
    for peer in peers:
        figures = [peer.median(name) for name in ("1 ms", "16", "64", "streams", "first first ms", "MiB")]
        print(
            f"{peer.name:22}{figures[0]:>9.2f}{figures[1]:>10,.0f}{figures[2]:>10,.0f}{figures[3]:>11,.1f}"
            f"{figures[4]:>10.2f}{figures[5]:>7,.0f}"
        )
    by_name = {peer.name: peer for peer in peers}
    ours, bare, other = by_name["leadtime"], by_name["the same, unrecorded"], by_name["LiteLLM"]
    bars = [
        (f"{name}: times LiteLLM", ours.median(name) / other.median(name), least, True)
        for name, least in LITELLM_BARS.items()
    ]
    added = ours.median("1 ms") - bare.median("1 ms")
    bars.append(("what the record adds to a call, in fdatasyncs", added / sync_ms, 2.0, False))
    bars += [
        (f"fdatasyncs a call, counted, c={connections}", ours.median(f"counted {connections}"), 2.0, False)
        for connections in (1, 64)
    ]
    bars.append(("memory, of LiteLLM's", ours.median("MiB") / other.median("MiB"), 1 / 3, False))
    if "nginx" in by_name:
        most = 1.5 * by_name["nginx"].median("first first ms") + commit_ms
        bars.append(("first token ms (1.5 nginx + one commit)", ours.median("first first ms"), most, False))
    print()
    held = [value >= bar if at_least else value <= bar for _, value, bar, at_least in bars]
    for (what, value, bar, at_least), holds in zip(bars, held, strict=True):
        side = "at least" if at_least else "at most"
        print(f"{'holds ' if holds else 'MISSED'}  {what}: {value:.2f} ({side} {bar:.2f})")
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
