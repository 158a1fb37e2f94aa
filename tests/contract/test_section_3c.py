"""Section 3(c), verbatim, on every page and every export of half A; whatever is added is found here by its address."""

from __future__ import annotations

import html
import json
from http import HTTPStatus
from pathlib import Path
from uuid import uuid4

import click
import pytest
from click.testing import CliRunner

from leadtime.doors.app import build_api
from leadtime.doors.cli import call as call_commands
from leadtime.doors.cli import grant as grant_commands
from leadtime.doors.cli import window as window_commands
from leadtime.doors.cli.main import leadtime as commands
from leadtime.doors.web.routes import EARLY_ACCESS
from leadtime.foundation.access import Role
from leadtime.foundation.voluntary import NOTICE, SECTION_3C
from tests.architecture.test_no_gating_words import ROUTES
from tests.doors.standing import browse_by_link
from tests.doors.world import enrol
from tests.flow.window.factories import a_grant, an_offer

ROOT = Path(__file__).parents[2]
ID = "0198c5a0-0000-7000-8000-000000000000"
LAW = (
    "Nothing in this section shall be construed to authorize the creation of a mandatory governmental licensing, "
    "preclearance, or permitting requirement for the development, publication, release, or distribution of new AI "
    "models, including frontier models."
)


def test_the_sentence_is_the_orders():
    assert SECTION_3C == LAW
    assert f"{LAW} (EO 14409, sec. 3(c))" == NOTICE


def test_every_page_shows_it_to_everybody_around_an_offer(database, clients):
    offer = an_offer(database)
    made, _ = a_grant(database, offer)
    values = {"model": offer.model.id, "window_id": offer.window.id, "grant_id": made.id}
    paths = sorted({route.path for route in EARLY_ACCESS if "GET" in route.methods} | {"/flags"})
    for who in (offer.developer, offer.agency, enrol(database, Role.PARTNER, "Partner")):
        browser = browse_by_link(clients(), database, who)
        for path in paths:
            answer = browser.get(path.format(**values))
            assert NOTICE in html.unescape(answer.text), (path, answer.status_code)


def test_every_form_that_is_refused_shows_it_too(database, clients):
    offer = an_offer(database)
    made, _ = a_grant(database, offer)
    values = {"model": offer.model.id, "window_id": offer.window.id, "grant_id": made.id, "entry": made.entry}
    browser = browse_by_link(clients(), database, enrol(database, Role.COORDINATOR, "Centre"))
    for route in EARLY_ACCESS:
        if "POST" in route.methods:
            answer = browser.submit("/sign-in", route.path.format(**values))
            assert answer.status_code in {HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST}, route.path
            assert NOTICE in html.unescape(answer.text), route.path


def test_every_answer_of_the_api_carries_it(site):
    described = build_api(site).openapi()
    schemas, seen = described["components"]["schemas"], 0
    for path, operations in described["paths"].items():
        for method, operation in operations.items() if ROUTES.search(path) else ():
            for status, answer in operation["responses"].items():
                if not status.startswith("2"):
                    continue
                schema = answer["content"]["application/json"]["schema"]
                named = schemas[schema["$ref"].rpartition("/")[2]]
                assert named["properties"]["notice"]["default"] == NOTICE, (method, path, status)
                seen += 1
    assert seen > 20


def words_of(command, folder):
    """Return arguments that a command takes: every argument and every option that it needs."""
    words = []
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            words.append(ID)
        elif parameter.required:
            words += [parameter.opts[0], value_of(parameter, folder)]
    return words


def value_of(option, folder):
    if isinstance(option.type, click.Choice):
        return option.type.choices[0]
    if isinstance(option.type, click.File):
        (folder / "terms.json").write_text("{}")
        return str(folder / "terms.json")
    return str(folder / f"{option.name}-{uuid4()}") if isinstance(option.type, click.Path) else "on=orion-1"


@pytest.mark.parametrize("module", [window_commands, grant_commands, call_commands], ids=["window", "grant", "call"])
@pytest.mark.parametrize("as_json", [True, False])
def test_every_command_prints_it(module, as_json, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "call", lambda *_: {"notice": NOTICE, "result": {"id": ID, "age_file": ""}})
    group = module.command
    assert group.commands.keys() == commands.get_command(click.Context(commands), group.name).commands.keys()
    for name, command in group.commands.items():
        json_too = [parameter.opts[0] for parameter in command.params if as_json and parameter.name == "as_json"]
        words = [name, *words_of(command, tmp_path), *json_too]
        done = CliRunner().invoke(group, words)
        assert done.exit_code == 0, (words, done.output)
        assert (json.loads(done.stdout)["notice"] if json_too else done.stderr.strip()) == NOTICE, name


@pytest.mark.parametrize("page", ["how-to/developer", "how-to/evaluator", "how-to/partner", "operate/gateway"])
def test_the_documentation_of_this_half_shows_it(page):
    text = (ROOT / "docs" / f"{page}.md").read_text().replace("\n> ", " ")
    assert NOTICE in text
