from __future__ import annotations

import json
from pathlib import Path

import pytest

from leadtime.doors.cli import doctor
from leadtime.doors.cli.main import run
from leadtime.sandbox import Wall

GOOD = Wall("the box", stands=True, needed=True, detail="20 ms a run", how_to_get="never shown")
USEFUL = Wall("a tool", stands=False, needed=False, detail="missing", how_to_get="apt install [tool]")
NEEDED = Wall("the gate", stands=False, needed=True, detail="missing", how_to_get="build a gate")


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> list[Wall]:
    found = [GOOD, USEFUL]
    monkeypatch.setattr(doctor, "walls", lambda **_: tuple(found))
    monkeypatch.setattr(doctor, "TOOLS", (("no-such-tool", "nothing", "apt install it"),))
    return found


def test_what_is_merely_useful_may_be_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "a tool: apt install [tool]" in lines
    assert "no-such-tool (nothing): apt install it" in lines
    assert lines[-1] == "Ready."
    assert not any("never shown" in line for line in lines)


def test_what_is_needed_may_not(machine: list[Wall], capsys: pytest.CaptureFixture[str]) -> None:
    machine.append(NEEDED)
    assert run(["doctor"]) == 5
    lines = capsys.readouterr().out.splitlines()
    assert "the gate: build a gate" in lines
    assert lines[-1].startswith("Not ready: ")


def test_a_script_reads_the_same(machine: list[Wall], capsys: pytest.CaptureFixture[str]) -> None:
    machine.append(NEEDED)
    assert run(["doctor", "--json"]) == 5
    answer = json.loads(capsys.readouterr().out)
    assert answer["ready"] is False
    assert answer["walls"][2] == {
        "name": "the gate",
        "stands": False,
        "needed": True,
        "detail": "missing",
        "how_to_get": "build a gate",
    }


@pytest.mark.parametrize(
    ("content", "stands", "told"),
    [
        (b"".join(doctor.NODE_SYMBOLS), True, "has"),
        (doctor.NODE_SYMBOLS[0], False, "lacks"),
        (doctor.NODE_SYMBOLS[1], False, "lacks"),
        (b"", False, "lacks"),
    ],
)
def test_a_node_without_symbols_is_named(content: bytes, told: str, tmp_path: Path, *, stands: bool) -> None:
    node = tmp_path / "node"
    node.write_bytes(content)

    found = doctor.node_symbols(node)

    assert (found.stands, found.needed, found.detail) == (stands, False, f"{node} {told} them")
    assert found.how_to_get.endswith("until then what a script does is not shown.")


def test_no_node_is_missing() -> None:
    assert (doctor.node_symbols(None).stands, doctor.node_symbols(None).detail) == (False, "missing")


def test_the_user_that_is_set_is_the_one_examined(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(doctor, "walls", lambda *, user: asked.append(user) or ())
    monkeypatch.setenv("LEADTIME_SANDBOX_USER", "somebody")
    run(["doctor"])
    assert asked == ["somebody"]
