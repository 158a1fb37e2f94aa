"""Write the pages that come from the code: settings, states and the command line. A test holds them up to date."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path

import click

from leadtime.doors.cli.main import leadtime as root
from leadtime.flow import STAGES
from leadtime.foundation.settings import VARIABLES

DOCS = Path(__file__).parent
MADE = "<!-- Made by docs/generate.py; edit the code instead. -->\n\n"


def settings_page() -> str:
    """Return the page of environment variables."""
    rows = [
        f"| `{name}` | {f'`{default}`' if default else ''} | {text} |" for name, (default, text) in VARIABLES.items()
    ]
    return "\n".join(
        ["# Settings", "", MADE.strip(), "", "| variable | default | meaning |", "|---|---|---|", *rows, ""]
    )


def state_tables() -> Iterator[tuple[str, str, Mapping[Enum, Mapping[Enum, Enum]]]]:
    """Yield stage, name and table of every state machine: each public ``…MOVES`` in a stage's rules."""
    for stage in STAGES:
        for module_name in ("rules", "states"):
            name = f"leadtime.flow.{stage}.{module_name}"
            if importlib.util.find_spec(name) is None:
                continue
            module = importlib.import_module(name)
            for attribute, table in sorted(vars(module).items()):
                if attribute.endswith("MOVES") and isinstance(table, Mapping):
                    yield stage, attribute, table


def states_page() -> str:
    """Return the page of state diagrams and tables."""
    parts = ["# States", "", MADE.strip(), ""]
    for stage, name, table in state_tables():
        title = name.removesuffix("_MOVES").removesuffix("MOVES").replace("_", " ").strip().lower() or stage
        parts += [f"## {stage}: {title}", "", "| in state | move | leads to |", "|---|---|---|"]
        parts += [
            f"| {state.value} | {move.value} | {after.value} |"
            for state, moves in table.items()
            for move, after in moves.items()
        ]
        parts += ["", *diagram(table), ""]
    return "\n".join(parts)


def diagram(table: Mapping[Enum, Mapping[Enum, Enum]]) -> Iterator[str]:
    """Yield a state machine as a Mermaid diagram; moves that lead nowhere else are written beside their state."""
    yield from ("```mermaid", "stateDiagram-v2")
    for state, moves in table.items():
        yield f'    state "{state.value}" as {state.name}'
        yield from (
            f"    {state.name} --> {after.name}: {move.value}" for move, after in moves.items() if after is not state
        )
        staying = ", ".join(move.value for move, after in moves.items() if after is state)
        if staying:
            yield f"    note right of {state.name}: {staying}"
    yield "```"


def commands_page() -> str:
    """Return the page of every command's help."""
    parts = ["# Command line", "", MADE.strip(), ""]
    for path, command in walk(root, ()):
        context = click.Context(
            command, info_name=" ".join(("leadtime", *path)), max_content_width=100, terminal_width=100
        )
        parts += [f"## {' '.join(('leadtime', *path))}", "", "```", command.get_help(context), "```", ""]
    return "\n".join(parts)


def walk(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command below ``command`` with its path, in alphabetical order."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        if inner is not None:
            yield from walk(inner, (*path, name))


PAGES = {"settings.md": settings_page, "reference/states.md": states_page, "reference/commands.md": commands_page}


def main() -> int:
    """Write the pages; with ``--check`` only tell whether they are up to date."""
    stale = [name for name, page in PAGES.items() if not (DOCS / name).exists() or (DOCS / name).read_text() != page()]
    if "--check" in sys.argv[1:]:
        sys.stderr.writelines(f"docs/{name} is out of date. Run make docs.\n" for name in stale)
        return bool(stale)
    for name in stale:
        (DOCS / name).write_text(PAGES[name]())
    return 0


if __name__ == "__main__":
    sys.exit(main())
