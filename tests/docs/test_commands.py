"""The commands that the documentation shows exist, with their options; those of the developer's page are run."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import click
import pytest

from leadtime.doors.cli.main import leadtime, run
from leadtime.foundation.access import Role
from tests.doors.live import listening
from tests.doors.standing import site  # noqa: F401  # a fixture
from tests.doors.world import enrol

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("how-to/*.md")),
    *sorted((ROOT / "docs").glob("operate/*.md")),
]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DEVELOPERS = ROOT / "docs" / "how-to" / "developer.md"


def commands_of(page):
    """Return each line of a page's fenced blocks that is a command of ours, without its comment."""
    text = page.read_text().replace("\\\n", " ")
    lines = [line for kind, block in FENCED.findall(text) if kind in {"", "sh"} for line in block.splitlines()]
    return [shlex.split(line, comments=True) for line in lines if line.startswith("leadtime ")]


def found(words):
    """Return the command that words name, and the options among them that it does not have."""
    command: click.Command = leadtime
    context = click.Context(command)
    rest = list(words[1:])
    while isinstance(command, click.Group) and rest:
        inner = command.get_command(context, rest.pop(0))
        if inner is None:
            return None, words
        command, context = inner, click.Context(inner)
    known = {name for parameter in command.params for name in parameter.opts}
    return command, [word for word in rest if word.startswith("--") and word not in known]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_that_a_page_shows_exists_with_its_options(page):
    assert [words for words in commands_of(page) if found(words)[0] is None or found(words)[1]] == []


def test_what_the_developers_page_tells_works_line_by_line(site, database, tmp_path, monkeypatch, capsys):  # noqa: F811
    lab, agency, auditor = (enrol(database, role, role) for role in (Role.DEVELOPER, Role.AGENCY, Role.AUDITOR))
    monkeypatch.chdir(tmp_path)
    Path("upstream-key.txt").write_text("sk-upstream")
    Path("terms.json").write_text(re.search(r"```json\n(.*?)```", DEVELOPERS.read_text(), re.DOTALL)[1])
    known = {"ORGANISATION": str(agency.organisation.id), "AUDITOR": str(auditor.organisation.id)}
    gives = {"enrol": "MODEL", "agree": "AGREEMENT", "open": "WINDOW"}
    with listening(site) as url:
        monkeypatch.setenv("LEADTIME_URL", url)
        monkeypatch.setenv("LEADTIME_TOKEN", lab.token)
        for words in commands_of(DEVELOPERS):
            assert run([known.get(word, word) for word in words[1:]]) == 0, capsys.readouterr()
            told = capsys.readouterr().out
            if words[2] in gives:
                known[gives[words[2]]] = json.loads(told)["result"]["id"]
        assert run(["window", "show", known["MODEL"]]) == 0
    assert '"released"' in capsys.readouterr().out
