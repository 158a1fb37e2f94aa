"""``leadtime window`` and ``leadtime grant`` against a site that listens."""

from __future__ import annotations

import json

import pytest

from leadtime.doors.cli.main import EXIT_REFUSED, EXIT_UNAVAILABLE, run
from leadtime.foundation.access import Role
from leadtime.foundation.voluntary import NOTICE
from tests.doors.live import listening
from tests.doors.world import enrol

DIGEST = f"on=orion=sha256:{'0a' * 32}"


@pytest.fixture
def people(database):
    roles = {"developer": Role.DEVELOPER, "agency": Role.AGENCY, "partner": Role.PARTNER}
    return {who: enrol(database, role, who) for who, role in roles.items()}


@pytest.fixture
def leadtime(site, people, monkeypatch, capsys):
    """Run a command as somebody, and return its exit code, what it printed, and what it said on standard error."""
    with listening(site) as url:
        monkeypatch.setenv("LEADTIME_URL", url)

        def command(who, *arguments):
            monkeypatch.setenv("LEADTIME_TOKEN", people[who].token)
            code = run([*map(str, arguments)])
            told = capsys.readouterr()
            return code, told.out, told.err

        yield command


@pytest.fixture
def offered(leadtime, people, tmp_path):
    """A model that is offered to an agency."""

    def made(who, *arguments):
        code, out, err = leadtime(who, *arguments, "--json")
        assert code == 0, err
        assert json.loads(out)["notice"] == NOTICE
        return json.loads(out)["result"]

    (tmp_path / "key").write_text("sk-upstream\n")
    (tmp_path / "terms.json").write_text(json.dumps({"instrument": "CRADA 26-117", "purposes": ["find flaws"]}))
    model = made(
        "developer", "window", "enrol", "orion-1", "--variant", DIGEST, "--variant", "reduced=r",
        "--upstream", "http://127.0.0.1:9/v1", "--credential-file", tmp_path / "key",
    )  # fmt: skip
    agreement = made(
        "developer",
        "window",
        "agree",
        model["id"],
        people["agency"].organisation.id,
        "--terms",
        tmp_path / "terms.json",
    )
    opened = made("developer", "window", "open", model["id"], "--kind", "government", "--days", "30")
    entry = made("developer", "window", "offer", opened["id"], agreement["id"])
    return made, model, agreement, opened, entry, tmp_path / "terms.json"


def test_a_model_is_offered_used_and_withdrawn_by_commands(leadtime, people, offered):
    made, model, _, opened, entry, _ = offered
    given = made(
        "agency", "grant", "give", entry["id"], people["agency"].person.id, "--purpose", "find flaws",
        "--requests", 5, "--network", "127.0.0.0/8", "--variant", "reduced",
    )  # fmt: skip
    assert given["limits"] == {"requests": 5, "tokens": None, "concurrency": None, "micro_usd": None}
    assert made("agency", "grant", "credential", given["id"])["secret"].startswith("ltg_")
    assert [one["id"] for one in made("agency", "window", "list")["items"]] == [model["id"]]
    assert made("developer", "window", "read", opened["id"])["grants"][0]["id"] == given["id"]
    withdrawn = made("developer", "window", "withdraw", opened["id"])
    assert withdrawn["state"] == "withdrawn"
    signed = made("agency", "grant", "sign-off", given["id"], "--disposition", "destroyed", "--note", "wiped")
    assert (signed["disposition"], signed["note"]) == ("destroyed", "wiped")
    shown = made("developer", "window", "show", model["id"])
    assert [line["kind"] for line in shown["history"]][-2:] == ["withdrawn", "signed-off"]


def test_the_other_moves_of_a_developer(leadtime, people, offered):
    made, model, agreement, _, entry, terms = offered
    given = made("agency", "grant", "give", entry["id"], people["agency"].person.id, "--purpose", "find flaws")
    assert made("agency", "grant", "end", given["id"])["ended_at"]
    assert made("developer", "window", "amend", agreement["id"], "--terms", terms)["version"] == 2
    assert made("developer", "window", "end", entry["id"])["state"] == "ended"
    planned = made("developer", "window", "milestones", model["id"], "--partner-release", "2026-08-03T09:00")
    assert planned["milestones"] == {"partner_release_at": "2026-08-03T09:00:00Z", "public_release_at": None}
    partners = made("developer", "window", "open", model["id"], "--kind", "partner", "--days", "40")
    house = people["partner"].organisation.id
    theirs = made("developer", "window", "agree", model["id"], house, "--terms", terms)
    proposed = made("developer", "window", "propose", model["id"], house)
    assert made("developer", "window", "consent", proposed["id"], partners["id"], theirs["id"])["state"] == "joined"
    assert made("developer", "window", "withdraw-model", model["id"])["state"] == "withdrawn"
    assert made("developer", "window", "release", model["id"])["state"] == "released"


def test_people_read_the_result_and_the_sentence_of_law(leadtime, offered):
    code, out, err = leadtime("developer", "window", "list")
    assert code == 0
    assert json.loads(out)["items"][0]["name"] == "orion-1"
    assert err.strip() == NOTICE


def test_what_the_server_refuses_is_one_sentence(leadtime, offered):
    _, model, _, opened, _, _ = offered
    for arguments, sentence in (
        (
            ("developer", "window", "open", model["id"], "--kind", "government", "--days", "31"),
            "ends_at: a government window lasts at most 30 days from the first offer. Choose an earlier end.\n",
        ),
        (
            ("agency", "window", "withdraw", opened["id"]),
            (
                "the role agency may not withdraw or release a model. "
                "Ask somebody whose organisation has the role for it.\n"
            ),
        ),
        (("partner", "window", "read", opened["id"]), "there is no such thing that you may see. "),
        (("developer", "window", "read", "x"), "argument: this is not an id. Copy the id from the receipt"),
    ):
        code, out, err = leadtime(*arguments)
        assert (code, out) == (EXIT_REFUSED, "")
        assert sentence in err


def test_files_and_options_that_cannot_be_meant(leadtime, offered, tmp_path):
    _, model, agreement, _, _, _ = offered
    (tmp_path / "broken.json").write_text("[1]")
    code, _, err = leadtime("developer", "window", "amend", agreement["id"], "--terms", tmp_path / "broken.json")
    assert (code, err) == (
        EXIT_REFUSED,
        "--terms: this file holds no terms. Write a JSON object of 64 KiB at most.\n",
    )
    (tmp_path / "key").write_text("sk")
    code, _, err = leadtime(
        "developer", "window", "enrol", "vega", "--variant", "on", "--upstream", "http://h",
        "--credential-file", tmp_path / "key",
    )  # fmt: skip
    assert (code, err) == (EXIT_REFUSED, "--variant: a variant is NAME=UPSTREAM. Write it like on=orion-1.\n")
    assert model


def test_without_a_token_or_a_server(monkeypatch, capsys):
    monkeypatch.delenv("LEADTIME_TOKEN", raising=False)
    assert run(["window", "list"]) == EXIT_REFUSED
    assert capsys.readouterr().err.startswith("LEADTIME_TOKEN: a token is needed.")
    monkeypatch.setenv("LEADTIME_TOKEN", "lt_x")
    monkeypatch.setenv("LEADTIME_URL", "http://127.0.0.1:9")
    assert run(["window", "list"]) == EXIT_UNAVAILABLE
    assert "http://127.0.0.1:9: the server " in capsys.readouterr().err
