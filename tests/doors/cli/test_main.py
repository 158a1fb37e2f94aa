"""The command line as a whole: what it lists, how errors read, how fast it starts."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from leadtime.doors.cli import main
from leadtime.foundation.errors import Conflict, Malformed, Missing, Refused, Unavailable


def test_every_command_is_there_and_shows_an_example(capsys):
    for name in main.COMMANDS:
        assert main.run([name, "--help"]) == 0, name
        told = capsys.readouterr().out
        command = main.leadtime.get_command(click.Context(main.leadtime), name)
        if not isinstance(command, click.Group):
            assert "Example: leadtime" in told, name
            continue
        for below, inner in command.commands.items():
            assert "Example: leadtime" in (inner.epilog or ""), f"{name} {below}"


def test_help_imports_no_command():
    code = "import sys; from leadtime.doors.cli.main import run; run(['--help']); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for heavy in ("sqlalchemy", "fastapi", "httpx", "leadtime.doors.cli.serve"):
        assert f"'{heavy}'" not in done.stdout


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Malformed("bad", where="x", next_step="Fix it."), 2),
        (Refused("no"), 2),
        (Missing("gone"), 2),
        (Conflict("changed"), 2),
        (Unavailable("busy"), 5),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
    ],
)
def test_errors_are_one_sentence_and_their_exit_code(monkeypatch, capsys, error, code):
    @click.command()
    def failing() -> None:
        raise error

    monkeypatch.setattr(main.Commands, "get_command", lambda *_: failing)
    assert main.run(["doctor"]) == code
    told = capsys.readouterr()
    assert told.out == ""
    assert "Traceback" not in told.err
    if isinstance(error, Malformed):
        assert told.err == "x: bad. Fix it.\n"


def test_a_commands_own_code_is_kept(monkeypatch):
    monkeypatch.setattr(main.Commands, "get_command", lambda *_: click.command()(lambda: 3))
    assert main.run(["doctor"]) == 3


def test_what_is_not_there_is_refused(capsys):
    assert main.run(["nothing"]) == 2
    assert capsys.readouterr().err == "leadtime: No such command 'nothing'. Try 'leadtime --help'.\n"
    assert main.run(["clustr"]) == 2
    assert capsys.readouterr().err == (
        "leadtime: No such command 'clustr'. Did you mean 'cluster'? Try 'leadtime --help'.\n"
    )
    assert main.run(["cluster", "no\x1bwhere"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("leadtime cluster: Invalid value for 'FILE': File 'no")
    assert told.endswith(" does not exist. Try 'leadtime cluster --help'.\n")
    assert "\x1b" not in told
    assert main.run(["report"]) == 2
    assert capsys.readouterr().err == ("leadtime report: Missing argument 'FILE...'. Try 'leadtime report --help'.\n")
    assert main.run(["serve", "--port", "0"]) == 2


def test_hostile_text_in_an_error_does_not_drive_the_terminal(monkeypatch, capsys):
    @click.command()
    def failing() -> None:
        raise Malformed("bad", where="\x1b[31m\n")

    monkeypatch.setattr(main.Commands, "get_command", lambda *_: failing)
    main.run(["doctor"])
    assert "\x1b" not in capsys.readouterr().err
