"""What is said while logs are kept: what changed, once."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from leadtime.doors.cli.ledger_witness import make_server, open_witness
from leadtime.doors.cli.main import run
from leadtime.doors.keeping_logs import Turns, keep_logs, witnesses_of
from leadtime.foundation.errors import Malformed, Unavailable
from leadtime.foundation.settings import WitnessAt, read_settings
from leadtime.ledger import READS, Round, TreeHead
from tests.doors.cli.test_ledger import serving

DONE = Round(TreeHead(3, b"r" * 32), added=1, cosigned=1, more=False)


def test_a_silent_witness_is_said_once_and_said_again_when_it_is_back():
    turns = Turns()
    with capture_logs() as said:
        for outcome in (DONE, replace(DONE, silent=("w.example",)), replace(DONE, silent=("w.example",)), DONE, DONE):
            turns.tell(READS, outcome)
    assert [(line["log_level"], line["event"], line.get("witnesses")) for line in said] == [
        ("warning", "a log's witnesses are silent", ["w.example"]),
        ("info", "a log is signed and cosigned again", None),
    ]


def test_a_log_that_is_not_signed_says_why_once_for_each_reason():
    turns = Turns()
    with capture_logs() as said:
        for what in ("no witness answers", "no witness answers", "an older backup was restored"):
            turns.tell(READS, Unavailable(what))
    assert [(line["log"], line["what"]) for line in said] == [
        (READS, "no witness answers"),
        (READS, "an older backup was restored"),
    ]


def test_an_error_nobody_foresaw_is_told_by_kind_and_place_without_what_it_holds():
    turns = Turns()
    with capture_logs() as said:
        for _ in range(2):
            with pytest.raises(ValueError, match="embargoed") as caught:
                int("embargoed")
            turns.tell(READS, caught.value)
    (line,) = said
    assert (line["log_level"], line["log"]) == ("error", READS)
    assert re.fullmatch(r"ValueError at test_an_error_\w+:[0-9]+", line["what"])


def test_what_fails_beneath_all_logs_is_waited_out_and_ends_nothing(monkeypatch):
    stop, told = asyncio.Event(), []

    class Failing:
        def __init__(self, *_):
            pass

        def keep_turning(self, ended, _tell):
            told.append(ended)
            if len(told) == 1:
                raise ValueError("'unknown' is not a valid LogKind")
            loop.call_soon_threadsafe(stop.set)
            ended.wait(60)

    async def keep():
        nonlocal loop
        loop = asyncio.get_running_loop()
        await keep_logs(SimpleNamespace(database=None), [], stop)

    loop = None
    monkeypatch.setattr("leadtime.ledger.Keeper", Failing)
    monkeypatch.setattr("leadtime.doors.keeping_logs.OUTAGE_SECONDS", 0)
    with capture_logs() as said:
        asyncio.run(keep())
    assert [(line["event"], line["error"]) for line in said] == [("the ledger waits", "ValueError")]
    assert len(told) == 2


def test_a_witness_whose_key_is_none_is_refused_before_anything_is_served(home):
    settings = replace(read_settings({}), home=home, witnesses=(WitnessAt("not-a-key", "https://w.example"),))
    with pytest.raises(Malformed) as refused:
        witnesses_of(settings)
    assert refused.value.where == "LEADTIME_WITNESSES"


def test_the_doctor_tells_which_witness_answers(tmp_path, monkeypatch, capsys):
    witness = open_witness(tmp_path / "w", "witness.example", [])
    with serving(make_server("127.0.0.1:0", witness)) as address:
        monkeypatch.setenv("LEADTIME_WITNESSES", f"{witness.key}@{address}")
        assert told_by_the_doctor(capsys) == "it answers"
    assert told_by_the_doctor(capsys).startswith("no answer came (")


def told_by_the_doctor(capsys):
    run(["doctor"])
    lines = capsys.readouterr().out.splitlines()
    return next(line for line in lines if "witness witness.example " in line).partition("witness.example")[2].strip()
