"""``leadtime doctor``: what works on this machine, what is missing, how to get it."""

from __future__ import annotations

import json
import mmap
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from leadtime.doors.keeping_logs import witnesses_of
from leadtime.foundation.errors import LeadtimeError
from leadtime.foundation.settings import Settings, read_settings
from leadtime.ledger import WebWitness
from leadtime.sandbox import Wall, walls

EXIT_MISSING = 5
SYSTEM_PYTHON = Path("/usr/bin/python3")

BOX_PATH = "/usr/local/bin:/usr/bin:/bin"
NODE_SYMBOLS = (
    b"\0Builtins_InterpreterEntryTrampoline\0",
    b"\0v8dbg_class_SharedFunctionInfo__script_or_debug_info__HeapObject\0",
)
"""What the observer knows V8's interpreter by, and what not every V8 calls the same (guest/observe_v8.py)."""

TOOLS: tuple[tuple[str, str, str], ...] = (
    ("gcc", "recipes that build C", "apt install gcc libc6-dev"),
    ("g++", "recipes that build C++", "apt install g++"),
    ("make", "recipes that use make", "apt install make"),
    ("clang-19", "recipes that build with clang", "apt install clang-19 libclang-rt-19-dev"),
    ("llvm-symbolizer-19", "names in clang's reports", "apt install llvm-19"),
    ("node", "recipes whose subject runs in Node", "apt install nodejs"),
)
"""Program -> what for -> how to get it. A recipe that needs a missing one is inconclusive, nothing else suffers."""


@click.command("doctor", epilog="Example: leadtime doctor --json")
@click.option("--json", "as_json", is_flag=True, help="Print the same as JSON.")
def command(*, as_json: bool) -> int:
    """Tell what works on this machine, what is missing and how to get it.

    Exit code 0: everything that is needed works (what is merely useful may be missing); 5: something needed does not.
    """
    settings = read_settings(os.environ)
    node = shutil.which("node", path=BOX_PATH)
    found = (
        *walls(user=settings.sandbox_user),
        *_tools(),
        node_symbols(Path(node) if node else None),
        _python_headers(),
        *_witnesses(settings),
    )
    ready = all(wall.stands for wall in found if wall.needed)
    if as_json:
        print(json.dumps({"ready": ready, "walls": [asdict(wall) for wall in found]}, indent=2))
    else:
        _show(found, ready=ready)
    return 0 if ready else EXIT_MISSING


def _tools() -> list[Wall]:
    return [
        Wall(f"{name} ({purpose})", place is not None, needed=False, detail=place or "missing", how_to_get=advice)
        for name, purpose, advice in TOOLS
        for place in [shutil.which(name)]
    ]


def node_symbols(node: Path | None) -> Wall:
    """Return whether the Node at a path names V8's interpreter to debuggers: its stacks can then be read."""
    told = False
    if node is not None and node.stat().st_size > 0:
        with node.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            told = all(content.rfind(symbol) >= 0 for symbol in NODE_SYMBOLS)
    return Wall(
        "Node's symbols (recipes with the oracle canary whose subject runs in Node)",
        told,
        needed=False,
        detail=f"{node} {'has' if told else 'lacks'} them" if node else "missing",
        how_to_get="Install an unstripped Node 20 (nodejs.org has them); until then what a script does is not shown.",
    )


def _python_headers() -> Wall:
    header = Path("/usr/include", SYSTEM_PYTHON.resolve().name, "Python.h")
    return Wall(
        "Python's headers (recipes that build a Python extension)",
        header.is_file(),
        needed=False,
        detail=str(header) if header.is_file() else "missing",
        how_to_get="apt install python3-dev, or name another CPython in LEADTIME_PYTHON",
    )


def _witnesses(settings: Settings) -> list[Wall]:
    """Ask each witness for something that it cannot sign: one that answers at all is there."""
    return [
        Wall(
            f"witness {each.key.name}",
            answer is None,
            needed=False,
            detail=answer or "it answers",
            how_to_get="start it, or take it out of LEADTIME_WITNESSES; a log is signed while one of them answers",
        )
        for each in witnesses_of(settings)
        for answer in [_silence_of(each)]
    ]


def _silence_of(witness: WebWitness) -> str | None:
    """Return why a witness does not answer; None: it does."""
    try:
        witness.add_checkpoint(b"")
    except LeadtimeError as problem:
        return problem.what
    return None


def _show(found: Sequence[Wall], *, ready: bool) -> None:
    console = Console(file=sys.stdout)
    table = Table("", "what", "found", box=None)
    for wall in found:
        mark = "[green]ok[/]" if wall.stands else "[red]missing[/]" if wall.needed else "[yellow]missing[/]"
        table.add_row(mark, wall.name, wall.detail)
    console.print(table)
    for wall in found:
        if not wall.stands:
            console.print(f"{wall.name}: {wall.how_to_get}", markup=False)
    console.print("Ready." if ready else "Not ready: nothing hostile is run until the red lines are mended.")
